#!/usr/bin/python3
"""Several writers, directly and through two proxies, while the member and a proxy are killed: what readers and watchers
of the mirrors see must be a history that could have been.

  linearizable reads   no older than what was acknowledged before they began, no value that nobody wrote, and no older
                       than an earlier linearizable read that had ended
  serializable reads   never backwards in revision on a connection, nor behind a write of that connection
  watches              every event once, in order, with the pair before it, across all faults

The seed is printed; GATEHOUSE_SEED sets it.
"""

import collections
import os
import pathlib
import queue
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import support  # noqa: E402
from support import Case, cluster, wait_for  # noqa: E402

try:
    import etcd_grpc
    import grpc
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(cluster.SKIPPED)

SEED = int(os.environ.get("GATEHOUSE_SEED", random.randrange(1 << 30)))
KEYS = [f"c/{i}" for i in range(6)]
RUN_S = 8.0


class Register:
    """What is known of one key, whose values only grow. Bounds on what a read may return."""

    def __init__(self):
        self.lock = threading.Lock()
        self.issued = 0   # the greatest value anyone has tried to write
        self.settled = 0  # the greatest that surely is in the store: acknowledged, or read

    def settle(self, value):
        with self.lock:
            self.settled = max(self.settled, value)


class Consistency(Case):
    def setUp(self):
        super().setUp()
        self.failures = []
        self.stop = threading.Event()
        self.counts = collections.Counter()

    def wrong(self, text):
        self.failures.append(text)
        self.stop.set()

    def writer(self, endpoint, keys, registers):
        # Each key has one writer, so that "greater" is "later".
        client = etcd_grpc.Client(endpoint)
        rng = random.Random(f"{SEED} {keys}")
        while not self.stop.is_set():
            key = rng.choice(keys)
            register = registers[key]
            with register.lock:
                register.issued += 1
                value = register.issued
            try:
                revision = client.put(key, str(value), timeout_s=2).revision
            except grpc.RpcError:
                time.sleep(0.05)  # whether it was done is not known
                continue
            register.settle(value)
            self.counts["writes"] += 1
            if rng.random() < 0.3:
                try:
                    answer = client.range(key, serializable=True, timeout_s=2)
                except grpc.RpcError:
                    continue
                if answer.revision < revision and endpoint != self.direct:
                    self.wrong(f"{key}: revision {answer.revision} after this connection wrote {revision}")
        client.close()

    def linearizable_reader(self, endpoint, registers):
        client = etcd_grpc.Client(endpoint)
        rng = random.Random(f"{SEED} {endpoint} l")
        while not self.stop.is_set():
            key = rng.choice(KEYS)
            register = registers[key]
            with register.lock:
                least = register.settled
            try:
                answer = client.range(key, timeout_s=2)
            except grpc.RpcError:
                continue
            value = int(answer.kvs[0].value) if answer.kvs else 0
            with register.lock:
                most = register.issued
            if not least <= value <= most:
                self.wrong(f"{key}: a linearizable read by {endpoint} got {value}, not within {least} and {most}")
            register.settle(value)
            self.counts["linearizable"] += 1
        client.close()

    def serializable_reader(self, endpoint):
        client = etcd_grpc.Client(endpoint)
        revision, values = 0, {}
        while not self.stop.is_set():
            try:
                answer = client.range("c/", "c0", serializable=True, timeout_s=2)
            except grpc.RpcError:
                client.close()
                client = etcd_grpc.Client(endpoint)  # another proxy, perhaps: a new connection starts anew
                revision, values = 0, {}
                continue
            if answer.revision < revision:
                self.wrong(f"serializable: revision {answer.revision} after {revision} by {endpoint}")
            revision = answer.revision
            for kv in answer.kvs:
                if kv.mod_revision > revision:
                    self.wrong(f"{kv.key}: of revision {kv.mod_revision} in an answer of {revision}")
                if int(kv.value) < values.get(kv.key, 0):
                    self.wrong(f"{kv.key}: {kv.value} after {values[kv.key]}")
                values[kv.key] = int(kv.value)
            self.counts["serializable"] += 1
        client.close()

    def watcher(self, endpoint, key, end, seen):
        """A client that goes on after the last revision it had, as clients do when their connection breaks."""
        client, watch, following = None, None, 2
        while not (self.stop.is_set() and following > self.last_revision):
            try:
                if watch is None:
                    client = etcd_grpc.Client(endpoint)
                    watch = client.watch()
                    answer = watch.create(key, end, start=following, prev_kv=True)  # None: nobody was there yet
                else:
                    answer = watch.receive(0.2)
            except queue.Empty:
                if self.stop.is_set() and time.monotonic() > self.give_up:
                    self.wrong(f"{endpoint}: the watch got to {following - 1} of {self.last_revision}")
                    break
                continue
            if answer is None or answer.canceled:
                if answer is not None:
                    self.wrong(f"{endpoint}: cancelled at {following}: {answer.reason} {answer.compact_revision}")
                client.close()
                watch = None
                time.sleep(0.05)
                continue
            for deleted, kv, previous in answer.events:
                if kv.mod_revision < following:
                    self.wrong(f"{endpoint}: event of {kv.mod_revision} again")
                seen.append((kv.mod_revision, deleted, kv.key, kv.value, previous and previous.value))
                following = kv.mod_revision + 1
        client.close()

    def mirrored(self, proxy):
        return lambda: support.total(support.metrics(proxy.port), "gatehouse_proxy_cache_serving") > 0

    def test_histories(self):
        print(f"seed {SEED}", file=sys.stderr)
        try:
            behind = cluster.EtcdCluster(1, self.scratch(), kind=cluster.ETCD_37)
        except cluster.NotHere as missing:
            self.skipTest(str(missing))
        behind.start()
        self.addCleanup(behind.stop)
        self.direct = behind.endpoints[0]
        # One mirrors all, the other the keys in question, which needs progress to follow the cluster.
        proxies = [self.proxy(behind.endpoints, "--mirror=*"), self.proxy(behind.endpoints, "--mirror=c/")]
        for proxy in proxies:
            wait_for(self.mirrored(proxy), "the mirror to serve")
        registers = {key: Register() for key in KEYS}
        self.last_revision = 1 << 62
        self.give_up = 1 << 62
        ends = [self.direct] + [proxy.endpoint for proxy in proxies]
        actors = [threading.Thread(target=self.writer, args=(ends[i], KEYS[2 * i:2 * i + 2], registers)) for i in range(3)]
        for proxy in proxies:
            actors.append(threading.Thread(target=self.linearizable_reader, args=(proxy.endpoint, registers)))
            actors.append(threading.Thread(target=self.serializable_reader, args=(proxy.endpoint,)))
        noise = threading.Thread(target=self.writer, args=(self.direct, ["other"], {"other": Register()}))
        actors.append(noise)
        seen = [[] for _ in proxies]
        watchers = [threading.Thread(target=self.watcher, args=(p.endpoint, "c/", "c0", s)) for p, s in zip(proxies, seen)]
        for thread in actors + watchers:
            thread.start()
        try:
            self.stop.wait(RUN_S / 3)
            behind.members[0].kill()
            self.stop.wait(0.5)
            behind.members[0].start()
            self.stop.wait(RUN_S / 3)
            proxies[1].kill()
            proxies[1].start()
            self.stop.wait(RUN_S / 3)
        finally:
            client = etcd_grpc.Client(self.direct)
            self.stop.set()
            for thread in actors:
                thread.join()
            kvs = client.range("c/", "c0").kvs
            self.last_revision = max(kv.mod_revision for kv in kvs)
            self.give_up = time.monotonic() + 10
            for thread in watchers:
                thread.join()
        self.assertEqual(self.failures, [])
        # What really happened, from the member itself.
        watch = client.watch()
        watch.create("c/", "c0", start=2, prev_kv=True)
        truth = []
        while not truth or truth[-1][0] < self.last_revision:
            truth += [(kv.mod_revision, deleted, kv.key, kv.value, previous and previous.value)
                      for deleted, kv, previous in watch.receive().events]
        for proxy, events in zip(proxies, seen):
            self.assertEqual(events, truth, f"what {proxy.endpoint} told")
        client.close()
        print(dict(self.counts), f"{len(truth)} events", file=sys.stderr)
        for kind in ("writes", "linearizable", "serializable"):
            self.assertGreater(self.counts[kind], 100)


