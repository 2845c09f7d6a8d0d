// The usual calls of etcd's official Go client against one endpoint. Prints one line for each step, and ends with exit
// code 1 at the first that is not as it should be.
//
//	go-client HOST:PORT
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.etcd.io/etcd/client/v3/leasing"
	"go.etcd.io/etcd/client/v3/mirror"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.etcd.io/etcd/client/v3/ordering"
)

type session struct {
	ctx    context.Context
	client *clientv3.Client
}

func check(condition bool, format string, arguments ...any) {
	if !condition {
		fmt.Printf("WRONG: "+format+"\n", arguments...)
		os.Exit(1)
	}
}

func must(err error, what string) {
	check(err == nil, "%s: %v", what, err)
}

func (s session) keysAndValues() {
	put, err := s.client.Put(s.ctx, "go/a", "1")
	must(err, "put")
	again, err := s.client.Put(s.ctx, "go/a", "2", clientv3.WithPrevKV())
	must(err, "put with prev_kv")
	check(again.Header.Revision == put.Header.Revision+1, "revisions %d, %d", put.Header.Revision, again.Header.Revision)
	check(string(again.PrevKv.Value) == "1", "prev_kv %q", again.PrevKv.Value)
	old, err := s.client.Get(s.ctx, "go/a", clientv3.WithRev(put.Header.Revision))
	must(err, "get at a revision")
	check(len(old.Kvs) == 1 && string(old.Kvs[0].Value) == "1" && old.Kvs[0].Version == 1, "old: %v", old)
	for _, key := range []string{"go/b", "go/c", "go/d"} {
		_, err := s.client.Put(s.ctx, key, key)
		must(err, "put "+key)
	}
	list, err := s.client.Get(s.ctx, "go/", clientv3.WithPrefix(), clientv3.WithLimit(3),
		clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend))
	must(err, "get by prefix")
	check(list.Count == 4 && list.More && len(list.Kvs) == 3 && string(list.Kvs[0].Key) == "go/d", "list: %v", list)
	count, err := s.client.Get(s.ctx, "go/", clientv3.WithPrefix(), clientv3.WithCountOnly(), clientv3.WithSerializable())
	must(err, "count")
	check(count.Count == 4 && len(count.Kvs) == 0, "count: %v", count)
	_, err = s.client.Get(s.ctx, "")
	check(errors.Is(err, rpctypes.ErrEmptyKey), "get without a key: %v", err)
	_, err = s.client.Get(s.ctx, "go/a", clientv3.WithRev(1<<40))
	check(errors.Is(err, rpctypes.ErrFutureRev), "a revision to come: %v", err)
	deleted, err := s.client.Delete(s.ctx, "go/b", clientv3.WithRange("go/d"), clientv3.WithPrevKV())
	must(err, "delete")
	check(deleted.Deleted == 2 && len(deleted.PrevKvs) == 2, "deleted: %v", deleted)
}

func (s session) transactions() {
	txn := func() *clientv3.TxnResponse {
		answer, err := s.client.Txn(s.ctx).
			If(clientv3.Compare(clientv3.CreateRevision("go/txn"), "=", 0)).
			Then(clientv3.OpPut("go/txn", "created"), clientv3.OpGet("go/txn")).
			Else(clientv3.OpGet("go/txn"), clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("go/nested", "1")}, nil)).
			Commit()
		must(err, "txn")
		return answer
	}
	first, second := txn(), txn()
	check(first.Succeeded && string(first.Responses[1].GetResponseRange().Kvs[0].Value) == "created", "first: %v", first)
	check(!second.Succeeded && second.Responses[1].GetResponseTxn().Succeeded, "second: %v", second)
	_, err := s.client.Txn(s.ctx).Then(clientv3.OpPut("go/x", "1"), clientv3.OpPut("go/x", "2")).Commit()
	check(errors.Is(err, rpctypes.ErrDuplicateKey), "a key twice: %v", err)
	_, err = concurrency.NewSTM(s.client, func(stm concurrency.STM) error {
		stm.Put("go/stm", stm.Get("go/a")+"!")
		return nil
	})
	must(err, "stm")
	moved, err := s.client.Get(s.ctx, "go/stm")
	must(err, "get after stm")
	check(string(moved.Kvs[0].Value) == "2!", "stm: %v", moved)
}

