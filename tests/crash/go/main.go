// history-client puts a load on a cluster, remembers every call, and in the end tells whether what the clients saw could
// have come from one store that executes one call at a time.
//
//	history-client [flags] HOST:PORT...      the members' client addresses
//
// It speaks lines: "ready" once the load runs; for "check" on its standard input (all members are up and reachable again)
// it ends the load and answers "ok ..." or "wrong ..." in one line; it ends with its input.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	settings := Settings{}
	flag.Int64Var(&settings.Seed, "seed", 1, "of what the clients call")
	flag.IntVar(&settings.Clients, "clients", 8, "that call, each one call at a time")
	flag.IntVar(&settings.Keys, "keys", 5, "they share")
	flag.DurationVar(&settings.Pace, "pace", 4*time.Millisecond, "between a client's calls, on average")
	flag.StringVar(&settings.Proxy, "proxy", "", "another way to the members, for some of the clients")
	picture := flag.String("picture", "", "where to draw a history that is not linearizable (HTML)")
	flag.Parse()
	settings.Members = flag.Args()

	load, err := StartLoad(settings)
	if err != nil {
		fmt.Println("wrong", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	if !lines.Scan() || lines.Text() != "check" {
		os.Exit(2)
	}
	history := load.Stop()
	summary, err := Check(context.Background(), settings, history, *picture)
	if err != nil {
		fmt.Println("wrong", err)
		os.Exit(1)
	}
	fmt.Println("ok", summary)
}