class Outage(Case):
    def test_serializable_reads_go_on_and_tell_their_age(self):
        try:
            behind = cluster.EtcdCluster(1, self.scratch(), kind=cluster.ETCD_37)
        except cluster.NotHere as missing:
            self.skipTest(str(missing))
        behind.start()
        self.addCleanup(behind.stop)
        proxy = self.proxy(behind.endpoints, "--mirror=*")
        brief = self.proxy(behind.endpoints, "--mirror=*", "--max-stale=1s")
        for each in (proxy, brief):
            wait_for(lambda port=each.port: support.total(support.metrics(port), "gatehouse_proxy_cache_serving") > 0,
                     "the mirror to serve")
        client = etcd_grpc.Client(proxy.endpoint)
        self.addCleanup(client.close)
        other = etcd_grpc.Client(brief.endpoint)
        self.addCleanup(other.close)
        client.put("k", "v")
        wait_for(lambda: other.value("k", serializable=True) == b"v", "the other mirror")
        fresh = client.range("k", serializable=True, metadata=[("x-gatehouse-max-staleness", "10s")])
        self.assertEqual(fresh.metadata["x-gatehouse-source"], "mirror")
        self.assertNotIn("x-gatehouse-age", client.range("k", serializable=True).metadata)

        behind.members[0].kill()
        with self.assertRaises(grpc.RpcError):
            client.range("k", timeout_s=1)
        answer = wait_for(lambda: self.marked(client), "an answer that tells its age")
        self.assertEqual(answer.kvs[0].value, b"v")
        with self.assertRaises(grpc.RpcError):
            client.range("k", serializable=True, metadata=[("x-gatehouse-max-staleness", "10ms")], timeout_s=1)
        wait_for(lambda: self.refused(other), "the end of --max-stale")

        # Back: nothing was lost, no list was needed.
        behind.members[0].start()
        direct = etcd_grpc.Client(behind.endpoints[0])
        self.addCleanup(direct.close)
        direct.put("k", "after")
        wait_for(lambda: client.value("k", serializable=True) == b"after", "the mirror to follow again")
        self.assertEqual(client.value("k"), b"after")
        samples = support.metrics(proxy.port)
        self.assertEqual(support.total(samples, "gatehouse_proxy_cache_reloads_total"), 1)

    @staticmethod
    def marked(client):
        answer = client.range("k", serializable=True)
        return answer if "x-gatehouse-age" in answer.metadata else None

    @staticmethod
    def refused(client):
        try:
            client.range("k", serializable=True, timeout_s=1)
        except grpc.RpcError:
            return True
        return False


