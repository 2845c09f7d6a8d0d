#!/usr/bin/env python3
"""What no peer should send to a member, and what no operator should tell it.

    peers_test.py [TEST]

Peers are untrusted bytes too: whatever comes to the peer port, or from the address of a peer, is refused and logged a few
times at most; the member goes on, and so does the cluster. Wrong flags end a member before it has written anything.
"""

import contextlib
import http.client
import os
import pathlib
import random
import socket
import struct
import threading
import unittest

import support
from support import Case, wait_for

import cluster

OTHER_CLUSTER = "1234567812345678"
MOST_LINES = 30  # that one kind of refusal may log in a test: it comes a hundred times and more


def setUpModule():
    try:
        cluster.server_binary(cluster.OURS)
    except cluster.NotHere as missing:
        raise unittest.SkipTest(str(missing)) from missing


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number, value):
    """Of a protobuf message: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    return varint(number << 3 | 2) + varint(len(value)) + value


class PeersCase(Case):
    """A cluster of three with fast elections, which has to be well after each test."""

    def setUp(self):
        super().setUp()
        self.cluster = cluster.EtcdCluster(3, self.scratch(), kind=cluster.OURS,
                                           flags=["--heartbeat-interval=50", "--election-timeout=500"]).start()
        self.addCleanup(self.cluster.stop)
        self.daemons += self.cluster.members
        self.members = self.cluster.members
        self.target = self.members[0]
        status = self.rest(self.target, "/v3/cluster/member/list")
        self.cluster_id = f"{int(status['header']['cluster_id']):x}"
        self.ids = {member["name"]: int(member["ID"]) for member in status["members"]}

    def rest(self, member, path, body=None):
        status, answer = support.rest(int(member.endpoint.rpartition(":")[2]), path, body)
        self.assertEqual(status, 200, answer)
        return answer

    def put_works(self, members=None):
        for member in members or self.members:
            member.check_alive()
            port = int(member.endpoint.rpartition(":")[2])
            wait_for(lambda port=port: support.put(port, "alive", "yes")[0] == 200, f"a write by {member.name}", 20)

    def peer_port(self, member):
        return int(member.peer_url.rpartition(":")[2])

    def headers(self, sender="m1", **others):
        return {"X-Server-From": f"{self.ids[sender]:x}", "X-Server-Version": "3.7.1", "X-Min-Cluster-Version": "3.0.0",
                "X-Etcd-Cluster-ID": self.cluster_id, "X-Raft-To": f"{self.ids['m0']:x}", **others}

    def ask(self, method, path, headers, body=None):
        """(status, text) of the peer port's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.peer_port(self.target), timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")

    def assert_logged_little(self, text):
        lines = sum(text in line for line in self.target.log().splitlines())
        self.assertGreater(lines, 0, f"{text!r} is not in the log")
        self.assertLess(lines, MOST_LINES, f"{text!r} fills the log")