func (s session) watches() {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(s.ctx))
	defer cancel()
	put, err := s.client.Put(s.ctx, "go/w/a", "1")
	must(err, "put")
	channel := s.client.Watch(ctx, "go/w/", clientv3.WithPrefix(), clientv3.WithRev(put.Header.Revision), clientv3.WithPrevKV(),
		clientv3.WithCreatedNotify(), clientv3.WithFragment())
	check((<-channel).Created, "no notice of the creation")
	_, err = s.client.Put(s.ctx, "go/w/a", "2")
	must(err, "put")
	_, err = s.client.Delete(s.ctx, "go/w/a")
	must(err, "delete")
	var events []*clientv3.Event
	for len(events) < 3 {
		response := <-channel
		must(response.Err(), "watch")
		events = append(events, response.Events...)
	}
	check(events[0].IsCreate() && events[1].IsModify() && string(events[1].PrevKv.Value) == "1" &&
		events[2].Type == clientv3.EventTypeDelete, "events: %v", events)
	must(s.client.RequestProgress(ctx), "progress request")
	progress := <-channel
	check(progress.IsProgressNotify(), "no progress: %v", progress)
	_, err = s.client.Compact(s.ctx, put.Header.Revision+1, clientv3.WithCompactPhysical())
	must(err, "compact")
	_, err = s.client.Get(s.ctx, "go/a", clientv3.WithRev(put.Header.Revision))
	check(errors.Is(err, rpctypes.ErrCompacted), "compacted: %v", err)
	for response := range s.client.Watch(ctx, "go/w/a", clientv3.WithRev(2)) {
		check(response.CompactRevision == put.Header.Revision+1 && errors.Is(response.Err(), rpctypes.ErrCompacted), "%v", response)
	}
}

func (s session) leases() {
	lease, err := s.client.Grant(s.ctx, 60)
	must(err, "grant")
	_, err = s.client.Put(s.ctx, "go/leased", "x", clientv3.WithLease(lease.ID))
	must(err, "put with a lease")
	ctx, cancel := context.WithCancel(s.ctx)
	alive, err := s.client.KeepAlive(ctx, lease.ID)
	must(err, "keep alive")
	check((<-alive).TTL == 60, "keep alive")
	cancel()
	left, err := s.client.TimeToLive(s.ctx, lease.ID, clientv3.WithAttachedKeys())
	must(err, "time to live")
	check(left.GrantedTTL == 60 && left.TTL > 50 && len(left.Keys) == 1, "time to live: %v", left)
	all, err := s.client.Leases(s.ctx)
	must(err, "leases")
	check(len(all.Leases) >= 1, "leases: %v", all)
	_, err = s.client.Revoke(s.ctx, lease.ID)
	must(err, "revoke")
	_, err = s.client.KeepAliveOnce(s.ctx, lease.ID)
	check(errors.Is(err, rpctypes.ErrLeaseNotFound), "keep alive once: %v", err)
	gone, err := s.client.Get(s.ctx, "go/leased")
	must(err, "get")
	check(gone.Count == 0, "the key outlived its lease")
	short, err := s.client.Grant(s.ctx, 1)
	must(err, "grant")
	watch := s.client.Watch(s.ctx, "go/short")
	_, err = s.client.Put(s.ctx, "go/short", "x", clientv3.WithLease(short.ID))
	must(err, "put with a short lease")
	check((<-watch).Events[0].Type == clientv3.EventTypePut, "no put")
	check((<-watch).Events[0].Type == clientv3.EventTypeDelete, "no expiry")
}

