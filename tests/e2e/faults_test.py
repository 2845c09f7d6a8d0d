#!/usr/bin/env python3
"""Members that die, stall, leave and come back under load.    faults_test.py [--proxy PROGRAM] [TEST]"""

import base64
import collections
import http.client
import json
import threading

import support
from support import Case, wait_for

import cluster

UNAVAILABLE = 14
HANG_S = 12.0  # what a client would call a hang; far beyond what an election takes


def setUpModule():
    Faults.etcd = cluster.EtcdCluster(3, support.WORK / "etcd").start()
    support.unittest.addModuleCleanup(Faults.etcd.stop)


class Load(threading.Thread):
    """One client that calls in a closed loop until stop(), and counts how its calls ended."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call = call
        self.outcomes = []  # one (ok, detail, seconds) for each call
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            began = support.monotonic()
            try:
                status, answer = self.call(len(self.outcomes))
                ok, detail = status == 200, answer
            except (OSError, http.client.HTTPException, ValueError) as error:
                ok, detail = False, repr(error)
            self.outcomes.append((ok, detail, support.monotonic() - began))

    def stop(self):
        self.stopping.set()
        self.join(HANG_S * 2)

    def failed(self):
        return [detail for ok, detail, _ in self.outcomes if not ok]

    def slowest(self):
        return max((seconds for _, _, seconds in self.outcomes), default=0)


class Faults(Case):
    etcd = None

    def setUp(self):
        super().setUp()
        self.addCleanup(self.heal)

    def heal(self):
        for member in self.etcd.members:
            if not member.alive():
                member.spawn()
            else:
                member.resume()
        for member in self.etcd.members:
            wait_for(member.healthy, f"{member.name} to be healthy")

    def proxied(self, *flags):
        proxy = self.proxy(self.etcd.endpoints, "--health-check-interval=500ms", *flags)
        self.wait_serving(proxy, 3)
        return proxy

    def wait_serving(self, proxy, count):
        wait_for(lambda: support.total(support.metrics(proxy.port), "gatehouse_proxy_upstream_healthy") == count,
                 f"the proxy to have {count} healthy members", 20)

    def port_of(self, member):
        return int(member.endpoint.rpartition(":")[2])

    def leader_and_followers(self):
        def look():
            states = {}
            for member in self.etcd.members:
                _, states[member.name] = support.rest(self.port_of(member), "/v3/maintenance/status")
            leaders = [m for m in self.etcd.members if states[m.name]["leader"] == states[m.name]["header"]["member_id"]]
            return leaders
        leader = wait_for(look, "a leader")[0]
        return leader, [m for m in self.etcd.members if m is not leader]

    def requests_by_member(self, proxy):
        samples = support.metrics(proxy.port)
        return {m.endpoint: support.total(samples, "gatehouse_proxy_upstream_requests_total", endpoint=m.endpoint)
                for m in self.etcd.members}

    # -- a member dies

    def test_reads_when_a_member_is_killed(self):
        proxy = self.proxied()
        _, (victim, _) = self.leader_and_followers()
        support.put(proxy.port, "read", "me")
        clients = [Load(lambda _: support.get(proxy.port, "read", HANG_S)) for _ in range(4)]
        wait_for(lambda: all(len(client.outcomes) > 20 for client in clients), "some reads")
        victim.kill()
        marks = [len(client.outcomes) for client in clients]
        wait_for(lambda: all(len(c.outcomes) > mark + 50 for c, mark in zip(clients, marks)), "reads after the death")
        for client in clients:
            client.stop()
        failed = [detail for client in clients for detail in client.failed()]
        self.assertLessEqual(len(failed), 1, failed)
        self.assertLess(max(client.slowest() for client in clients), HANG_S)

        with self.subTest("when it comes back it is used again"):
            before = self.requests_by_member(proxy)[victim.endpoint]
            victim.start()

            def used():
                support.get(proxy.port, "read")
                return self.requests_by_member(proxy)[victim.endpoint] > before
            wait_for(used, "the restarted member to be used", 20)

    def test_writes_are_never_doubled(self):
        """Each client writes its own key; the key's version must lie between the acknowledged puts and all puts, and the
        history must hold each value once."""
        proxy = self.proxied()
        leader, _ = self.leader_and_followers()
        keys = [f"write-{i}" for i in range(4)]
        watch = support.RestWatch(proxy.port, "write-", "write.", HANG_S)
        watch.close()
        revision = int(support.get(proxy.port, "none")[1]["header"]["revision"])
        clients = [Load(lambda n, key=key: support.put(proxy.port, key, str(n), HANG_S)) for key in keys]
        wait_for(lambda: all(len(client.outcomes) > 20 for client in clients), "some writes")
        leader.kill()
        marks = [len(client.outcomes) for client in clients]
        wait_for(lambda: all(len(c.outcomes) > mark + 20 and c.outcomes[-1][0] for c, mark in zip(clients, marks)),
                 "writes under the next leader")
        for client in clients:
            client.stop()
        self.assertLess(max(client.slowest() for client in clients), HANG_S)
        for key, client in zip(keys, clients):
            acknowledged = sum(ok for ok, _, _ in client.outcomes)
            version = int(support.get(proxy.port, key)[1]["kvs"][0]["version"])
            self.assertGreaterEqual(version, acknowledged, key)
            self.assertLessEqual(version, len(client.outcomes), key)
            values = self.history(proxy, key, revision + 1, version)
            doubled = [value for value, times in collections.Counter(values).items() if times > 1]
            self.assertEqual(doubled, [], key)

    def history(self, proxy, key, revision, count):
        """The values that a key had, in order."""
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=HANG_S)
        self.addCleanup(connection.close)
        connection.request("POST", "/v3/watch", json.dumps(
            {"create_request": {"key": support.b64(key), "start_revision": str(revision)}}))
        answer, values = connection.getresponse(), []
        while len(values) < count:
            for event in json.loads(answer.readline())["result"].get("events", []):
                values.append(base64.b64decode(event["kv"]["value"]))
        return values

    def test_watches_when_a_member_is_killed(self):
        """They spread over the members; those of the dead one end with Unavailable, the others go on."""
        proxy = self.proxied("--threads=1")
        before = {m.name: self.watchers(m) for m in self.etcd.members}
        watches = [support.RestWatch(proxy.port, f"watch-{i}", timeout_s=HANG_S) for i in range(9)]
        for watch in watches:
            self.addCleanup(watch.close)
            self.assertTrue(watch.created["result"]["created"])
        gained = {m.name: self.watchers(m) - before[m.name] for m in self.etcd.members}
        self.assertEqual(sorted(gained.values()), [3, 3, 3], gained)

        _, (victim, _) = self.leader_and_followers()
        victim.kill()
        for i in range(9):
            self.assertEqual(support.put(proxy.port, f"watch-{i}", "after", HANG_S)[0], 200)
        ended = []
        for i, watch in enumerate(watches):
            got = watch.read()  # a hang would be a TimeoutError
            if "result" in got:
                self.assertEqual(got["result"]["events"][0]["kv"]["key"], support.b64(f"watch-{i}"))
            else:
                ended.append(got["error"])
                self.assertIsNone(watch.read(), "more after the error")
        self.assertEqual([error["code"] for error in ended], [UNAVAILABLE] * 3, ended)
        with self.subTest("a new watch finds a member that lives"):
            for _ in range(4):
                again = support.RestWatch(proxy.port, "again", timeout_s=HANG_S)
                self.assertTrue(again.created["result"]["created"])
                again.close()

    def watchers(self, member):
        return support.total(support.metrics(member.health_port, "/metrics"), "etcd_debugging_mvcc_watcher_total")

    # -- a member stalls

    def test_a_stopped_member_is_left(self):
        """SIGSTOP: the connection stands and nothing answers. Calls that wait there end by their own deadline; after a
        probe (interval and deadline half a second each) none goes there."""
        proxy = self.proxied()
        _, (victim, _) = self.leader_and_followers()
        victim.pause()
        self.wait_serving(proxy, 2)
        before = self.requests_by_member(proxy)[victim.endpoint]
        began = support.monotonic()
        for _ in range(40):
            self.assertEqual(support.get(proxy.port, "a", HANG_S)[0], 200)
        self.assertLess(support.monotonic() - began, HANG_S)
        self.assertEqual(self.requests_by_member(proxy)[victim.endpoint], before, "calls went to the stopped member")
        self.assertIn("member does not serve, calls go to others", proxy.log())
        victim.resume()
        self.wait_serving(proxy, 3)
        self.assertIn("member answers again", proxy.log())

    def test_without_a_quorum(self):
        """Two of three are gone: a linearizable read ends with an error in time, and all is well when they are back."""
        proxy = self.proxied()
        leader, followers = self.leader_and_followers()
        for member in followers:
            member.kill()
        began = support.monotonic()
        status, answer = support.put(proxy.port, "minority", "1", 20)
        self.assertIn(status, (503, 504, 500), answer)
        self.assertLess(support.monotonic() - began, 15)
        wait_for(lambda: cluster.http_get(proxy.port, "/health")[0] == 503, "/health to tell", 15)
        self.assertEqual(cluster.http_get(proxy.port, "/livez")[0], 200)
        self.assertEqual(cluster.http_get(proxy.port, "/readyz")[0], 503)
        self.heal()
        wait_for(lambda: support.put(proxy.port, "minority", "2")[0] == 200, "writes to work again", 20)
        wait_for(lambda: cluster.http_get(proxy.port, "/health")[0] == 200, "/health to be well again", 20)

    def test_whole_cluster_down_and_back(self):
        proxy = self.proxied()
        watch = support.RestWatch(proxy.port, "down", timeout_s=HANG_S)
        self.addCleanup(watch.close)
        for member in self.etcd.members:
            member.kill()
        self.assertEqual(watch.read()["error"]["code"], UNAVAILABLE)
        for _ in range(5):
            began = support.monotonic()
            status, answer = support.get(proxy.port, "a", HANG_S)
            self.assertEqual((status, answer["code"]), (503, UNAVAILABLE), answer)
            self.assertLess(support.monotonic() - began, 6)
        status, body = cluster.http_get(proxy.port, "/health")
        self.assertEqual((status, json.loads(body)["health"]), (503, "false"))
        self.heal()
        wait_for(lambda: support.get(proxy.port, "a", HANG_S)[0] == 200, "the proxy to find the cluster again", 15)
        self.assertEqual(support.etcdctl(proxy.endpoint, "put", "down", "up")[0], 0)

    def test_metrics_of_another_member_when_one_dies(self):
        proxy = self.proxied()
        for victim in self.etcd.members[:2]:
            self.assertIn("etcd_server_has_leader", "\n".join(support.metrics(proxy.port, "/metrics")))
            victim.kill()

            def served():
                status, body = cluster.http_get(proxy.port, "/metrics")
                return status == 200 and b"etcd_server_has_leader" in body
            wait_for(served, f"/metrics without {victim.name}", 10)

    # -- members come and go

    def test_endpoints_follow_the_member_list(self):
        proxy = self.proxy(self.etcd.endpoints[:1], "--endpoints-auto-sync-interval=200ms", "--health-check-interval=500ms")

        def known():
            samples = support.metrics(proxy.port)
            return {m.client_url for m in [*self.etcd.members, *added]
                    if support.total(samples, "gatehouse_proxy_upstream_healthy", endpoint=m.client_url) == 1}
        added = []
        wait_for(lambda: len(known()) == 3, "all members from the member list", 10)

        first = self.etcd.members[0]
        ports = [cluster.free_port() for _ in range(3)]
        url = f"http://127.0.0.1:{ports[1]}"
        peers = ",".join(f"{m.name}={m.peer_url}" for m in self.etcd.members) + f",m3={url}"
        wait_for(lambda: support.rest(self.port_of(first), "/v3/cluster/member/add", {"peerURLs": [url]})[0] == 200,
                 "the member to be added", 15)
        fourth = cluster.Member(self.etcd.binary, "m3", ports, peers, first.directory, ["--initial-cluster-state", "existing"],
                                None)
        self.keep(fourth)
        fourth.start()
        added.append(fourth)
        wait_for(lambda: fourth.client_url in known(), "the new member", 10)

        def used():
            support.get(proxy.port, "a")
            return support.total(support.metrics(proxy.port), "gatehouse_proxy_upstream_requests_total",
                                 endpoint=fourth.client_url)
        wait_for(used, "a call to the new member", 10)
        _, listed = support.rest(self.port_of(first), "/v3/cluster/member/list")
        gone = next(m["ID"] for m in listed["members"] if m.get("name") == "m3")
        wait_for(lambda: support.rest(self.port_of(first), "/v3/cluster/member/remove", {"ID": gone})[0] == 200,
                 "the member to be removed", 15)
        wait_for(lambda: fourth.client_url not in known(), "the member to be forgotten", 10)
        for _ in range(10):
            self.assertEqual(support.get(proxy.port, "a", HANG_S)[0], 200)


if __name__ == "__main__":
    support.main()
