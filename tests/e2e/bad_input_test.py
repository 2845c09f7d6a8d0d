#!/usr/bin/env python3
"""What no client should send, over real sockets. After each the proxy still answers a good request.

    bad_input_test.py [--proxy PROGRAM] [TEST]
"""

import json
import os
import random
import socket
import struct
import unittest

import support
from support import Case

import cluster
import h2

MIB = 1024 * 1024


def setUpModule():
    BadInput.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(BadInput.etcd.stop)
    BadInput.target = cluster.Proxy(BadInput.etcd.endpoints, support.PROXY, support.WORK / "proxy").start()
    BadInput.shared_daemons = [BadInput.target]
    unittest.addModuleCleanup(BadInput.target.stop)


class BadInput(Case):
    etcd = None
    target = None

    def setUp(self):
        super().setUp()
        self.pid = self.target.process.pid
        self.addCleanup(self.check_lives)

    def check_lives(self):
        self.target.check_alive()
        self.assertEqual(self.target.process.pid, self.pid)
        status, answer = support.put(self.target.port, "alive", "yes")
        self.assertEqual(status, 200, answer)

    def connect(self):
        sock = support.connect(self.target.port)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def h2(self):
        return h2.Connection(self.connect())

    def send(self, data):
        """All of the answer to these bytes; the connection must be ended by the proxy."""
        sock = self.connect()
        try:
            sock.sendall(data)
        except ConnectionError:
            pass  # it has heard enough
        return support.read_all(sock)

    # -- one byte at a time

    def test_http1_one_byte_at_a_time(self):
        body = json.dumps({"key": support.b64("alive")}).encode()
        request = (b"POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
        sock = self.connect()
        for byte in request:
            sock.sendall(bytes([byte]))
        answer = support.read_all(sock)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
        self.assertIn(b'"header"', answer)

    def test_http2_one_byte_at_a_time(self):
        sock = self.connect()
        message = b"\x0a\x01a"  # RangeRequest{key: "a"}
        request = h2.PREFACE + h2.frame(h2.SETTINGS) + h2.grpc_request(1, "/etcdserverpb.KV/Range", message)
        for byte in request:
            sock.sendall(bytes([byte]))
        connection = h2.Connection(sock, settings=None)
        got = connection.read_until(h2.HEADERS)
        self.assertEqual((got[2], got[3][:1]), (1, b"\x88"))
        self.assertIsNotNone(connection.read_until(h2.DATA))

    # -- oversized everything

    def test_request_line(self):
        answer = self.send(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 414"), answer[:200])

    def test_headers(self):
        answer = self.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 431"), answer[:200])
        answer = self.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 10_000 + b"\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 431"), answer[:200])

    def test_http2_headers(self):
        connection = self.h2()
        fields = [(f"x-{i}", "v" * 1000) for i in range(15)]
        connection.send(h2.request(1, more=fields))
        got = connection.read_until(h2.HEADERS)
        self.assertEqual(got[2], 1)
        self.assertEqual(got[3][:1], b"\x88", "15 kB of fields are within the limit")
        connection = self.h2()
        block = h2.header_block([(":method", "GET"), (":scheme", "http"), (":path", "/livez"), (":authority", "x"),
                                 *[(f"x-{i}", "v" * 1000) for i in range(30)]])
        connection.send(h2.frame(h2.HEADERS, h2.END_STREAM, 1, block[:16000]) +
                        h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, block[16000:]))
        got = connection.read_until(h2.HEADERS)
        self.assertEqual(got[2], 1)
        self.assertIn(b"431", got[3])

    def test_rest_body(self):
        file = self.scratch() / "body"
        file.write_text(json.dumps({"key": "YQ==", "value": "A" * (8 * MIB)}))
        for how in (["--http1.1"], ["--http1.1", "-H", "Transfer-Encoding: chunked"], ["--http2-prior-knowledge"]):
            with self.subTest(how):
                code, status, body, err = support.curl(*how, "-H", "Expect:", "--data-binary", f"@{file}",
                                                       f"{self.target.url}/v3/kv/put")
                self.assertEqual(status.split()[1:], ["429"], (code, err))
                answer = json.loads(body)
                self.assertEqual(answer["code"], 8)
                self.assertIn("request body larger than max", answer["message"])

    def test_watch_body(self):
        """An early error on a stream, with much of the request still to come."""
        file = self.scratch() / "body"
        file.write_text("nonsense" * (MIB // 2))
        for how in ("--http1.1", "--http2-prior-knowledge"):
            with self.subTest(how):
                code, status, body, err = support.curl(how, "-H", "Expect:", "--data-binary", f"@{file}",
                                                       f"{self.target.url}/v3/watch")
                self.assertEqual(status.split()[1:], ["400"], (code, err))
                self.assertEqual(json.loads(body)["error"]["code"], 3)

    def test_rest_body_that_members_refuse(self):
        """Larger than a request may be, smaller than what is refused unread."""
        status, answer = support.put(self.target.port, "big", "x" * (1900 * 1024))
        self.assertEqual((status, answer["code"]), (429, 8), answer)

    def test_grpc_message(self):
        """The length in front of a message is believed no further than the limit."""
        for length in (0xFFFFFFFF, 64 * MIB):
            with self.subTest(length):
                connection = self.h2()
                head = h2.request(1, "POST", "/etcdserverpb.KV/Put",
                                  [("content-type", "application/grpc"), ("te", "trailers")], end=False)
                connection.send(head + h2.frame(h2.DATA, 0, 1, b"\0" + struct.pack(">I", length) + b"x" * 1000))
                got = connection.read_until(h2.HEADERS)
                self.assertEqual(got[2], 1)
                self.assertTrue(got[1] & h2.END_STREAM, "no trailers-only error")

    def test_grpc_call_that_lies(self):
        """A message cut short by the end of the stream; compression that was never told; no message at all."""
        for body in (b"\0\0\0\0\x10short", b"\1\0\0\0\x03abc", b""):
            with self.subTest(body):
                connection = self.h2()
                head = h2.request(1, "POST", "/etcdserverpb.KV/Put",
                                  [("content-type", "application/grpc"), ("te", "trailers")], end=False)
                connection.send(head + h2.frame(h2.DATA, h2.END_STREAM, 1, body))
                got = connection.read_until(h2.HEADERS)
                self.assertEqual(got[2], 1)
                self.assertTrue(got[1] & h2.END_STREAM)

    # -- floods

    def check_calmed(self, connection, flood):
        """The flood ends with GOAWAY ENHANCE_YOUR_CALM, whatever of it was still under way."""
        connection.send(flood)
        got = connection.read_until(h2.GOAWAY)
        self.assertIsNotNone(got, "the connection ended without a word")
        code, text = h2.goaway_reason(got)
        self.assertEqual(code, h2.ENHANCE_YOUR_CALM, text)
        self.assertTrue(text, "GOAWAY without a reason")

    def test_rapid_reset(self):
        flood = b"".join(
            h2.request(stream, "POST", "/v3/kv/range", end=False) + h2.frame(h2.RST_STREAM, 0, stream, b"\0\0\0\x08")
            for stream in range(1, 40_001, 2))
        self.check_calmed(self.h2(), flood)

    def test_rapid_reset_of_calls(self):
        """The same with calls that have gone on to a member: none may stay behind."""
        flood = b"".join(
            h2.grpc_request(stream, "/etcdserverpb.KV/Range", b"\x0a\x01a") + h2.frame(h2.RST_STREAM, 0, stream, b"\0\0\0\x08")
            for stream in range(1, 40_001, 2))
        self.check_calmed(self.h2(), flood)
        name = "gatehouse_proxy_upstream_requests_in_flight"
        support.wait_for(lambda: support.total(support.metrics(self.target.port), name) == 0, "the calls to be gone", 20)

    def test_ping_flood(self):
        self.check_calmed(self.h2(), h2.frame(h2.PING, 0, 0, b"01234567") * 5000)

    def test_settings_flood(self):
        self.check_calmed(self.h2(), h2.frame(h2.SETTINGS) * 5000)

    def test_empty_data_flood(self):
        self.check_calmed(self.h2(), h2.request(1, "POST", "/v3/kv/range", end=False) + h2.frame(h2.DATA, 0, 1) * 5000)

    def test_window_update_flood(self):
        self.check_calmed(self.h2(), h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\x01") * 5000)

    def test_endless_header_block(self):
        """CONTINUATION without end."""
        connection = self.h2()
        piece = h2.header_block([("x", "y" * 10)])
        connection.send(h2.frame(h2.HEADERS, 0, 1, h2.header_block([(":method", "GET")])) +
                        h2.frame(h2.CONTINUATION, 0, 1, piece) * 5000)
        self.assertIsNotNone(connection.read_until(h2.GOAWAY))
        connection.read_to_end()

    # -- rubbish

    def test_broken_frames(self):
        for name, data in (("a frame larger than allowed", h2.frame(h2.DATA, 0, 1, b"x" * 20_000)),
                           ("DATA on a stream that is not open", h2.frame(h2.DATA, 0, 5, b"x")),
                           ("PING of a wrong size", h2.frame(h2.PING, 0, 0, b"x")),
                           ("SETTINGS of a wrong size", h2.frame(h2.SETTINGS, 0, 0, b"x")),
                           ("HEADERS that are no HPACK", h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\xff" * 50)),
                           ("an even stream", h2.request(2)),
                           ("a window of more than 2^31", h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")),
                           ("a push promise", h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, 1, b"\0\0\0\2"))):
            with self.subTest(name):
                connection = self.h2()
                connection.send(data)
                got = connection.read_until(h2.GOAWAY)
                self.assertIsNotNone(got, "no GOAWAY")
                self.assertNotEqual(h2.goaway_reason(got)[0], 0)
                connection.read_to_end()

    def test_garbage(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        print(f"SEED={seed}")
        source = random.Random(seed)
        for _ in range(200):
            kind = source.randrange(4)
            junk = source.randbytes(source.randrange(1, 5000))
            start = (b"", h2.PREFACE, h2.PREFACE + h2.frame(h2.SETTINGS),
                     b"POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")[kind]
            sock = self.connect()
            try:
                sock.sendall(start + junk)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            support.read_all(sock)  # a hang would be a TimeoutError
            sock.close()

    def test_bad_requests_get_clear_errors(self):
        for request, status in ((b"NONSENSE\r\n\r\n", b"501"), (b"\x16\x03 is no record\r\n\r\n", b"400"), (b"GET / HTTP/3.0\r\n\r\n", b"505"),
                                (b"GET /livez HTTP/1.1\r\n\r\n", b"400"),  # no Host
                                (b"POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
                                (b"POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked"
                                 b"\r\n\r\n{}", b"400"),
                                (b"POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400")):
            with self.subTest(request):
                answer = self.send(request)
                self.assertEqual(answer[:12].split(b" ")[1:], [status], answer)
                head, _, body = answer.partition(b"\r\n\r\n")
                self.assertTrue(body.strip(), "no reason given")

    def test_bad_json(self):
        for body in (b"{", b"[]", b'{"key": 5}', b'{"key":"%%"}', b'{"key":"YQ==",}', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000):
            with self.subTest(body[:20]):
                file = self.scratch() / "body"
                file.write_bytes(body)
                code, status, answer, err = support.curl("--data-binary", f"@{file}", f"{self.target.url}/v3/kv/put")
                self.assertEqual((code, status), (0, "1.1 400"), err)
                self.assertEqual(json.loads(answer)["code"], 3)


if __name__ == "__main__":
    support.main()
