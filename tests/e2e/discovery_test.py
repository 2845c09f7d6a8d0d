#!/usr/bin/env python3
"""--discovery-srv of proxy and member against a name server of the test's own.    discovery_test.py [--proxy PROGRAM] [TEST]

They ask the servers of /etc/resolv.conf, on port 53. So the programs run in mount and network namespaces of their
own, where that file names a name server on loopback; that takes root, and the test says so and is skipped without.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import unittest

import support
from support import Case, wait_for

import cluster

INSIDE = "GATEHOUSE_E2E_INSIDE"
SKIPPED = 77  # the exit code that CMakeLists.txt tells CTest of


class NameServer(threading.Thread):
    """Answers SRV questions over UDP (RFC 1035, 2782) from a dictionary; NXDOMAIN for the rest."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.services = {}  # name: [(priority, weight, port, target)]
        self.asked = []
        self.silent = False
        self.start()

    def run(self):
        while True:
            question, client = self.socket.recvfrom(4096)
            if not self.silent:
                self.socket.sendto(self.answer(question), client)

    def answer(self, question):
        end, labels = 12, []
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode())
            end += 1 + question[end]
        name, kind = ".".join(labels).lower(), struct.unpack(">H", question[end + 1:end + 3])[0]
        self.asked.append(name)
        records = self.services.get(name, []) if kind == 33 else []
        code = 0 if name in self.services else 3
        # Authoritative answer, recursion as asked; one question, no other sections.
        out = question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(records), 0, 0) + question[12:end + 5]
        for priority, weight, port, target in records:
            data = struct.pack(">HHH", priority, weight, port) + self.encode(target)
            out += b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, len(data)) + data
        return out

    @staticmethod
    def encode(name):
        return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def bring_loopback_up():
    """ip link set lo up, in a new network namespace."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, get_flags, request))[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def setUpModule():
    bring_loopback_up()
    Discovery.server = NameServer(("127.0.0.1", 53))
    Discovery.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(Discovery.etcd.stop)


class Discovery(Case):
    etcd = None
    server = None

    def setUp(self):
        super().setUp()
        self.server.services = {}
        self.server.asked = []
        self.server.silent = False
        self.member_port = int(self.etcd.endpoints[0].rpartition(":")[2])

    def discover(self, *flags):
        self.port = cluster.free_port()
        return self.daemon(support.PROXY, "grpc-proxy", "start", "--discovery-srv=example.test",
                           f"--listen-addr=127.0.0.1:{self.port}", "--advertise-client-url=", *flags)

    def wait_serving(self, proxy):
        wait_for(lambda: proxy.check_alive() and cluster.Proxy.READY in proxy.log(), "the proxy to serve")

    def test_records_name_the_members(self):
        self.server.services["_etcd-client._tcp.example.test"] = [(0, 10, self.member_port, "localhost")]
        proxy = self.discover("--insecure-discovery")
        self.wait_serving(proxy)
        self.assertIn("discovered endpoints by DNS", proxy.log())
        self.assertIn(f'"http://localhost:{self.member_port}"', proxy.log())
        self.assertEqual(support.put(self.port, "srv", "1")[0], 200)
        self.assertEqual(cluster.http_get(self.port, "/metrics")[0], 200)

    def test_best_priority_first_and_name_suffix(self):
        self.server.services["_etcd-client-blue._tcp.example.test"] = [
            (20, 0, self.member_port, "localhost"), (10, 0, self.member_port, "127-0-0-1.example.test")]
        proxy = self.discover("--insecure-discovery", "--discovery-srv-name=blue")
        self.wait_serving(proxy)
        line = next(json.loads(line) for line in proxy.log().splitlines() if "discovered endpoints" in line)
        self.assertEqual(line["endpoints"], [f"http://127-0-0-1.example.test:{self.member_port}",
                                             f"http://localhost:{self.member_port}"])
        self.assertEqual(support.get(self.port, "a")[0], 200)  # the first cannot be resolved

    def test_clear_text_needs_insecure_discovery(self):
        self.server.services["_etcd-client._tcp.example.test"] = [(0, 0, self.member_port, "localhost")]
        proxy = self.discover()
        self.assertEqual(proxy.process.wait(30), 1)
        self.assertIn("--insecure-discovery", proxy.log())
        self.assertEqual(set(self.server.asked), {"_etcd-client-ssl._tcp.example.test"})

    def test_no_records(self):
        proxy = self.discover("--insecure-discovery")
        self.assertEqual(proxy.process.wait(30), 1)
        self.assertIn("--discovery-srv example.test", proxy.log())
        self.assertIn("_etcd-client._tcp.example.test", proxy.log())

    def test_a_silent_name_server(self):
        self.server.silent = True
        proxy = self.discover()
        self.assertEqual(proxy.process.wait(40), 1)
        self.assertIn("_etcd-client-ssl._tcp.example.test", proxy.log())


class Members(Case):
    """Members of a new cluster, named by DNS alone."""

    def setUp(self):
        super().setUp()
        self.server = Discovery.server
        self.server.services = {}
        self.server.silent = False
        self.ports = [(cluster.free_port(), cluster.free_port()) for _ in range(3)]

    def member(self, number, *flags):
        client, peer = self.ports[number]
        return self.daemon(cluster.server_binary(cluster.OURS), f"--name=m{number}", f"--data-dir={self.scratch()}/data",
                           "--discovery-srv=example.test", f"--listen-client-urls=http://127.0.0.1:{client}",
                           f"--advertise-client-urls=http://127.0.0.1:{client}", f"--listen-peer-urls=http://127.0.0.1:{peer}",
                           f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}", *flags, name=f"m{number}")

    def test_records_make_a_cluster(self):
        # Their hosts are names; the members advertise addresses.
        self.server.services["_etcd-server._tcp.example.test"] = [(0, 0, peer, "localhost") for _, peer in self.ports]
        members = [self.member(number) for number in range(3)]
        for member in members:
            wait_for(lambda member=member: member.check_alive() and "ready to serve client requests" in member.log(), member.name)
        self.assertEqual(support.put(self.ports[0][0], "srv", "1")[0], 200)
        self.assertEqual(support.get(self.ports[2][0], "srv")[0], 200)

        def names():
            status, answer = support.rest(self.ports[1][0], "/v3/cluster/member/list", {})
            return status == 200 and sorted(each.get("name", "") for each in answer["members"]) == ["m0", "m1", "m2"]
        wait_for(names, "the members to have told their names")

    def test_it_must_be_among_them(self):
        self.server.services["_etcd-server._tcp.example.test"] = [(0, 0, peer, "localhost") for _, peer in self.ports[:2]]
        member = self.member(2)
        self.assertEqual(member.process.wait(30), 1)
        self.assertIn('cannot find local etcd member \\"m2\\" in SRV records', member.log())

    def test_the_scheme_must_be_its_own(self):
        self.server.services["_etcd-server-ssl-blue._tcp.example.test"] = [(0, 0, peer, "localhost") for _, peer in self.ports]
        member = self.member(0, "--discovery-srv-name=blue")
        self.assertEqual(member.process.wait(30), 1)
        self.assertIn("scheme mismatch", member.log())

    def test_no_records(self):
        member = self.member(0)
        self.assertEqual(member.process.wait(30), 1)
        self.assertIn("--discovery-srv example.test", member.log())


def enter():
    """Runs this program again inside namespaces of its own; returns its exit code."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-mn", "true"], capture_output=True).returncode != 0:
        shutil.rmtree(support.WORK)
        print("skipped: namespaces of its own, for a private /etc/resolv.conf, take root")
        return SKIPPED
    resolv = support.WORK / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:2\n")
    script = 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && shift && exec "$@"'
    child = subprocess.Popen(["unshare", "-mn", "sh", "-c", script, "sh", resolv, sys.executable, *sys.argv],
                             env={**os.environ, INSIDE: "1", "GATEHOUSE_ORACLE": str(cluster.oracle_bin())},
                             preexec_fn=cluster._die_with_parent)
    try:
        return child.wait()
    finally:
        if child.poll() is None:
            child.kill()
        shutil.rmtree(support.WORK, ignore_errors=True)


if __name__ == "__main__":
    if INSIDE in os.environ:
        support.main()
    else:
        sys.exit(enter())