class BadPeers(PeersCase):
    def test_another_cluster(self):
        headers = self.headers(**{"X-Etcd-Cluster-ID": OTHER_CLUSTER})
        for _ in range(100):
            for method, path in (("GET", f"/raft/stream/msgapp/{self.ids['m1']:x}"),
                                 ("GET", f"/raft/stream/message/{self.ids['m1']:x}"), ("POST", "/raft"), ("POST", "/raft/snapshot")):
                status, text = self.ask(method, path, headers, b"" if method == "POST" else None)
                self.assertEqual((status, text.strip()), (412, "cluster ID mismatch"))
        self.assert_logged_little("refused a request of a peer")
        self.put_works()

    def test_another_version(self):
        for version, least in (("2.0.0", "2.0.0"), ("9.0.0", "9.0.0"), ("bananas", "3.0.0")):
            status, _ = self.ask("POST", "/raft", self.headers(**{"X-Server-Version": version, "X-Min-Cluster-Version": least}), b"")
            self.assertIn(status, (400, 412), version)
        self.put_works()

    def test_a_member_with_another_token(self):
        """It has the address and the flags of a member, but for the token: another cluster's."""
        impostor = self.members[2]
        impostor.kill()
        at = impostor.argv.index("--initial-cluster-token") + 1
        impostor.argv[at] = "another-token"
        impostor.argv[impostor.argv.index("--data-dir") + 1] = str(impostor.data_dir) + ".other"
        impostor.spawn()
        self.assert_logs(self.target, "cluster ID mismatch")
        self.put_works(self.members[:2])
        self.assertFalse(impostor.healthy())
        impostor.kill()
        self.assert_logged_little("cluster ID mismatch")

    def test_a_removed_member(self):
        removed = self.members[2]
        port = int(self.target.endpoint.rpartition(":")[2])

        def accepted():
            status, answer = support.rest(port, "/v3/cluster/member/remove", {"ID": str(self.ids["m2"])})
            if status == 503 and "unhealthy cluster" in answer["error"]:
                return False
            self.assertEqual(status, 200, answer)
            return True
        # Members are not changed until the others have been connected for five seconds.
        wait_for(accepted, "the cluster to let a member go")
        wait_for(lambda: not removed.alive(), "the removed member to end", 20)
        self.put_works(self.members[:2])
        removed.spawn()  # an operator who does not know
        wait_for(lambda: not removed.alive(), "the removed member to end again", 20)
        self.assertIn("removed from the cluster", removed.log())
        for _ in range(100):
            status, text = self.ask("GET", f"/raft/stream/msgapp/{self.ids['m2']:x}", self.headers("m2"))
            self.assertEqual((status, text.strip()), (410, "removed member"))
        self.assert_logged_little("refused a stream to a removed member")
        self.put_works(self.members[:2])

    def test_bodies_that_make_no_sense(self):
        seed = int(os.environ.get("GATEHOUSE_SEED") or random.randrange(1 << 32))
        print(f"GATEHOUSE_SEED={seed}")
        random_ = random.Random(seed)
        for path in ("/raft", "/raft/snapshot"):
            for _ in range(60):
                body = random_.randbytes(random_.choice([0, 1, 7, 100, 5000]))
                if path == "/raft/snapshot" and random_.random() < 0.5:
                    body = struct.pack(">Q", random_.choice([1, 1 << 31, 1 << 40, 1 << 63, (1 << 64) - 1])) + body
                status, _ = self.ask("POST", path, self.headers(), body)
                self.assertIn(status, (204, 400, 403, 500), body[:20])
        self.assert_logged_little("refused a message of a peer: its bytes make no sense")
        self.put_works()

    def test_lengths_that_nobody_has(self):
        with open(f"/proc/{self.target.process.pid}/status", encoding="utf-8") as status:
            before = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        for path in ("/raft", "/raft/snapshot", "/members/hashkv", "/leases"):
            for length in (1 << 31, 1 << 62, 10 ** 30):
                with support.connect(self.peer_port(self.target)) as sock:
                    head = "".join(f"{key}: {value}\r\n" for key, value in self.headers().items())
                    with contextlib.suppress(ConnectionError):
                        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {length}\r\n\r\n".encode()
                                     + struct.pack(">Q", (1 << 63) - 1) + bytes(1000))
        for garbage in (b"\0" * 5000, b"\x16\x03\x01" + bytes(500), os.urandom(5000), b"GET / HTTP/9.9\r\n\r\n"):
            with support.connect(self.peer_port(self.target)) as sock, contextlib.suppress(ConnectionError):
                sock.sendall(garbage)
        with open(f"/proc/{self.target.process.pid}/status", encoding="utf-8") as status:
            after = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        self.assertLess(after - before, 100 * 1024, "kB of memory for lengths that were only announced")
        self.put_works()

    def test_messages_that_nobody_sends(self):
        """Well-formed messages of a peer with fields at random. They may do what a traitor can do, depose a leader or
        spoil a log; they may not end the member."""
        seed = int(os.environ.get("GATEHOUSE_SEED") or random.randrange(1 << 32))
        print(f"GATEHOUSE_SEED={seed}")
        random_ = random.Random(seed)
        numbers = [0, 1, 2, 5, 9, 1000, 1 << 32, (1 << 63) - 1, (1 << 64) - 1]
        for _ in range(400):
            message = field(1, random_.randrange(-1, 26)) + field(2, self.ids["m0"])
            message += field(3, random_.choice([self.ids["m1"], self.ids["m2"], self.ids["m0"], 0, 7]))
            message += field(4, random_.choice([0, 1, 2, 3, 4, random_.choice(numbers[:6])]))
            for number in (5, 6, 8, 11):  # the term of the log, index, commit, a hint
                if random_.random() < 0.7:
                    message += field(number, random_.choice(numbers))
            for _ in range(random_.choice([0, 0, 1, 3])):
                message += field(7, field(1, random_.randrange(4)) + field(2, random_.choice(numbers)) +
                                 field(3, random_.choice(numbers)) + field(4, random_.randbytes(random_.randrange(20))))
            if random_.random() < 0.2:
                message += field(9, field(1, b"data") + field(2, field(2, random_.choice(numbers)) + field(3, random_.choice(numbers))))
            if random_.random() < 0.3:
                message += field(10, 1)
            status, text = self.ask("POST", "/raft", self.headers(), message)
            self.assertLess(status, 501, text)
            self.assertTrue(self.target.alive(), message.hex())
        for member in self.members:
            member.check_alive()

    def test_frames_that_make_no_sense(self):
        """A peer's address is taken over by one who answers with streams of its own making."""
        peer = self.members[2]
        peer.kill()
        with Impostor(self.peer_port(peer), self.headers("m2")) as impostor:
            wait_for(lambda: impostor.served > 40, "streams to be asked for", 40)
        self.assertIn("its bytes make no sense", self.target.log() + self.members[1].log())
        self.assertLess(self.target.log().count("its bytes make no sense"), MOST_LINES)
        self.put_works(self.members[:2])
        peer.start()
        self.put_works()


