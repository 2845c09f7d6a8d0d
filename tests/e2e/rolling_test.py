#!/usr/bin/env python3
"""The proxy before three members that are restarted one after the other.

    rolling_test.py [--proxy PROGRAM] [TEST]
"""

import base64
import threading

import support
from support import Case, wait_for

import cluster

READERS = 4


class Readers:
    """Clients that read in closed loops through the proxy. Each read must succeed and see what was written before it."""

    def __init__(self, port):
        self.port = port
        self.written = -1  # the newest number whose write was acknowledged
        self.reads = [0] * READERS
        self.wrong = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(READERS)]

    def run(self, i):
        while not self.stopping.is_set():
            least = self.written
            try:
                status, answer = support.get(self.port, "rolling")
            except OSError as error:
                self.wrong.append(repr(error))
                continue
            if status != 200:
                self.wrong.append(f"{status} {answer}")
            elif least >= 0 and int(base64.b64decode(answer["kvs"][0]["value"])) < least:
                self.wrong.append(f"stale: {answer} after {least}")
            self.reads[i] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)


class Rolling(Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        try:
            cluster.server_binary(cluster.OURS)
        except cluster.NotHere as missing:
            self.skipTest(str(missing))
        self.cluster = cluster.EtcdCluster(3, self.scratch(), kind=cluster.OURS).start()
        self.addCleanup(self.cluster.stop)
        self.daemons += self.cluster.members
        self.target = self.proxy(self.cluster.endpoints, "--health-check-interval=500ms")
        self.wait_serving(3)

    def wait_serving(self, count):
        wait_for(lambda: support.total(support.metrics(self.target.port), "gatehouse_proxy_upstream_healthy") == count,
                 f"the proxy to have {count} healthy members", 20)

    def restart_each(self, end):
        """One after the other, twice, the next when the last one serves; meanwhile one client writes, others read."""
        with Readers(self.target.port) as readers:
            refused = 0
            for number in range(2 * len(self.cluster.members)):
                member = self.cluster.members[number % len(self.cluster.members)]
                end(member)
                for _ in range(10):
                    n = readers.written + 1 + refused
                    status, _ = support.put(self.target.port, "rolling", str(n))
                    if status == 200:
                        readers.written = n
                    else:
                        refused += 1
                member.start()
                before = list(readers.reads)
                wait_for(lambda before=before: all(now > then + 20 for now, then in zip(readers.reads, before)), "more reads", 30)
        samples = {name: value for name, value in support.metrics(self.target.port).items() if "_upstream_re" in name}
        self.assertEqual(readers.wrong, [], samples)
        self.assertGreater(min(readers.reads), 100)
        return refused

    def test_no_read_fails_when_members_are_restarted(self):
        def end(member):
            self.assertIn(member.stop(), (0, -15))
        self.assertLessEqual(self.restart_each(end), 2, "writes that were refused although leadership was handed over")

    def test_no_read_fails_when_members_are_killed(self):
        self.restart_each(lambda member: member.kill())

    def test_writes_go_to_the_leader(self):
        def port(member):
            return int(member.endpoint.rpartition(":")[2])

        def leader():
            for member in self.cluster.members:
                if member.alive():
                    status = support.rest(port(member), "/v3/maintenance/status")[1]
                    if status["leader"] == status["header"]["member_id"]:
                        return member
            return None
        first = wait_for(leader, "a leader")

        def took(member):
            return support.total(support.metrics(self.target.port), "gatehouse_proxy_upstream_requests_total", endpoint=member.endpoint)

        def all_go_to(member):
            before = took(member)
            for _ in range(20):
                self.assertEqual(support.put(self.target.port, "to", "the leader")[0], 200)
            return took(member) - before == 20
        wait_for(lambda: all_go_to(first), "writes to go to the leader", 10)
        first.stop()
        second = wait_for(leader, "the next leader")
        wait_for(lambda: all_go_to(second), "writes to go to the next leader", 10)


if __name__ == "__main__":
    support.main()
