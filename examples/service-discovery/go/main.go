// Registers an instance of a service under a lease, or follows the instances that are registered.
//
//	service-discovery register web 10.0.0.1:80
//	service-discovery watch web
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const ttlSeconds = 5 // how long the others take a crashed instance for alive

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
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "register":
		register(ctx, client, args[1], args[2])
	case len(args) == 2 && args[0] == "watch":
		watch(ctx, client, args[1])
	default:
		log.Fatal("usage: service-discovery register NAME ADDRESS | watch NAME")
	}
}

// Registers again whenever the lease was lost: after a pause of this process, or of the network, longer than the TTL.
func register(ctx context.Context, client *clientv3.Client, name, address string) {
	for ctx.Err() == nil {
		session, err := concurrency.NewSession(client, concurrency.WithTTL(ttlSeconds)) // keeps its lease alive
		if err != nil {
			log.Printf("no lease: %v", err)
			time.Sleep(time.Second)
			continue
		}
		key := "/services/" + name + "/" + address
		if _, err := client.Put(ctx, key, address, clientv3.WithLease(session.Lease())); err == nil {
			fmt.Println("registered", address)
			select {
			case <-ctx.Done():
			case <-session.Done():
			}
		}
		session.Close() // revokes the lease, which deletes the key
		fmt.Println("unregistered", address)
	}
}

// Prints all instances now and after each change.
func watch(ctx context.Context, client *clientv3.Client, name string) {
	prefix := "/services/" + name + "/"
	for ctx.Err() == nil {
		current, err := client.Get(ctx, prefix, clientv3.WithPrefix())
		if err != nil {
			time.Sleep(time.Second)
			continue
		}
		instances := map[string]bool{}
		for _, kv := range current.Kvs {
			instances[string(kv.Key)] = true
		}
		show(name, prefix, instances)
		// From the revision after the list: no change is missed. The client reconnects; the channel ends only when the
		// revision was compacted meanwhile, and then all is listed anew.
		changes := client.Watch(clientv3.WithRequireLeader(ctx), prefix, clientv3.WithPrefix(),
			clientv3.WithRev(current.Header.Revision+1))
		for change := range changes {
			for _, event := range change.Events {
				if event.Type == clientv3.EventTypePut {
					instances[string(event.Kv.Key)] = true
				} else {
					delete(instances, string(event.Kv.Key))
				}
			}
			if len(change.Events) > 0 {
				show(name, prefix, instances)
			}
		}
	}
}

func show(name, prefix string, instances map[string]bool) {
	addresses := []string{}
	for key := range instances {
		addresses = append(addresses, strings.TrimPrefix(key, prefix))
	}
	slices.Sort(addresses)
	fmt.Println(name, addresses)
}
