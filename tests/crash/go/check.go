package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const checkTimeout = 60 * time.Second

// Event is one write of a member's history.
type Event struct {
	Key, Value string
	Rev        int64
}

// Check compares the members with each other and the calls with the members' history. It changes calls whose outcome was
// not known to what the history says of them. Returns a summary, or what is wrong.
func Check(ctx context.Context, settings Settings, calls []*Call, picture string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	events, err := membersHistory(ctx, settings)
	if err != nil {
		return "", err
	}
	summary := summarize(calls)
	executed, err := checkWrites(calls, events)
	if err != nil {
		return "", err
	}
	if err := checkReads(calls, events); err != nil {
		return "", err
	}
	if err := checkRealTime(calls, executed); err != nil {
		return "", err
	}
	if err := checkLinearizable(calls, executed, picture); err != nil {
		return "", err
	}
	return summary, nil
}

// The history of all writes, which has to be the same on all members, as their hashes have to be.
func membersHistory(ctx context.Context, settings Settings) ([]Event, error) {
	all, err := Dial(settings.Members...)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	var last int64
	for last == 0 {
		end, err := all.Put(ctx, "end", "")
		if err == nil {
			last = end.Header.Revision
		} else if ctx.Err() != nil {
			return nil, fmt.Errorf("no write is accepted after all has healed: %v", err)
		}
	}
	var first []Event
	var hash uint32
	for i, member := range settings.Members {
		client, err := Dial(member)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		events, err := history(ctx, client, last)
		if err != nil {
			return nil, fmt.Errorf("%s: %v", member, err)
		}
		hashed, err := client.HashKV(ctx, member, last)
		if err != nil {
			return nil, fmt.Errorf("hash of %s: %v", member, err)
		}
		if i == 0 {
			first, hash = events, hashed.Hash
			continue
		}
		for j := 0; j < len(first) || j < len(events); j++ {
			if j >= len(first) || j >= len(events) || first[j] != events[j] {
				return nil, fmt.Errorf("the histories of %s and %s differ from event %d on (%d and %d events)",
					settings.Members[0], member, j, len(first), len(events))
			}
		}
		if hashed.Hash != hash {
			return nil, fmt.Errorf("the hashes of %s and %s differ at revision %d: %d and %d", settings.Members[0], member,
				last, hash, hashed.Hash)
		}
	}
	return first, nil
}

// All events of a member from revision 1 to `last`, by a watch.
func history(ctx context.Context, client *clientv3.Client, last int64) ([]Event, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var events []Event
	for response := range client.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(1)) {
		if err := response.Err(); err != nil {
			return nil, err
		}
		for _, event := range response.Events {
			if n := len(events); n > 0 && event.Kv.ModRevision <= events[n-1].Rev {
				return nil, fmt.Errorf("a watch gave revision %d after %d", event.Kv.ModRevision, events[n-1].Rev)
			}
			events = append(events, Event{string(event.Kv.Key), string(event.Kv.Value), event.Kv.ModRevision})
			if event.Kv.ModRevision == last {
				return events, nil
			}
		}
	}
	return nil, fmt.Errorf("a watch ended before revision %d: %v", last, ctx.Err())
}

// Every acknowledged write is in the history, once, at the revision that was told; nothing else is there but writes whose
// outcome was not known. Returns the revision at which each call wrote.
func checkWrites(calls []*Call, events []Event) (map[*Call]int64, error) {
	byValue := map[string]*Call{}
	for _, call := range calls {
		if call.Kind != Get {
			byValue[call.Value] = call
		}
	}
	executed := map[*Call]int64{}
	for i, event := range events {
		if want := events[0].Rev + int64(i); event.Rev != want {
			return nil, fmt.Errorf("the history has revision %d in place of %d", event.Rev, want)
		}
		if event.Key == "end" {
			continue
		}
		call := byValue[event.Value]
		switch {
		case call == nil || call.Key != event.Key:
			return nil, fmt.Errorf("revision %d has %s=%s, which nobody wrote", event.Rev, event.Key, event.Value)
		case executed[call] != 0:
			return nil, fmt.Errorf("%s=%s was written twice, at %d and %d, by a call from %v to %v that was told revision %d, error %v",
				event.Key, event.Value, executed[call], event.Rev, call.Begin, call.End, call.Rev, call.Err)
		case call.Err == nil && !call.Writes():
			return nil, fmt.Errorf("%s=%s was written at %d by a transaction that was said to have failed", event.Key,
				event.Value, event.Rev)
		}
		executed[call] = event.Rev
	}
	for _, call := range calls {
		if call.Writes() && executed[call] != call.Rev {
			return nil, fmt.Errorf("%s=%s was acknowledged with revision %d and is at %d (0: lost)", call.Key, call.Value,
				call.Rev, executed[call])
		}
	}
	return executed, nil
}

// What was read with a revision is what the history has at that revision.
func checkReads(calls []*Call, events []Event) error {
	byKey := map[string][]Event{}
	for _, event := range events {
		byKey[event.Key] = append(byKey[event.Key], event)
	}
	for _, call := range calls {
		if call.Err != nil || call.Writes() {
			continue
		}
		past := byKey[call.Key]
		past = past[:sort.Search(len(past), func(i int) bool { return past[i].Rev > call.Rev })]
		want := Event{Key: call.Key}
		if len(past) > 0 {
			want = past[len(past)-1]
		}
		if call.Found != want.Value || call.Mod != want.Rev {
			return fmt.Errorf("a read of %s at revision %d gave %q of %d; it was %q of %d", call.Key, call.Rev, call.Found,
				call.Mod, want.Value, want.Rev)
		}
	}
	return nil
}

