#!/usr/bin/env python3
"""Clients that are slow, silent or many: each costs little, and none keeps the others waiting.

    slow_clients_test.py [--proxy PROGRAM] [TEST]
"""

import json
import resource
import selectors
import socket
import struct
import unittest

import support
from support import Case, wait_for

import cluster
import h2

MIB = 1024 * 1024
CONNECTIONS = 10_000
HEAD_DEADLINE_S = 30.0  # request_head_timeout_ms


def setUpModule():
    SlowClients.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(SlowClients.etcd.stop)


def rss(pid):
    """What of the process is in memory, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


class SlowClients(Case):
    etcd = None

    def test_slowloris(self):
        """Heads that come byte by byte are cut off at the deadline; 500 such clients do not keep a good one waiting."""
        proxy = self.proxy(self.etcd.endpoints)
        began = support.monotonic()
        drips = [(support.connect(proxy.port), text)
                 for text in (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 1000, h2.PREFACE[:-1], b"P")
                 for _ in range(170)]
        selector = selectors.DefaultSelector()
        for sock, text in drips:
            sock.sendall(text[:3])
            selector.register(sock, selectors.EVENT_READ, [text, 3])
            self.addCleanup(sock.close)
        ended, answers = [], []
        while len(ended) < len(drips) and support.monotonic() - began < HEAD_DEADLINE_S + 15:
            for key, _ in selector.select(timeout=1.0):
                answers.append(support.read_all(key.fileobj))
                ended.append(support.monotonic() - began)
                selector.unregister(key.fileobj)
            status, _ = support.get(proxy.port, "a", 5)
            self.assertEqual(status, 200)
            for key in list(selector.get_map().values()):
                text, sent = key.data
                if sent < len(text):
                    try:
                        key.fileobj.sendall(text[sent:sent + 1])
                        key.data[1] += 1
                    except ConnectionError:
                        pass
        self.assertEqual(len(ended), len(drips), "some live beyond the deadline")
        self.assertGreater(min(ended), HEAD_DEADLINE_S - 2)
        self.assertLess(max(ended), HEAD_DEADLINE_S + 10)
        self.assertIn(b"408", b"".join(answers)[:5000], "HTTP/1 clients are not told why")

    def test_watchers_that_do_not_read(self):
        """64 MB of events for each of four clients that read nothing: they wait in the member, not in the proxy."""
        proxy = self.proxy(self.etcd.endpoints)
        member = int(self.etcd.endpoints[0].rpartition(":")[2])
        self.assertEqual(support.put(proxy.port, "warm", "up")[0], 200)
        silent = []
        for road in ("rest", "rest", "grpc", "grpc"):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            sock.connect(("127.0.0.1", proxy.port))
            self.addCleanup(sock.close)
            if road == "rest":
                body = json.dumps({"create_request": {"key": support.b64("flood")}}).encode()
                sock.sendall(b"POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            else:
                connection = h2.Connection(sock, struct.pack(">HI", 4, 2**31 - 1))  # a window without bound
                connection.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**30)))
                connection.send(h2.grpc_request(1, "/etcdserverpb.Watch/Watch", b"\x0a\x07\x0a\x05flood", end=False))
            silent.append(sock)
        in_flight = "gatehouse_proxy_upstream_requests_in_flight"
        wait_for(lambda: support.total(support.metrics(proxy.port), in_flight) == 4, "the watches")
        before = rss(proxy.process.pid)
        for i in range(64):
            self.assertEqual(support.put(member, "flood", bytes([i]) * (1 * MIB))[0], 200)
            self.assertEqual(support.get(proxy.port, "warm", 5)[0], 200)
        grown = rss(proxy.process.pid) - before
        print(f"4 watchers that read nothing of 256 MiB cost {grown / MIB:.1f} MiB")
        self.assertLess(grown, 80 * MIB)
        for sock in silent:
            sock.close()
        wait_for(lambda: support.total(support.metrics(proxy.port), in_flight) == 0, "the watches to be given up", 20)

    def test_pipelined_reads_that_nobody_takes(self):
        """HTTP/1: 200 requests for a megabyte each, sent at once, answers not read."""
        proxy = self.proxy(self.etcd.endpoints)
        self.assertEqual(support.put(proxy.port, "large", b"x" * MIB)[0], 200)
        before = rss(proxy.process.pid)
        body = json.dumps({"key": support.b64("large")}).encode()
        request = b"POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for _ in range(4):
            sock = support.connect(proxy.port)
            self.addCleanup(sock.close)
            sock.sendall(request * 200)
        for _ in range(50):
            self.assertEqual(support.get(proxy.port, "warm", 5)[0], 200)
        grown = rss(proxy.process.pid) - before
        print(f"4 x 200 pipelined reads of 1 MiB that nobody takes cost {grown / MIB:.1f} MiB")
        self.assertLess(grown, 60 * MIB)

    def test_idle_connections(self):
        """10,000 connections that do nothing: under 200 MB, and a good request is answered at once."""
        self.raise_limit(CONNECTIONS + 500)
        for kind, hello in (("HTTP/2", h2.PREFACE + h2.frame(h2.SETTINGS)), ("silent", b"")):
            with self.subTest(kind):
                proxy = self.proxy(self.etcd.endpoints)
                sockets = []
                try:
                    for _ in range(CONNECTIONS):
                        sockets.append(sock := support.connect(proxy.port))
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT
                        if hello:
                            sock.sendall(hello)
                    if hello:
                        for sock in sockets:
                            self.assertTrue(sock.recv(9))
                    name = "gatehouse_proxy_client_connections"
                    wait_for(lambda: support.total(support.metrics(proxy.port), name) > CONNECTIONS, "all to be taken", 20)
                    memory = rss(proxy.process.pid)
                    print(f"{CONNECTIONS} idle connections ({kind}): {memory / 1e6:.1f} MB resident")
                    self.assertLess(memory, 200e6)
                    began = support.monotonic()
                    self.assertEqual(support.put(proxy.port, "many", kind)[0], 200)
                    self.assertLess(support.monotonic() - began, 2)
                finally:
                    for sock in sockets:
                        sock.close()
                proxy.stop()

    def raise_limit(self, wanted):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest(f"{wanted} descriptors are needed, {hard} are allowed")
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    support.main()
