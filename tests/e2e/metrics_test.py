#!/usr/bin/env python3
"""What the proxy tells of known traffic.    metrics_test.py [--proxy PROGRAM] [TEST]"""

import shutil
import subprocess
import unittest

import support
from support import Case, total, wait_for

import cluster


def setUpModule():
    Metrics.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(Metrics.etcd.stop)


class Metrics(Case):
    etcd = None

    def setUp(self):
        super().setUp()
        self.target = self.proxy(self.etcd.endpoints)
        self.port = self.target.port
        self.before = self.samples()

    def samples(self):
        return support.metrics(self.port)

    def grew(self, name, **labels):
        now = self.samples()
        return total(now, name, **labels) - total(self.before, name, **labels)

    def upstream(self, code):
        return self.grew("gatehouse_proxy_upstream_requests_total", endpoint=self.etcd.endpoints[0], code=code)

    def test_grpc_calls(self):
        for word in (["put", "m", "1"], ["put", "m", "2"], ["get", "m"], ["del", "m"]):
            self.assertEqual(support.etcdctl(self.target.endpoint, *word)[0], 0)
        self.assertNotEqual(support.etcdctl(self.target.endpoint, "lease", "revoke", "123")[0], 0)
        kv = {"grpc_service": "etcdserverpb.KV", "grpc_type": "unary"}
        for method, count in (("Put", 2), ("Range", 1), ("DeleteRange", 1)):
            for name in ("started", "handled", "msg_received", "msg_sent"):
                self.assertEqual(self.grew(f"grpc_server_{name}_total", grpc_method=method, **kv), count, (name, method))
            self.assertEqual(self.grew("grpc_server_handled_total", grpc_method=method, grpc_code="OK", **kv), count)
            self.assertEqual(self.grew("grpc_server_handling_seconds_count", grpc_method=method, **kv), count)
        revoked = {"grpc_service": "etcdserverpb.Lease", "grpc_method": "LeaseRevoke"}
        self.assertEqual(self.grew("grpc_server_handled_total", grpc_code="NotFound", **revoked), 1)
        self.assertEqual(self.grew("grpc_server_handled_total", **revoked), 1)
        self.assertEqual(self.grew("grpc_server_handled_total"), 5)
        self.assertEqual(self.upstream("OK"), 4)
        self.assertEqual(self.upstream("NotFound"), 1)
        self.assertEqual(self.grew("gatehouse_proxy_upstream_request_duration_seconds_count"), 5)
        self.assertEqual(self.grew("gatehouse_proxy_upstream_retries_total"), 0)
        self.assertEqual(self.grew("gatehouse_proxy_rest_requests_total"), 0)

    def test_rest_requests(self):
        for i in range(3):
            self.assertEqual(support.put(self.port, "r", str(i))[0], 200)
        self.assertEqual(support.get(self.port, "r")[0], 200)
        self.assertEqual(support.rest(self.port, "/v3/lease/revoke", {"ID": "123"})[0], 404)
        self.assertEqual(support.rest(self.port, "/v3/kv/put", {"key": "%%%"})[0], 400)
        self.assertEqual(support.rest(self.port, "/v3/no/such/path")[0], 404)
        counted = "gatehouse_proxy_rest_requests_total"
        for path, code, count in (("/kv/put", "200", 3), ("/kv/range", "200", 1), ("/lease/revoke", "404", 1),
                                  ("/kv/put", "400", 1), ("unknown", "404", 1)):
            self.assertEqual(self.grew(counted, path=path, code=code), count, (path, code, self.page(counted)))
        self.assertEqual(self.grew("gatehouse_proxy_rest_request_duration_seconds_count", path="/kv/put"), 4)
        self.assertFalse(any("no/such" in sample for sample in self.samples()), "foreign paths make series")
        self.assertEqual(self.upstream("OK"), 4)
        self.assertEqual(self.upstream("NotFound"), 1)
        self.assertEqual(total(self.samples(), "gatehouse_proxy_rest_requests_in_flight"), 0)

    def page(self, prefix):
        return {k: v for k, v in self.samples().items() if k.startswith(prefix)}

    def test_streams_in_flight(self):
        in_flight = lambda: total(self.samples(), "gatehouse_proxy_upstream_requests_in_flight")  # noqa: E731
        watch = support.RestWatch(self.port, "w")
        self.assertEqual(in_flight(), 1)
        self.assertEqual(total(self.samples(), "gatehouse_proxy_rest_requests_in_flight"), 1)
        watch.close()
        wait_for(lambda: in_flight() == 0, "the watch to be given up", 10)
        self.assertEqual(total(self.samples(), "gatehouse_proxy_rest_requests_in_flight"), 0)

    def test_connections_and_bytes(self):
        opened = self.grew("gatehouse_proxy_client_connections_total")
        connections = [support.connect(self.port) for _ in range(7)]
        wait_for(lambda: total(self.samples(), "gatehouse_proxy_client_connections") >= 8, "the connections", 10)
        self.assertGreaterEqual(self.grew("gatehouse_proxy_client_connections_total"), opened + 8)
        sent, received = (self.grew(f"gatehouse_proxy_client_{way}_bytes_total") for way in ("sent", "received"))
        support.put(self.port, "bytes", "x" * 100_000)
        support.get(self.port, "bytes")
        # Base64 makes 4 bytes of 3.
        self.assertGreater(self.grew("gatehouse_proxy_client_received_bytes_total"), received + 133_000)
        self.assertGreater(self.grew("gatehouse_proxy_client_sent_bytes_total"), sent + 133_000)
        for connection in connections:
            connection.close()
        # Our own is one, and one that was just closed may still linger.
        wait_for(lambda: total(self.samples(), "gatehouse_proxy_client_connections") <= 2, "them to be gone", 10)

    def test_a_members_own_page(self):
        support.put(self.port, "own", "1")
        page = support.metrics(self.port, "/metrics")
        self.assertEqual(page["etcd_server_has_leader"], 1)
        self.assertFalse(any(sample.startswith("gatehouse_") for sample in page))

    def test_form(self):
        """Every family has HELP and TYPE before its samples, once; promtool, where there is one, agrees."""
        support.put(self.port, "form", "1")
        status, body = cluster.http_get(self.port, "/proxy/metrics")
        self.assertEqual(status, 200)
        helped, typed = [], []
        for line in body.decode().splitlines():
            if line.startswith("# HELP "):
                helped.append(line.split(" ", 3)[2])
            elif line.startswith("# TYPE "):
                typed.append(line.split(" ")[2])
                self.assertEqual(helped[-1], typed[-1])
            elif line:
                self.assertTrue(line.startswith(typed[-1]), line)
        self.assertEqual(len(set(helped)), len(helped))
        self.assertEqual(helped, typed)
        promtool = shutil.which("promtool")
        if not promtool:
            print("promtool is not there: its check is skipped")
            return
        done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    support.main()
