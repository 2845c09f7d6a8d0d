#!/usr/bin/python3
"""Where etcd's own grpc-proxy fails, and the proxy with --mirror does not.

Each case is one check against a proxy that mirrors everything, which must hold, and the same check against `etcd
grpc-proxy start` of 3.7, which must not: what is said of it is reproduced here, not believed.
"""

import pathlib
import queue
import sys
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

from etcd_grpc import message, one  # noqa: E402

SOON_S = 3.0  # for what must happen; what must not happen is given as long


def mirrored(port):
    samples = support.metrics(port)
    return support.total(samples, "gatehouse_proxy_cache_serving") > 0


class Weaknesses(Case):
    def setUp(self):
        super().setUp()
        try:
            self.etcd = cluster.oracle_go_bin() / "etcd"
        except cluster.NotHere as missing:
            self.skipTest(str(missing))

    def both(self, check, flags=()):
        """`check(proxy, member)` returns what is wrong, or None. Each on a cluster of its own."""
        for name, command in (("ours", support.PROXY), ("etcd", self.etcd)):
            with self.subTest(proxy=name):
                behind = cluster.EtcdCluster(1, self.scratch(), flags, kind=cluster.ETCD_37)
                behind.start()
                self.addCleanup(behind.stop)
                proxy = cluster.Proxy(behind.endpoints, command, self.scratch(), ["--mirror=*"] if name == "ours" else [])
                self.keep(proxy)
                proxy.start()
                if name == "ours":
                    wait_for(lambda: mirrored(proxy.port), "the mirror to serve")
                wrong = check(self.client(proxy.endpoint), self.client(behind.endpoints[0]))
                if name == "ours":
                    self.assertIsNone(wrong)
                else:
                    self.assertIsNotNone(wrong, "etcd's proxy is right here: this is no weakness of it")

    def client(self, endpoint, metadata=()):
        client = etcd_grpc.Client(endpoint, metadata)
        self.addCleanup(client.close)
        return client

    @staticmethod
    def until(condition, timeout_s=SOON_S):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.02)
        return False

    def test_writes_that_bypass_the_proxy_are_seen(self):
        def check(proxy, member):
            member.put("k", "old")
            self.until(lambda: proxy.value("k", serializable=True) == b"old")
            member.put("k", "new")
            if not self.until(lambda: proxy.value("k", serializable=True) == b"new"):
                return "the old value stays"
            return None
        self.both(check)

    def test_the_end_of_a_lease_is_seen(self):
        def check(proxy, member):
            lease = member.grant(2)
            member.put("k", "v", lease=lease)
            self.until(lambda: proxy.value("k", serializable=True) == b"v")
            member.call(etcd_grpc.REVOKE, message(f1=lease))
            if not self.until(lambda: proxy.value("k", serializable=True) is None):
                return "the key outlives its lease"
            return None
        self.both(check)

    def test_a_from_key_range_sees_writes_through_the_proxy(self):
        def check(proxy, member):
            proxy.put("a", "1")
            proxy.range("a", b"\0", serializable=True)
            proxy.put("b", "2")
            if proxy.range("a", b"\0", serializable=True).count != 2:
                return "the range is as it was before the write"
            return None
        self.both(check)

    def test_a_nested_transaction_is_seen(self):
        def check(proxy, member):
            proxy.put("k", "old")
            proxy.value("k", serializable=True)
            put = message(f2=message(f1="k", f2="new"))
            proxy.call(etcd_grpc.TXN, message(f2=message(f4=message(f2=put))))
            if proxy.value("k", serializable=True) != b"new":
                return "the value before the transaction is shown"
            return None
        self.both(check)

    def test_a_header_tells_the_revision_of_now(self):
        def check(proxy, member):
            proxy.put("k", "v")
            proxy.value("k", serializable=True)
            revision = proxy.put("other", "v").revision
            answer = proxy.range("k", serializable=True)
            if answer.revision < revision:
                return f"revision {answer.revision} after {revision} was seen"
            return None
        self.both(check)

    def test_who_may_not_read_does_not_read_from_the_cache(self):
        def check(proxy, member):
            member.put("secret", "s")
            auth = "/etcdserverpb.Auth/"
            member.call(auth + "RoleAdd", message(f1="root"))
            member.call(auth + "UserAdd", message(f1="root", f2="pw", f3=message(f1=False)))
            member.call(auth + "UserGrantRole", message(f1="root", f2="root"))
            proxy.call(auth + "AuthEnable", b"")
            token = one(member.call(auth + "Authenticate", message(f1="root", f2="pw")).fields, 2).decode()
            seen = proxy.range("secret", serializable=True, metadata=[("token", token)])
            assert seen.kvs[0].value == b"s"
            try:
                proxy.range("secret", serializable=True)
            except grpc.RpcError:
                return None
            return "read without a token"
        self.both(check)

    def test_a_read_after_compact_is_still_cached(self):
        def check(proxy, member):
            revision = proxy.put("k", "v").revision
            proxy.compact(revision)
            for _ in range(5):
                proxy.value("k", serializable=True)
            before = self.hits(proxy)
            for _ in range(5):
                proxy.value("k", serializable=True)
            return None if self.hits(proxy) >= before + 5 else "no read is a hit any more"
        self.both(check)

    def hits(self, proxy):
        port = self.daemons[-1].port
        return support.total(support.metrics(port), "etcd_grpc_proxy_cache_hits_total")

    def test_watch_ids_are_the_clients(self):
        def check(proxy, member):
            watch = proxy.watch()
            frame = watch.create("k", watch_id=77)
            if (frame.watch_id, frame.created) != (77, True):
                return f"id {frame.watch_id}"
            frame = watch.create("k", watch_id=77)
            return None if frame.canceled and "duplicate" in frame.reason else "taken twice"
        self.both(check)

    def test_a_created_frame_has_a_whole_header(self):
        def check(proxy, member):
            revision = member.put("k", "v").revision
            first = proxy.watch()
            first.create("k")
            member.put("k", "v")
            first.events(1)
            # One that joins it, from a revision that is still to come.
            frame = proxy.watch().create("k", start=revision + 50)
            if frame.cluster_id == 0 or frame.revision != revision + 1:
                return f"cluster {frame.cluster_id}, revision {frame.revision}"
            return None
        self.both(check)

    def test_progress_requests_are_answered(self):
        def check(proxy, member):
            watch = proxy.watch()
            watch.create("a", b"b")
            revision = member.put("elsewhere", "v").revision
            watch.ask_progress()
            try:
                frame = watch.receive(SOON_S)
            except queue.Empty:
                return "no answer"
            return None if frame.watch_id == -1 and frame.revision >= revision else f"revision {frame.revision}"
        self.both(check)

    def test_a_half_closed_watch_goes_on(self):
        def check(proxy, member):
            watch = proxy.watch()
            watch.create("k")
            watch.stream.half_close()
            member.put("k", "v")
            try:
                answer = watch.receive(SOON_S)
            except queue.Empty:
                return "no event"
            return None if answer is not None and answer.events else "the stream has ended"
        self.both(check)

    def test_watchers_after_a_compacted_one_get_their_events(self):
        def check(proxy, member):
            for i in range(10):
                revision = member.put("k", str(i)).revision
            member.compact(revision - 1)
            first = proxy.watch()
            assert first.create("k", start=2).created
            answer = first.receive(SOON_S)
            if not (answer.canceled and answer.compact_revision) and not answer.events:
                return "neither the events nor a word of the compaction"
            # Joins the dead one where there is something to be joined.
            second = proxy.watch()
            second.create("k", start=revision)
            try:
                second.events(1, SOON_S)
            except queue.Empty:
                return "created, then silence"
            except AssertionError:
                return "cancelled"
            return None
        self.both(check)

    def test_a_lease_ends_when_its_client_falls_silent(self):
        def check(proxy, member):
            lease = proxy.grant(4)
            stream = proxy.stream(etcd_grpc.KEEP_ALIVE)
            for _ in range(2):
                stream.send(message(f1=lease))
                stream.receive()
            # What is left of it only gets less, until a member has none to tell of. Nothing here depends on how long a
            # member takes to look and to revoke.
            left = 4
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                now = one(member.call(etcd_grpc.TIME_TO_LIVE, message(f1=lease)).fields, 3)
                if now == -1:
                    return None
                if now > left:
                    return f"renewed though its client is silent: {now} s are left after {left} s were"
                left = now
                time.sleep(0.05)
            return "it does not end"
        self.both(check)

    def test_an_unknown_lease_is_answered_as_by_a_member(self):
        def check(proxy, member):
            stream = proxy.stream(etcd_grpc.KEEP_ALIVE)
            stream.send(message(f1=12345))
            try:
                answer = etcd_grpc.fields(stream.receive(SOON_S))
            except (queue.Empty, TypeError):
                return "no answer"
            return None if one(answer, 3) == 0 and one(answer, 2) == 12345 else f"TTL {one(answer, 3)}"
        self.both(check)

    def test_range_stream(self):
        def check(proxy, member):
            member.put("k", "v")
            answers = proxy.channel.unary_stream("/etcdserverpb.KV/RangeStream")(message(f1="k"), timeout=SOON_S)
            try:
                return None if list(answers) else "nothing"
            except grpc.RpcError as error:
                return error.code().name
        self.both(check)


if __name__ == "__main__":
    support.main()