class Impostor:
    """Answers each request for a stream as a peer does, and then sends what is none. A context manager."""

    FRAMES = [b"\xff" * 64, struct.pack(">Q", (1 << 64) - 1), struct.pack(">Q", 1 << 40) + bytes(100),
              struct.pack(">QQ", 1, (1 << 64) - 1), struct.pack(">QQQ", 1, 1, 1 << 50) + b"x" * 50,
              struct.pack(">QQ", 2, 10) + b"\xff" * 10, struct.pack(">Q", 5) + b"\x08\xff\xff\xff\xff", struct.pack(">Q", 99) + bytes(99)]

    def __init__(self, port, headers):
        self.served = 0
        self.answer = "HTTP/1.1 200 OK\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + \
            "Transfer-Encoding: chunked\r\n\r\n"
        self.listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(sock, self.served), daemon=True).start()
                self.served += 1

    def serve(self, sock, number):
        frame = self.FRAMES[number % len(self.FRAMES)]
        with sock, contextlib.suppress(OSError):
            if b"/raft/stream/" not in sock.recv(4096):
                return
            sock.sendall(self.answer.encode() + f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            sock.settimeout(1)
            sock.recv(1)  # until the member goes

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


class WrongFlags(Case):
    """Each ends the member with a message, and nothing is on the disk."""

    def refused(self, *flags):
        """The log of a member that does not start."""
        directory = self.scratch()
        data = directory / "data"
        member = self.daemon(cluster.server_binary(cluster.OURS), "--data-dir", data, *flags, name="member")
        wait_for(lambda: not member.alive(), "the member to end", 20)
        self.assertNotEqual(member.process.returncode, 0)
        self.assertFalse(pathlib.Path(data).exists(), "it left something on the disk")
        return member.log()

    def flags(self, initial_cluster, name="m0", peer=None):
        port = cluster.free_port()
        peer = peer or f"http://127.0.0.1:{port}"
        client = f"http://127.0.0.1:{cluster.free_port()}"
        return ["--name", name, "--initial-cluster", initial_cluster, "--initial-advertise-peer-urls", peer,
                "--listen-peer-urls", peer, "--listen-client-urls", client, "--advertise-client-urls", client]

    def test_without_this_member(self):
        log = self.refused(*self.flags("m1=http://127.0.0.1:23801,m2=http://127.0.0.1:23802"))
        self.assertIn('couldn\'t find local name \\"m0\\" in the initial cluster configuration', log)

    def test_with_another_url_of_it(self):
        log = self.refused(*self.flags("m0=http://127.0.0.1:23800,m1=http://127.0.0.1:23801", peer="http://127.0.0.1:23809"))
        self.assertIn("--initial-cluster has m0=http://127.0.0.1:23800 but missing from --initial-advertise-peer-urls=http://127.0.0.1:23809",
                      log)

    def test_a_url_twice(self):
        log = self.refused(*self.flags("m0=http://127.0.0.1:23800,m1=http://127.0.0.1:23800", peer="http://127.0.0.1:23800"))
        self.assertIn("has duplicate url", log)

    def test_a_name_twice(self):
        """etcd takes two URLs of one name for two addresses of one member; its own URL list then differs."""
        log = self.refused(*self.flags("m0=http://127.0.0.1:23800,m0=http://127.0.0.1:23801", peer="http://127.0.0.1:23800"))
        self.assertIn("--initial-cluster has m0=http://127.0.0.1:23801 but missing from --initial-advertise-peer-urls", log)

    def test_no_url(self):
        for text in ("m0", "m0=", "m0=127.0.0.1:2380", "m0=ftp://127.0.0.1:2380", "m0=http://127.0.0.1"):
            with self.subTest(text):
                self.assertIn("initial", self.refused(*self.flags(text, peer="http://127.0.0.1:23800")))

    def test_an_unknown_state(self):
        log = self.refused(*self.flags("m0=http://127.0.0.1:23800", peer="http://127.0.0.1:23800"), "--initial-cluster-state=old")
        self.assertIn("initial-cluster-state", log)

    def test_an_election_timeout_too_short(self):
        log = self.refused("--heartbeat-interval=100", "--election-timeout=300")
        self.assertIn("--election-timeout[300ms] should be at least as 5 times as --heartbeat-interval[100ms]", log)


if __name__ == "__main__":
    support.main()