func (s session) locksAndElections() {
	one, err := concurrency.NewSession(s.client, concurrency.WithTTL(30))
	must(err, "session")
	defer one.Close()
	other, err := concurrency.NewSession(s.client, concurrency.WithTTL(30))
	must(err, "session")
	defer other.Close()
	first, second := concurrency.NewMutex(one, "go/lock/"), concurrency.NewMutex(other, "go/lock/")
	must(first.Lock(s.ctx), "lock")
	check(errors.Is(second.TryLock(s.ctx), concurrency.ErrLocked), "locked twice")
	held := make(chan error, 1)
	go func() { held <- second.Lock(s.ctx) }()
	must(first.Unlock(s.ctx), "unlock")
	must(<-held, "the second lock")
	must(second.Unlock(s.ctx), "unlock")

	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	election, rival := concurrency.NewElection(one, "go/chair/"), concurrency.NewElection(other, "go/chair/")
	must(election.Campaign(s.ctx, "me"), "campaign")
	observed := rival.Observe(ctx)
	check(string((<-observed).Kvs[0].Value) == "me", "observe")
	must(election.Proclaim(s.ctx, "me again"), "proclaim")
	check(string((<-observed).Kvs[0].Value) == "me again", "observe the proclamation")
	won := make(chan error, 1)
	go func() { won <- rival.Campaign(s.ctx, "you") }()
	must(election.Resign(s.ctx), "resign")
	must(<-won, "the rival's campaign")
	leader, err := rival.Leader(s.ctx)
	must(err, "leader")
	check(string(leader.Kvs[0].Value) == "you", "leader: %v", leader)
	must(rival.Resign(s.ctx), "resign")
}

func (s session) maintenance(endpoint string) {
	status, err := s.client.Status(s.ctx, endpoint)
	must(err, "status")
	check(status.Leader == status.Header.MemberId && status.DbSize > 0 && len(status.Errors) == 0, "status: %v", status)
	alarms, err := s.client.AlarmList(s.ctx)
	must(err, "alarms")
	check(len(alarms.Alarms) == 0, "alarms: %v", alarms)
	hash, err := s.client.HashKV(s.ctx, endpoint, 0)
	must(err, "hash")
	_, err = s.client.Defragment(s.ctx, endpoint)
	must(err, "defragment")
	after, err := s.client.HashKV(s.ctx, endpoint, hash.Header.Revision)
	must(err, "hash")
	check(hash.Hash == after.Hash, "the hash changed by defragmenting: %d, %d", hash.Hash, after.Hash)
	members, err := s.client.MemberList(s.ctx)
	must(err, "member list")
	check(len(members.Members) == 1 && members.Members[0].ID == status.Leader, "members: %v", members)
	snapshot, err := s.client.Snapshot(s.ctx)
	must(err, "snapshot")
	data, err := io.ReadAll(snapshot)
	must(err, "reading the snapshot")
	must(snapshot.Close(), "closing the snapshot")
	sum := sha256.Sum256(data[:len(data)-sha256.Size])
	check(bytes.Equal(sum[:], data[len(data)-sha256.Size:]), "the snapshot's checksum is wrong")
}

func (s session) layers() {
	under := namespace.NewKV(s.client.KV, "go/space/")
	_, err := under.Put(s.ctx, "a", "1")
	must(err, "put in a name space")
	plain, err := s.client.Get(s.ctx, "go/space/a")
	must(err, "get")
	check(plain.Count == 1, "name space: %v", plain)
	ordered := ordering.NewKV(s.client.KV, ordering.NewOrderViolationSwitchEndpointClosure(s.client))
	_, err = ordered.Get(s.ctx, "go/space/a", clientv3.WithSerializable())
	must(err, "ordered get")
	leased, end, err := leasing.NewKV(s.client, "go/leasing/")
	must(err, "leasing")
	defer end()
	for range 2 {
		got, err := leased.Get(s.ctx, "go/space/a")
		must(err, "leased get")
		check(string(got.Kvs[0].Value) == "1", "leased get: %v", got)
	}
	copies := 0
	pages, errs := mirror.NewSyncer(s.client, "go/", 0).SyncBase(s.ctx)
	for page := range pages {
		copies += len(page.Kvs)
	}
	must(<-errs, "mirror")
	check(copies > 3, "the mirror saw %d keys", copies)
}

func main() {
	endpoint := os.Args[1]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second})
	must(err, "connect")
	defer client.Close()
	s := session{ctx, client}
	steps := []struct {
		name string
		run  func()
	}{
		{"keys and values", s.keysAndValues},
		{"transactions", s.transactions},
		{"watches", s.watches},
		{"leases", s.leases},
		{"locks and elections", s.locksAndElections},
		{"maintenance", func() { s.maintenance(endpoint) }},
		{"layers of the client", s.layers},
	}
	for _, step := range steps {
		step.run()
		fmt.Println(step.name)
	}
}
