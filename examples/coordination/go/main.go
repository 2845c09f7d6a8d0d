// Processes that wait for each other: a barrier that one holds and releases, and a double barrier that a number of them
// enter and leave together. The recipes are the official client's.
//
//	coordination hold start | release start | wait start
//	coordination together batch 3
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	recipe "go.etcd.io/etcd/client/v3/experimental/recipes"
)

func endpoint() string {
	if given := os.Getenv("ETCD_ENDPOINT"); given != "" {
		return given
	}
	return "127.0.0.1:23790"
}

func main() {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint()}, DialTimeout: 5 * time.Second})
	check(err)
	defer client.Close()
	args := os.Args[1:]
	if len(args) < 2 {
		log.Fatal("usage: coordination hold|release|wait NAME | together NAME COUNT")
	}
	key := "/barriers/" + args[1]
	switch barrier := recipe.NewBarrier(client, key); args[0] {
	case "hold":
		check(barrier.Hold())
		fmt.Println("held")
	case "release":
		check(barrier.Release())
		fmt.Println("released")
	case "wait":
		check(barrier.Wait()) // does not poll: a watch tells it
		fmt.Println("through")
	case "together":
		count, err := strconv.Atoi(args[2])
		check(err)
		together(client, key, count)
	}
}

// What each has entered under its session's lease, so that one that crashes lets the others go.
func together(client *clientv3.Client, key string, count int) {
	session, err := concurrency.NewSession(client, concurrency.WithTTL(5))
	check(err)
	defer session.Close()
	go func() {
		<-session.Done() // also closed by Close, but then main is at its end
		log.Println("the lease is gone")
	}()
	barrier := recipe.NewDoubleBarrier(session, key, count)
	check(barrier.Enter())
	fmt.Println("all", count, "are here")
	time.Sleep(100 * time.Millisecond) // the work
	check(barrier.Leave())
	fmt.Println("all are done")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
