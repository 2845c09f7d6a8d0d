#!/usr/bin/python3
"""Registers an instance of a service under a lease, or follows the instances that are registered.

    discovery.py register web 10.0.0.1:80
    discovery.py watch web
"""

import os
import signal
import sys
import time

import etcd3
import grpc

TTL_S = 5  # how long the others take a crashed instance for alive
FAILURES = (etcd3.exceptions.Etcd3Exception, grpc.RpcError)


def register(client, name, address):
    while True:
        lease = None
        try:
            lease = client.lease(TTL_S)
            client.put(f"/services/{name}/{address}", address, lease)
            print("registered", address, flush=True)
            while lease.refresh()[0].TTL > 0:
                time.sleep(TTL_S / 3)
            print("unregistered", address, flush=True)  # the lease ran out: this process, or the network, was stopped
        except FAILURES as error:
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)
        except KeyboardInterrupt:
            if lease:
                lease.revoke()  # which deletes the key: the others need not wait for the TTL
            print("unregistered", address, flush=True)
            return


def watch(client, name):
    prefix = f"/services/{name}/"
    while True:
        try:
            response = client.get_prefix_response(prefix)
            instances = {kv.key.decode() for kv in response.kvs}
            show(name, prefix, instances)
            # From the revision after the list: no change is missed.
            events, _ = client.watch_prefix(prefix, start_revision=response.header.revision + 1)
            for event in events:
                if isinstance(event, etcd3.events.PutEvent):
                    instances.add(event.key.decode())
                else:
                    instances.discard(event.key.decode())
                show(name, prefix, instances)
        except FAILURES as error:  # the connection was lost, or the revision compacted meanwhile: list anew
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)
        except KeyboardInterrupt:
            return


def show(name, prefix, instances):
    print(f"{name} [{' '.join(sorted(key[len(prefix):] for key in instances))}]", flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host, port = os.environ.get("ETCD_ENDPOINT", "127.0.0.1:23790").split(":")
    client = etcd3.client(host, int(port), timeout=5)
    match sys.argv[1:]:
        case ["register", name, address]:
            register(client, name, address)
        case ["watch", name]:
            watch(client, name)
        case _:
            sys.exit(__doc__)


main()
