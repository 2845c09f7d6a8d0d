#!/usr/bin/env python3
"""How the proxy starts, is told what to do, drains and ends.    lifecycle_test.py [--proxy PROGRAM] [TEST]"""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import threading
import unittest

import support
from support import Case, command, wait_for

import cluster
import h2


def setUpModule():
    Lifecycle.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(Lifecycle.etcd.stop)


class InBackground(threading.Thread):
    """A call that takes a while; result() waits for it."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.value, self.error = call, None, None
        self.start()

    def run(self):
        try:
            self.value = self.call()
        except Exception as error:  # told by result()
            self.error = error

    def result(self):
        self.join(support.CALL_TIMEOUT_S)
        if self.error:
            raise self.error
        return self.value


class Lifecycle(Case):
    etcd = None

    def endpoint(self):
        return self.etcd.endpoints[0]

    def lock(self, port, name, timeout_s=support.CALL_TIMEOUT_S):
        _, lease = support.rest(port, "/v3/lease/grant", {"TTL": "60"})
        return support.rest(port, "/v3/lock/lock", {"name": support.b64(name), "lease": lease["ID"]}, timeout_s)

    def in_flight(self, port, path):
        return support.total(support.metrics(port), "gatehouse_proxy_upstream_requests_in_flight")

    # -- start

    def test_first_lines_of_the_log(self):
        proxy = self.proxy(self.etcd.endpoints)
        lines = [json.loads(line) for line in proxy.log().splitlines()]
        self.assertEqual(lines[0]["msg"], "starting gatehouse-proxy")
        self.assertIn("gatehouse-version", lines[0])
        started = next(line for line in lines if line["msg"] == "started gRPC proxy")
        self.assertEqual((started["address"], started["endpoints"]), (proxy.endpoint, self.etcd.endpoints))
        self.assertEqual(support.get(proxy.port, "a")[0], 200)

    def test_exit_codes_of_signals(self):
        for signum, name in ((signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupt")):
            proxy = self.proxy(self.etcd.endpoints)
            with contextlib.closing(support.connect(proxy.port)):  # an idle connection does not hold it up
                proxy.process.send_signal(signum)
                self.assertEqual(proxy.process.wait(8), 0)
            self.assertIn(f'"signal":"{name}"', proxy.log())
            self.assertIn("stopped gRPC proxy", proxy.log())

    def test_port_taken(self):
        first = self.proxy(self.etcd.endpoints)
        code, _, err = command(support.PROXY, "--endpoints", self.endpoint(), "--listen-addr", first.endpoint)
        self.assertEqual(code, 1)
        last = json.loads(err.splitlines()[-1])
        self.assertEqual(last["level"], "fatal")
        self.assertIn(first.endpoint, last["error"])
        self.assertIn("address already in use", last["error"])
        self.assertEqual(support.get(first.port, "a")[0], 200)

    def test_wrong_flags(self):
        for argv, code, text in (
                (["grpc-proxy", "start", "--no-such-flag"], 1, "Error: unknown flag: --no-such-flag"),
                (["grpc-proxy", "start", "--dial-keepalive-time=soon"], 1,
                 'Error: invalid argument "soon" for "--dial-keepalive-time" flag'),
                (["grpc-proxy", "start", "--namespace=x"], 1, "--namespace"),
                (["--no-such-flag"], 2, "flag provided but not defined: -no-such-flag"),
                (["--dial-keepalive-time", "soon"], 2, 'invalid value "soon" for flag -dial-keepalive-time'),
                (["--balancer", "dice"], 2, "-balancer: must be one of round_robin, least_request"),
                (["--cert-file", "/nowhere/cert.pem", "--key-file", "/nowhere/key.pem"], 1, "/nowhere/cert.pem"),
                (["--listen-addr", "not an address"], 1, "--listen-addr"),
                (["--config-file", "/nowhere/proxy.yaml"], 1, "/nowhere/proxy.yaml")):
            with self.subTest(argv):
                got, out, err = command(support.PROXY, *argv)
                self.assertIn(text, err)
                self.assertEqual((got, out), (code, ""), err)

    def test_soft_limit_of_descriptors_is_raised(self):
        """As Go programs do: 1024, the usual soft limit, is not the number of clients."""
        port = cluster.free_port()
        proxy = self.serving("sh", "-c", 'ulimit -Sn 100 && exec "$@"', "sh", support.PROXY, "--endpoints", self.endpoint(),
                             "--listen-addr", f"127.0.0.1:{port}")
        connections = [support.connect(port) for _ in range(300)]
        for connection in connections:
            self.addCleanup(connection.close)
        self.assertEqual(support.get(port, "a")[0], 200)
        self.assertNotIn("not accepting", proxy.log())

    def test_out_of_descriptors(self):
        """Where the hard limit is reached too, who came first is served and the others wait."""
        port = cluster.free_port()
        proxy = self.serving("sh", "-c", 'ulimit -n 100 && exec "$@"', "sh", support.PROXY, "--endpoints", self.endpoint(),
                             "--listen-addr", f"127.0.0.1:{port}")
        first = h2.Connection(support.connect(port))
        self.assertTrue(first.exchange(1)[0])
        connections = [support.connect(port) for _ in range(150)]
        self.assert_logs(proxy, "not accepting connections for a moment")
        self.assertTrue(first.exchange(3)[0])
        for connection in connections:
            connection.close()
        wait_for(lambda: self.answers(port), "new clients to be served again", 10)

    def answers(self, port):
        try:
            return support.get(port, "a", 2)[0] == 200
        except OSError:
            return False

    def test_help_and_version(self):
        for argv, text in ((["--help"], "--listen-addr"), (["--version"], "gatehouse-proxy Version: "),
                           (["grpc-proxy", "start", "--help"], "--listen-addr")):
            with self.subTest(argv):
                code, out, err = command(support.PROXY, *argv)
                self.assertEqual(code, 0, err)
                self.assertIn(text, out)

    def test_command_line_of_etcds_procfile(self):
        """etcd's Procfile: bin/etcd grpc-proxy start --endpoints=… --listen-addr=… --advertise-client-url=…
        --enable-pprof"""
        port = cluster.free_port()
        self.serving(support.PROXY, "grpc-proxy", "start", f"--endpoints={self.endpoint()}",
                     f"--listen-addr=127.0.0.1:{port}", f"--advertise-client-url=127.0.0.1:{port}", "--enable-pprof")
        code, out, err = support.etcdctl(f"127.0.0.1:{port}", "member", "list", "-w", "json")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["members"][0]["clientURLs"], [f"127.0.0.1:{port}"])

    def test_flag_beats_environment_beats_file(self):
        ports = [cluster.free_port() for _ in range(3)]
        file = self.scratch() / "proxy.yaml"
        file.write_text(f"endpoints: ['{self.endpoint()}']\nlisten-addr: 127.0.0.1:{ports[0]}\nbalancer: round_robin\n")
        of_file = self.serving(support.PROXY, "--config-file", file)
        self.assertEqual(support.get(ports[0], "a")[0], 200)
        self.assertIn('"balancer":"round_robin"', of_file.log())
        environment = {"GATEHOUSE_PROXY_LISTEN_ADDR": f"127.0.0.1:{ports[1]}",
                       "GATEHOUSE_PROXY_CONFIG_FILE": str(file)}
        self.serving(support.PROXY, environment=environment)
        self.assertEqual(support.get(ports[1], "a")[0], 200)
        self.serving(support.PROXY, "--listen-addr", f"127.0.0.1:{ports[2]}", environment=environment)
        self.assertEqual(support.get(ports[2], "a")[0], 200)

    def test_metrics_addr(self):
        port = cluster.free_port()
        proxy = self.proxy(self.etcd.endpoints, f"--metrics-addr=http://127.0.0.1:{port}")
        for path, shown in (("/metrics", b"etcd_server_has_leader 1"), ("/health", b'{"health":"true"'),
                            ("/proxy/metrics", b"gatehouse_proxy_build_info"), ("/proxy/health", b'{"health":"true"')):
            status, body = cluster.http_get(port, path)
            self.assertEqual(status, 200, (path, body))
            self.assertIn(shown, body)
        with contextlib.closing(support.http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as rest:
            rest.request("POST", "/v3/kv/range", '{"key":"YQ=="}')
            self.assertEqual(rest.getresponse().status, 404)
        self.assertNotEqual(support.etcdctl(f"127.0.0.1:{port}", "--command-timeout=2s", "get", "a")[0], 0)
        self.assertEqual(support.etcdctl(proxy.endpoint, "get", "a")[0], 0)

    # -- drain

    def test_drain_finishes_what_is_in_flight(self):
        """A waiting lock is a unary call as slow as one likes: it gets its answer after SIGTERM."""
        proxy = self.proxy(self.etcd.endpoints, "--drain-timeout=15s")
        direct = self.etcd.members[0]
        direct_port = int(direct.endpoint.rpartition(":")[2])
        _, held = self.lock(direct_port, "drained")
        waiting = InBackground(lambda: self.lock(proxy.port, "drained"))
        watcher = support.http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        watcher.connect()  # opened before, used while it drains
        watcher.request("GET", "/readyz")
        self.assertEqual(watcher.getresponse().read(), b"ok\n")
        streams = h2.Connection(support.connect(proxy.port))
        self.assertTrue(streams.exchange(1)[0])
        streams.send(h2.grpc_request(3, "/etcdserverpb.Watch/Watch", b"\x0a\x06\x0a\x04some", end=False))
        wait_for(lambda: self.lock_waits(direct_port, "drained"), "the lock to wait")
        self.assertEqual(streams.read_until(h2.HEADERS)[2], 3)

        proxy.process.send_signal(signal.SIGTERM)
        self.assertEqual(h2.goaway_reason(streams.read_until(h2.GOAWAY))[0], 0)
        self.assert_logs(proxy, "received signal; shutting down")
        with self.subTest("no new connections"):
            wait_for(lambda: self.refused(proxy.port), "connections to be refused", 5)
        self.assertTrue(proxy.alive())
        self.assertIsNone(waiting.value)

        support.rest(direct_port, "/v3/lock/unlock", {"key": held["key"]})
        status, answer = waiting.result()
        self.assertEqual(status, 200, answer)
        self.assertIn("key", answer)
        streams.sock.close()  # the watch was the last
        self.assertEqual(proxy.process.wait(10), 0)
        self.assertIn("stopped gRPC proxy", proxy.log())

    def lock_waits(self, port, name):
        _, answer = support.rest(port, "/v3/kv/range", {"key": support.b64(name + "/"),
                                                        "range_end": support.b64(name + "0"), "count_only": True})
        return int(answer.get("count", 0)) >= 2

    def refused(self, port):
        try:
            support.connect(port).close()
            return False
        except ConnectionRefusedError:
            return True

    def test_drain_timeout_ends_watches(self):
        proxy = self.proxy(self.etcd.endpoints, "--drain-timeout=1s")
        watch = support.RestWatch(proxy.port, "drain-watch")
        self.assertTrue(watch.created["result"]["created"])
        streams = h2.Connection(support.connect(proxy.port))
        streams.send(h2.grpc_request(1, "/etcdserverpb.Watch/Watch", b"\x0a\x06\x0a\x04some", end=False))
        streams.read_until(h2.HEADERS)
        began = support.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        self.assertIsNotNone(streams.read_until(h2.GOAWAY))
        with self.subTest("a watch goes on until the deadline"):
            support.put(int(self.endpoint().rpartition(":")[2]), "drain-watch", "seen")
            self.assertEqual(watch.read()["result"]["events"][0]["kv"]["value"], support.b64("seen"))
        self.assertEqual(proxy.process.wait(10), 0)
        took = support.monotonic() - began
        self.assertGreater(took, 0.9)
        self.assertLess(took, 5)
        streams.read_to_end()

    def test_readyz_while_draining(self):
        """Who still has a connection with a call on it learns there that the proxy is on its way out."""
        proxy = self.proxy(self.etcd.endpoints, "--drain-timeout=15s")
        streams = h2.Connection(support.connect(proxy.port))
        streams.send(h2.grpc_request(1, "/etcdserverpb.Watch/Watch", b"\x0a\x06\x0a\x04some", end=False))
        streams.read_until(h2.HEADERS)
        proxy.process.send_signal(signal.SIGTERM)
        first = h2.goaway_reason(streams.read_until(h2.GOAWAY))
        self.assertEqual(first[0], 0)
        ok, body = streams.exchange(3, path="/readyz")
        # Either the stream came before the last GOAWAY and tells, or it was refused; 200 would be wrong.
        self.assertFalse(ok, body)
        streams.sock.close()
        self.assertEqual(proxy.process.wait(10), 0)

    def test_second_signal_does_not_hurt(self):
        proxy = self.proxy(self.etcd.endpoints, "--drain-timeout=2s")
        watch = support.RestWatch(proxy.port, "twice")
        self.addCleanup(watch.close)
        for _ in range(3):
            proxy.process.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.process.wait(10), 0)

    def test_idle_connections_end_at_once(self):
        proxy = self.proxy(self.etcd.endpoints, "--drain-timeout=30s")
        idle = [support.connect(proxy.port) for _ in range(20)]
        busy = h2.Connection(support.connect(proxy.port))
        self.assertTrue(busy.exchange(1)[0])
        proxy.process.send_signal(signal.SIGTERM)
        self.assertIsNotNone(busy.read_until(h2.GOAWAY))
        busy.read_to_end()
        self.assertEqual(proxy.process.wait(10), 0)
        for connection in idle:
            readable, _, _ = select.select([connection], [], [], 5)
            self.assertTrue(readable)
            connection.close()

    # -- install

    def test_install(self):
        build = pathlib.Path(support.PROXY).parents[1]
        if not (build / "cmake_install.cmake").exists():
            self.skipTest(f"{support.PROXY} is not in a build directory")
        prefix = self.scratch()
        code, out, err = command("cmake", "--install", build, "--prefix", prefix)
        self.assertEqual(code, 0, err)
        installed = prefix / "bin" / "gatehouse-proxy"
        self.assertTrue(os.access(installed, os.X_OK), out)
        self.assertEqual(command(installed, "--version"), command(support.PROXY, "--version"))
        self.assertEqual(subprocess.run([installed, "--version"], stdout=subprocess.DEVNULL).returncode, 0)


if __name__ == "__main__":
    support.main()
