// wal_check reads and appends to a log with etcd's own package.
//
//	wal_check dump DIR    opens it for writing, as a member does at its start; prints what wal_tool dump prints
//	wal_check append DIR  appends an entry and a state
package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	command, dir := os.Args[1], os.Args[2]
	logger := zap.NewNop()
	snapshots, err := wal.ValidSnapshotEntries(logger, dir)
	must(err)
	w, err := wal.Open(logger, dir, walpb.Snapshot{})
	must(err)
	metadata, state, entries, err := w.ReadAll()
	must(err)
	if command == "append" {
		last := entries[len(entries)-1].Index
		state.Commit = last
		must(w.Save(state, []raftpb.Entry{{Term: state.Term, Index: last + 1, Data: []byte("of etcd")}}))
		must(w.Close())
		return
	}
	var identity etcdserverpb.Metadata
	must(identity.Unmarshal(metadata))
	fmt.Printf("identity %x %x\n", identity.NodeID, identity.ClusterID)
	for _, s := range snapshots {
		fmt.Printf("snapshot %d %d\n", s.Index, s.Term)
	}
	for _, e := range entries {
		fmt.Printf("entry %d %d %d %s\n", e.Index, e.Term, e.Type, hex.EncodeToString(e.Data))
	}
	fmt.Printf("state %d %x %d\n", state.Term, state.Vote, state.Commit)
	must(w.Close())
}
