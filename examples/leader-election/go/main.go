// Stands for election and leads while it can, or follows who leads.
//
//	leader-election campaign scheduler a
//	leader-election observe scheduler
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const ttlSeconds = 5 // how long a crashed leader keeps the others from leading

func endpoint() string {
	if given := os.Getenv("ETCD_ENDPOINT"); given != "" {
		return given
	}
	return "127.0.0.1:23790"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint()}, DialTimeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	args := os.Args[1:]
	for ctx.Err() == nil {
		switch {
		case len(args) == 3 && args[0] == "campaign":
			err = campaign(ctx, client, args[1], args[2])
		case len(args) == 2 && args[0] == "observe":
			err = observe(ctx, client, args[1])
		default:
			log.Fatal("usage: leader-election campaign NAME ID | observe NAME")
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("again in a second: %v", err)
			time.Sleep(time.Second)
		}
	}
}

// Returns when it has led and leads no more.
func campaign(ctx context.Context, client *clientv3.Client, name, id string) error {
	session, err := concurrency.NewSession(client, concurrency.WithTTL(ttlSeconds)) // keeps its lease alive
	if err != nil {
		return err
	}
	defer session.Close() // revokes the lease: the next one need not wait for the TTL
	election := concurrency.NewElection(session, name)
	if err := election.Campaign(ctx, id); err != nil { // waits for its turn, in the order of arrival
		return err
	}
	fmt.Printf("%s leads since revision %d\n", id, election.Rev())
	select { // the work goes here; its writes should compare election.Key()'s create revision with election.Rev()
	case <-ctx.Done():
	case <-session.Done():
	}
	fmt.Printf("%s leads no more\n", id)
	return nil
}

// For monitoring: prints each leader, with how long after the one before.
func observe(ctx context.Context, client *clientv3.Client, name string) error {
	session, err := concurrency.NewSession(client, concurrency.WithTTL(ttlSeconds))
	if err != nil {
		return err
	}
	defer session.Close()
	last, since := "", time.Now()
	for answer := range concurrency.NewElection(session, name).Observe(ctx) {
		leader := string(answer.Kvs[0].Value)
		if leader != last {
			fmt.Printf("leader %s after %d s\n", leader, int(time.Since(since).Seconds()))
			last, since = leader, time.Now()
		}
	}
	return nil
}