// What began after another call had ended has seen a revision that is not older, over all keys. (This is stricter than
// what is checked per key, and quick.)
func checkRealTime(calls []*Call, executed map[*Call]int64) error {
	var known []*Call
	for _, call := range calls {
		if call.Err == nil {
			known = append(known, call)
		}
	}
	sort.Slice(known, func(i, j int) bool { return known[i].End < known[j].End })
	beginning := append([]*Call(nil), calls...)
	sort.Slice(beginning, func(i, j int) bool { return beginning[i].Begin < beginning[j].Begin })
	var newest *Call
	for _, call := range beginning {
		for len(known) > 0 && known[0].End < call.Begin {
			if newest == nil || known[0].Rev > newest.Rev {
				newest = known[0]
			}
			known = known[1:]
		}
		revision := call.Rev
		if call.Err != nil {
			revision = executed[call]
		}
		if newest == nil || revision == 0 {
			continue
		}
		if revision < newest.Rev || revision == newest.Rev && (call.Writes() || call.Err != nil) {
			return fmt.Errorf("a call of client %d began at %v and saw revision %d (write: %v) although one of client %d that ended at %v had seen %d",
				call.Client, call.Begin, revision, executed[call] != 0, newest.Client, newest.End, newest.Rev)
		}
	}
	return nil
}

// By porcupine, which knows nothing of revisions.
func checkLinearizable(calls []*Call, executed map[*Call]int64, picture string) error {
	// A write whose outcome was not known and that the history has, had happened when anybody saw its revision or a later
	// one. One that the history does not have may be left out: nobody has seen it.
	var known []*Call
	for _, call := range calls {
		if call.Err == nil {
			known = append(known, call)
		}
	}
	sort.Slice(known, func(i, j int) bool { return known[i].Rev < known[j].Rev })
	soonest := make([]time.Duration, len(known)+1) // the first end of those from here on
	soonest[len(known)] = math.MaxInt64
	for i := len(known) - 1; i >= 0; i-- {
		soonest[i] = min(known[i].End, soonest[i+1])
	}
	var operations []porcupine.Operation
	others := 0
	for _, call := range calls {
		operation := porcupine.Operation{ClientId: call.Client, Input: call, Call: int64(call.Begin), Output: call, Return: int64(call.End)}
		if call.Err != nil {
			revision := executed[call]
			if revision == 0 {
				continue
			}
			// It may overlap with later calls of its client, as if it were another one's.
			others++
			operation.ClientId = 1000 + others
			operation.Return = int64(soonest[sort.Search(len(known), func(i int) bool { return known[i].Rev >= revision })])
			resolved := *call
			resolved.Err, resolved.Swapped = nil, true
			operation.Input, operation.Output = &resolved, &resolved
		}
		operations = append(operations, operation)
	}
	result, info := porcupine.CheckOperationsVerbose(register, operations, checkTimeout)
	if result == porcupine.Ok {
		return nil
	}
	if picture != "" {
		if file, err := os.Create(picture); err == nil {
			_ = porcupine.Visualize(register, info, file)
			_ = file.Close()
		}
	}
	return fmt.Errorf("porcupine says %v of %d calls (drawn in %q)", result, len(operations), picture)
}

// One key: its value, "" when it is not there.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, operation := range history {
			key := operation.Input.(*Call).Key
			byKey[key] = append(byKey[key], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		call := output.(*Call)
		switch {
		case call.Kind == Put:
			return true, call.Value
		case call.Kind == Swap && call.Swapped:
			return state == call.Expect, call.Value
		case call.Kind == Swap:
			return state == call.Found && state != call.Expect, state
		}
		return state == call.Found, state
	},
	DescribeOperation: func(input, output any) string {
		call := output.(*Call)
		switch call.Kind {
		case Put:
			return fmt.Sprintf("put %s", call.Value)
		case Swap:
			return fmt.Sprintf("swap %q for %q: %v %q", call.Expect, call.Value, call.Swapped, call.Found)
		}
		return fmt.Sprintf("get: %q", call.Found)
	},
}

// How many calls, how many failed and why, and the longest time without a write.
func summarize(calls []*Call) string {
	errors := map[string]int{}
	var writes []time.Duration
	for _, call := range calls {
		if call.Err != nil {
			text := call.Err.Error()
			if at := strings.Index(text, "dial tcp"); at >= 0 {
				text = "dial" + text[strings.LastIndex(text, ":"):]
			}
			errors[text]++
		} else if call.Writes() {
			writes = append(writes, call.End)
		}
	}
	sort.Slice(writes, func(i, j int) bool { return writes[i] < writes[j] })
	var gap time.Duration
	for i := 1; i < len(writes); i++ {
		gap = max(gap, writes[i]-writes[i-1])
	}
	var reasons []string
	for text, count := range errors {
		reasons = append(reasons, fmt.Sprintf("%d x %s", count, text))
	}
	sort.Strings(reasons)
	return fmt.Sprintf("%d calls, %d acknowledged writes, %d ms the longest without one; %s", len(calls), len(writes),
		gap.Milliseconds(), strings.Join(reasons, "; "))
}
