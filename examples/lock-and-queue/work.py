#!/usr/bin/python3
"""A counter that many processes add to under a lock, and a queue that many workers share.

    work.py count visits 10               adds 10 times, one at a time with all others
    work.py enqueue jobs paint dry        puts two jobs
    work.py work jobs                     takes jobs, each of which one worker gets
"""

import contextlib
import os
import signal
import sys
import time

import etcd3
import grpc

TTL_S = 10  # how long a crashed process keeps the lock
FAILURES = (etcd3.exceptions.Etcd3Exception, grpc.RpcError)


@contextlib.contextmanager
def locked(client, key):
    """Holds a lock: gives the value that the key has as long as it is ours."""
    lease = client.lease(TTL_S)
    try:
        while True:
            mine, (held, *_) = client.transaction(
                compare=[client.transactions.create(key) == 0],
                success=[client.transactions.put(key, str(lease.id), lease)], failure=[client.transactions.get(key)])
            if mine:
                break
            _, meta = held[0]
            # What happened to it since, and what will.
            events, cancel = client.watch(key, start_revision=meta.mod_revision + 1)
            next(event for event in events if isinstance(event, etcd3.events.DeleteEvent))
            cancel()
            lease.refresh()  # it may have been a long wait
        yield str(lease.id)
    finally:
        lease.revoke()  # takes the key along


def count(client, name, times):
    done = 0
    lock = f"/locks/{name}"
    while done < times:
        try:
            with locked(client, lock) as mine:
                value = int(client.get(f"/counters/{name}")[0] or 0) + 1
                # A lock is a promise with an end: a process that was stopped for longer than its TTL still believes that it
                # has it. So the write itself asks.
                counted, _ = client.transaction(
                    compare=[client.transactions.value(lock) == mine],
                    success=[client.transactions.put(f"/counters/{name}", str(value))], failure=[])
            done += counted
        except FAILURES as error:
            # Also of a write that may have happened: a counter that must be exact under this needs an id for each addition.
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)
    print(f"added {times}, now {client.get(f'/counters/{name}')[0].decode()}")


def enqueue(client, name, items):
    for item in items:
        client.put(f"/queues/{name}/{time.time_ns()}-{os.getpid()}", item)
        print("enqueued", item)


def work(client, name):
    prefix = f"/queues/{name}/"
    while True:
        try:
            # The oldest first, by the revision that created it: no clock is trusted.
            response = client.get_prefix_response(prefix, sort_order="ascend", sort_target="create")
            for kv in response.kvs:
                # Of all workers that see it, one deletes it.
                taken, _ = client.transaction(
                    compare=[client.transactions.version(kv.key) > 0],
                    success=[client.transactions.delete(kv.key)], failure=[])
                if taken:
                    print("working on", kv.value.decode(), flush=True)
            if not response.kvs:
                events, cancel = client.watch_prefix(prefix, start_revision=response.header.revision + 1)
                next(event for event in events if isinstance(event, etcd3.events.PutEvent))
                cancel()
        except FAILURES as error:
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)


def main():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    host, port = os.environ.get("ETCD_ENDPOINT", "127.0.0.1:23790").split(":")
    client = etcd3.client(host, int(port), timeout=5)
    match sys.argv[1:]:
        case ["count", name, times]:
            count(client, name, int(times))
        case ["enqueue", name, *items]:
            enqueue(client, name, items)
        case ["work", name]:
            work(client, name)
        case _:
            sys.exit(__doc__)


main()
