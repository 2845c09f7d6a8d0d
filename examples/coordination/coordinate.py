#!/usr/bin/python3
"""Processes that wait for each other: a barrier that one holds and releases, and a double barrier that a number of them
enter and leave together.

    coordinate.py hold start | release start | wait start
    coordinate.py together batch 3
"""

import os
import sys
import threading
import time
import uuid

import etcd3
import grpc

TTL_S = 5  # how long a crashed process keeps the others waiting
FAILURES = (etcd3.exceptions.Etcd3Exception, grpc.RpcError)


def wait_until(client, prefix, holds):
    """Reads the keys under `prefix` until `holds(keys)`; between reads it waits for a change, from the revision read."""
    while True:
        try:
            response = client.get_prefix_response(prefix)
            if holds([kv.key.decode() for kv in response.kvs]):
                return
            events, cancel = client.watch_prefix(prefix, start_revision=response.header.revision + 1)
            next(events)
            cancel()
        except FAILURES as error:  # reads again, so a change in between is not missed
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)


class Party:
    """One of those who meet: a key under a lease that is kept alive until it leaves."""

    def __init__(self, client, key):
        self.client = client
        self.lease = client.lease(TTL_S)
        self.own = f"{key}/waiters/{uuid.uuid4().hex}"
        client.put(self.own, "", self.lease)
        threading.Thread(target=self._keep_alive, daemon=True).start()

    def _keep_alive(self):
        while True:
            try:
                if self.lease.refresh()[0].TTL == 0:
                    break
            except FAILURES:
                pass  # as long as the lease lives there is time to try again
            time.sleep(TTL_S / 3)

    def leave(self):
        self.client.delete(self.own)


def together(client, key, count):
    """Enters with `count` others, does its work, and leaves when all have done theirs."""
    party = Party(client, key)

    # Whoever completes the number says so with a key, which stays when the first ones leave again.
    def complete(keys):
        if f"{key}/ready" in keys:
            return True
        if len([each for each in keys if each.startswith(f"{key}/waiters/")]) < count:
            return False
        client.put(f"{key}/ready", "")
        return True

    wait_until(client, key + "/", complete)
    print(f"all {count} are here", flush=True)
    time.sleep(0.1)  # the work
    party.leave()
    wait_until(client, f"{key}/waiters/", lambda keys: not keys)
    client.delete(f"{key}/ready")  # for the next time
    print("all are done", flush=True)


def main():
    host, port = os.environ.get("ETCD_ENDPOINT", "127.0.0.1:23790").split(":")
    client = etcd3.client(host, int(port), timeout=5)
    match sys.argv[1:]:
        case ["hold", name]:
            client.put(f"/barriers/{name}", "")
            print("held")
        case ["release", name]:
            client.delete(f"/barriers/{name}")
            print("released")
        case ["wait", name]:
            wait_until(client, f"/barriers/{name}", lambda keys: f"/barriers/{name}" not in keys)
            print("through")
        case ["together", name, count]:
            together(client, f"/barriers/{name}", int(count))
        case _:
            sys.exit(__doc__)


main()
