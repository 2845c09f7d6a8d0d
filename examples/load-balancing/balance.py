#!/usr/bin/python3
"""A server that registers with a weight, and a client that spreads its requests by the weights.

    balance.py serve api 10.0.0.1:80 3
    balance.py pick api        (prints a server for each line that it reads)
"""

import os
import signal
import sys
import threading
import time

import etcd3
import grpc

TTL_S = 5  # how long a crashed server still gets requests
FAILURES = (etcd3.exceptions.Etcd3Exception, grpc.RpcError)


def serve(client, name, address, weight):
    while True:
        lease = None
        try:
            lease = client.lease(TTL_S)
            client.put(f"/balance/{name}/{address}", weight, lease)
            print(f"serving at {address} with weight {weight}", flush=True)
            while lease.refresh()[0].TTL > 0:
                time.sleep(TTL_S / 3)
            print("the lease was lost; again", file=sys.stderr)
        except FAILURES as error:
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)
        except KeyboardInterrupt:
            if lease:
                lease.revoke()
            return


class Balancer:
    """Smooth weighted round robin: each gains its weight, the richest is picked and pays all weights. With 3 and 1 that is
    a a b a, not a a a b."""

    def __init__(self):
        self._lock = threading.Lock()
        self._servers = {}  # address: [weight, credit]

    def replace(self, weights):
        with self._lock:
            self._servers = {address: [weight, self._servers.get(address, (0, 0))[1]] for address, weight in weights.items()}
            print("servers", *sorted(self._servers), flush=True)

    def pick(self):
        with self._lock:
            for server in self._servers.values():
                server[1] += server[0]
            best = max(self._servers, key=lambda address: self._servers[address][1], default=None)
            if best is not None:
                self._servers[best][1] -= sum(weight for weight, _ in self._servers.values())
            return best


def follow(client, name, balancer):
    prefix = f"/balance/{name}/"
    while True:
        try:
            response = client.get_prefix_response(prefix)
            weights = {kv.key.decode()[len(prefix):]: int(kv.value) for kv in response.kvs}
            balancer.replace(weights)
            # From the revision after the list: no change is missed.
            events, _ = client.watch_prefix(prefix, start_revision=response.header.revision + 1)
            for event in events:
                address = event.key.decode()[len(prefix):]
                if isinstance(event, etcd3.events.PutEvent):
                    weights[address] = int(event.value)
                else:
                    weights.pop(address, None)
                balancer.replace(weights)
        except FAILURES as error:  # the connection was lost, or the revision compacted meanwhile: list anew
            print("again in a second:", error, file=sys.stderr)
            time.sleep(1)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host, port = os.environ.get("ETCD_ENDPOINT", "127.0.0.1:23790").split(":")
    client = etcd3.client(host, int(port), timeout=5)
    match sys.argv[1:]:
        case ["serve", name, address, weight]:
            serve(client, name, address, weight)
        case ["pick", name]:
            balancer = Balancer()
            threading.Thread(target=follow, args=(client, name, balancer), daemon=True).start()
            for _ in sys.stdin:
                print(balancer.pick() or "nobody", flush=True)
        case _:
            sys.exit(__doc__)


main()
