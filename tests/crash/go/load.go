package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Settings of a load. Some clients are bound to one member each, so that one which has been cut off or deposed is asked as
// well; the others know all members, or go through the proxy.
type Settings struct {
	Seed    int64
	Clients int
	Keys    int
	Pace    time.Duration
	Members []string
	Proxy   string
}

// Kind of a call.
type Kind int

const (
	Get Kind = iota
	Put
	Swap // a transaction: puts if the key has the expected value, else gets
)

// Call is one call of one client. Values are unique over all calls; "" stands for a key that is not there.
type Call struct {
	Client  int
	Kind    Kind
	Key     string
	Value   string // Put, Swap: what is written
	Expect  string // Swap
	Begin   time.Duration
	End     time.Duration
	Err     error  // the outcome is not known (of a Get: there is none)
	Swapped bool   // Swap: written
	Found   string // Get, Swap that did not write: what was read
	Mod     int64  // the revision of Found
	Rev     int64  // the header's revision
}

// Writes tells whether the call is known to have written.
func (c *Call) Writes() bool {
	return c.Err == nil && (c.Kind == Put || c.Kind == Swap && c.Swapped)
}

// Load is a running load.
type Load struct {
	settings Settings
	began    time.Time
	stop     context.CancelFunc
	running  sync.WaitGroup
	mutex    sync.Mutex
	history  []*Call
}

// Dial makes a client as a user's program would; it is not heard from.
func Dial(endpoints ...string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 2 * time.Second,
		DialKeepAliveTime: 2 * time.Second, DialKeepAliveTimeout: time.Second, Logger: zap.NewNop()})
}

// StartLoad starts the clients.
func StartLoad(settings Settings) (*Load, error) {
	ctx, stop := context.WithCancel(context.Background())
	load := &Load{settings: settings, began: time.Now(), stop: stop}
	for i := 0; i < settings.Clients; i++ {
		roads := len(settings.Members) + 1
		if settings.Proxy != "" {
			roads++
		}
		endpoints := settings.Members
		if road := i % roads; road < len(settings.Members) {
			endpoints = settings.Members[road : road+1]
		} else if road > len(settings.Members) {
			endpoints = []string{settings.Proxy}
		}
		client, err := Dial(endpoints...)
		if err != nil {
			return nil, err
		}
		load.running.Add(1)
		go func() {
			defer load.running.Done()
			defer client.Close()
			load.run(ctx, i, client)
		}()
	}
	return load, nil
}

// Stop ends the clients, each after its call under way, and returns all calls.
func (l *Load) Stop() []*Call {
	l.stop()
	l.running.Wait()
	return l.history
}

func (l *Load) run(ctx context.Context, number int, client *clientv3.Client) {
	random := rand.New(rand.NewSource(l.settings.Seed*1000 + int64(number)))
	seen := map[string]string{} // what this client last knew of each key
	for n := 0; ctx.Err() == nil; n++ {
		call := &Call{Client: number, Key: fmt.Sprintf("k/%d", random.Intn(l.settings.Keys))}
		switch draw := random.Intn(100); {
		case draw < 40:
			call.Kind = Get
		case draw < 80:
			call.Kind = Put
		default:
			call.Kind = Swap
			call.Expect = seen[call.Key]
		}
		if call.Kind != Get {
			call.Value = fmt.Sprintf("%d.%d", number, n)
		}
		limit := time.Duration(300+random.Intn(2500)) * time.Millisecond
		l.call(client, call, limit)
		switch {
		case call.Writes():
			seen[call.Key] = call.Value
		case call.Err == nil:
			seen[call.Key] = call.Found
		}
		l.mutex.Lock()
		l.history = append(l.history, call)
		l.mutex.Unlock()
		time.Sleep(time.Duration(random.Int63n(int64(2*l.settings.Pace) + 1)))
	}
}

// A call that has begun is finished even when the load is stopped.
func (l *Load) call(client *clientv3.Client, call *Call, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	call.Begin = time.Since(l.began)
	var found *clientv3.GetResponse
	switch call.Kind {
	case Get:
		found, call.Err = client.Get(ctx, call.Key)
		if call.Err == nil {
			call.Rev = found.Header.Revision
		}
	case Put:
		answer, err := client.Put(ctx, call.Key, call.Value)
		if call.Err = err; err == nil {
			call.Rev = answer.Header.Revision
		}
	case Swap:
		condition := clientv3.Compare(clientv3.Value(call.Key), "=", call.Expect)
		if call.Expect == "" {
			condition = clientv3.Compare(clientv3.CreateRevision(call.Key), "=", 0)
		}
		answer, err := client.Txn(ctx).If(condition).Then(clientv3.OpPut(call.Key, call.Value)).
			Else(clientv3.OpGet(call.Key)).Commit()
		if call.Err = err; err == nil {
			call.Rev, call.Swapped = answer.Header.Revision, answer.Succeeded
			if !call.Swapped {
				if rangeResponse := answer.Responses[0].GetResponseRange(); rangeResponse != nil {
					found = (*clientv3.GetResponse)(rangeResponse)
				} else {
					call.Err = errors.New("a transaction's answer without the range it asked for")
				}
			}
		}
	}
	call.End = time.Since(l.began)
	if call.Err == nil && found != nil && len(found.Kvs) > 0 {
		call.Found, call.Mod = string(found.Kvs[0].Value), found.Kvs[0].ModRevision
	}
}