class FanOut(Case):
    def test_many_watchers_are_one_upstream_watch_and_a_slow_one_holds_up_nobody(self):
        try:
            behind = cluster.EtcdCluster(1, self.scratch(), kind=cluster.ETCD_37)
        except cluster.NotHere as missing:
            self.skipTest(str(missing))
        behind.start()
        self.addCleanup(behind.stop)
        proxy = self.proxy(behind.endpoints, "--mirror=*", "--threads=2")
        wait_for(lambda: support.total(support.metrics(proxy.port), "gatehouse_proxy_cache_serving") > 0, "the mirror")
        client = etcd_grpc.Client(proxy.endpoint)
        self.addCleanup(client.close)
        watches = [client.watch() for _ in range(20)]
        for watch in watches:
            for _ in range(50):
                self.assertTrue(watch.create("k").created)
        client.put("k", "v")
        for watch in watches:
            self.assertEqual(sorted(watch.receive().watch_id for _ in range(50)), list(range(50)))
        samples = support.metrics(proxy.port)
        self.assertEqual(support.total(samples, "gatehouse_proxy_upstream_watches"), 1)
        self.assertEqual(support.total(samples, "gatehouse_proxy_watchers", source="mirror"), 1000)

        # Its client reads nothing: 256 KiB are sent ahead, and flow control holds the rest.
        slow = etcd_grpc.Client(proxy.endpoint)
        self.addCleanup(slow.close)
        stalled = slow.channel.stream_stream(etcd_grpc.WATCH)(
            iter([etcd_grpc.message(f1=etcd_grpc.message(f1="big"))]), timeout=60)
        next(stalled)
        value = b"x" * 500_000
        for i in range(200):  # more than the window's 64 MiB
            client.put("big", value)
        revision = client.put("k", "last").revision
        self.assertEqual(watches[0].receive().revision, revision)
        frame = None
        for answer in stalled:
            frame = etcd_grpc.WatchAnswer(answer)
            if frame.canceled:
                break
        self.assertTrue(frame.canceled)
        self.assertIn("too slowly", frame.reason)
        self.assertGreater(frame.compact_revision, 0)


if __name__ == "__main__":
    support.main()
