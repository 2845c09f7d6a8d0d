"""What the cluster tests share: members of any kinds that are grown, shrunk and stopped, and stock etcdctl.

Each test program takes --member PROGRAM and then what unittest takes (-v, a test's name).
"""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402
from cluster import wait_for  # noqa: E402

MEMBER = cluster.OURS
CALL_TIMEOUT_S = 30.0
WORK = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-cluster-"))

# Elections within tenths of seconds.
FAST = ["--heartbeat-interval=20", "--election-timeout=400"]
# A follower that was away for a moment needs a snapshot.
SHORT_LOG = ["--snapshot-count=100", "--snapshot-catchup-entries=10"]


def main():
    global MEMBER
    arguments = sys.argv[1:]
    if arguments[:1] == ["--member"]:
        MEMBER = str(pathlib.Path(arguments[1]).resolve())
        del arguments[:2]
    try:
        unittest.main(module="__main__", argv=[sys.argv[0], "-v", *arguments], warnings="ignore")
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        sys.exit(cluster.SKIPPED)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


def etcdctl(member, *argv, timeout_s=CALL_TIMEOUT_S):
    """(exit code, stdout, stderr) of stock etcdctl 3.4 with one endpoint, or several joined by commas."""
    endpoint = member if isinstance(member, str) else member.endpoint
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
    done = subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", endpoint, "--command-timeout=10s", *map(str, argv)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout_s,
                          env=environment, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def put_many(member, count, prefix="k", size=100):
    """`count` puts over REST, 500 keys in turn."""
    connection = http.client.HTTPConnection(member.endpoint, timeout=CALL_TIMEOUT_S)
    for i in range(count):
        body = {"key": base64.b64encode(f"{prefix}{i % 500}".encode()).decode(),
                "value": base64.b64encode((f"{i} " * size)[:size].encode()).decode()}
        connection.request("POST", "/v3/kv/put", json.dumps(body))
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text)
    connection.close()


class Members:
    """Members named m0, m1, ... of given programs, in one cluster that begins with all of them."""

    def __init__(self, case, binaries, flags=()):
        self.case = case
        self.flags = list(flags)
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=WORK))
        ports = [self._ports() for _ in binaries]
        peers = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, (_, peer, _) in enumerate(ports))
        self.all = [self._member(binary, f"m{i}", ports[i], peers) for i, binary in enumerate(binaries)]
        for member in self.all:
            member.spawn()
        for member in self.all:
            wait_for(member.healthy, f"{member.name} to be healthy")

    @staticmethod
    def _ports():
        return cluster.free_port(), cluster.free_port(), cluster.free_port()

    def _member(self, binary, name, ports, peers):
        member = cluster.Member(binary, name, ports, peers, self.directory, [*FAST, *self._flags_for(binary)], None)
        self.case.keep(member)
        return member

    def _flags_for(self, binary):
        # 3.4 keeps 5000 entries whatever it is told.
        old = pathlib.Path(binary).parent == cluster.oracle_bin()
        return [flag for flag in self.flags if not (old and "catchup" in flag)]

    def __getitem__(self, i):
        return self.all[i]

    @property
    def endpoints(self):
        return ",".join(member.endpoint for member in self.all)

    def status(self, member):
        code, out, _ = etcdctl(member, "endpoint", "status", "-w", "json")
        return json.loads(out)[0]["Status"] if code == 0 else None

    def id_of(self, member):
        return f"{self.status(member)['header']['member_id']:x}"

    def leader(self):
        """The member that the members which run agree on."""
        def agreed():
            told = [status for status in map(self.status, self.running()) if status]
            leaders = {status.get("leader", 0) for status in told}
            if len(leaders) != 1 or 0 in leaders:
                return None
            return next((member for member, status in zip(self.running(), told)
                         if status["header"]["member_id"] in leaders), None)
        return wait_for(agreed, "one leader")

    def running(self):
        return [member for member in self.all if member.alive()]

    def followers(self):
        leader = self.leader()
        return [member for member in self.running() if member is not leader]

    def make_leader(self, member):
        leader = self.leader()
        if leader is not member:
            code, _, err = etcdctl(leader, "move-leader", self.id_of(member))
            self.case.assertEqual(code, 0, err)

    def add(self, name, *flags, through=None, binary=None):
        """`member add` until the members have been connected for long enough; the member, not started."""
        ports = self._ports()
        through = through or self.running()[0]

        def added():
            code, out, err = etcdctl(through, "member", "add", name, f"--peer-urls=http://127.0.0.1:{ports[1]}", *flags)
            if code != 0 and "unhealthy cluster" in err:
                return None
            self.case.assertEqual(code, 0, err)
            return out
        out = wait_for(added, "the cluster to take a new member")
        peers = re.search('ETCD_INITIAL_CLUSTER="(.*)"', out).group(1)
        member = self._member(binary or MEMBER_BINARY(), name, ports, peers)
        member.argv[member.argv.index("--initial-cluster-state") + 1] = "existing"
        member.id = re.search("Member *([0-9a-f]+) added", out).group(1)
        self.all.append(member)
        return member

    def hashes(self):
        """Waits until all members that run are at one revision; their HashKV there."""
        def same():
            code, out, _ = etcdctl(",".join(m.endpoint for m in self.running()), "endpoint", "hashkv", "-w", "json")
            if code != 0:
                return None
            told = [each["HashKV"] for each in json.loads(out)]
            if len({each["header"]["revision"] for each in told}) != 1:
                return None
            return [(each["hash"], each.get("compact_revision", 0)) for each in told]
        return wait_for(same, "the members to be at one revision")

    def assert_same(self):
        hashes = self.hashes()
        self.case.assertEqual(len(set(hashes)), 1, hashes)


def MEMBER_BINARY():
    return cluster.server_binary(MEMBER)


def stock_37():
    """Skips the test where it cannot be built."""
    try:
        return cluster.server_binary(cluster.ETCD_37)
    except cluster.NotHere as missing:
        raise unittest.SkipTest(str(missing))


class Case(unittest.TestCase):
    """Processes end with the test; when it fails, their logs are shown."""

    def setUp(self):
        self.daemons = []

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            for daemon in getattr(self, "daemons", []):
                print(f"==== {daemon.name}\n{cluster.tail(daemon.log(), 25)}", file=sys.stderr)

    def keep(self, daemon):
        self.daemons.append(daemon)
        self.addCleanup(daemon.kill)

    def members(self, count, *flags):
        return Members(self, [MEMBER_BINARY()] * count, flags)

    def ctl(self, member, *argv):
        """etcdctl that must succeed; what it printed."""
        code, out, err = etcdctl(member, *argv)
        self.assertEqual(code, 0, f"etcdctl {argv}: {err}")
        return out

    def refused(self, member, text, *argv):
        code, _, err = etcdctl(member, *argv)
        self.assertNotEqual(code, 0, f"etcdctl {argv} was not refused")
        self.assertIn(text, err)

    def metric(self, member, name):
        """The sum of all series of this name."""
        status, page = cluster.http_get(member.health_port, "/metrics")
        self.assertEqual(status, 200)
        values = [line.rpartition(" ")[2] for line in page.decode().splitlines()
                  if line.startswith(name + "{") or line.startswith(name + " ")]
        self.assertTrue(values, f"{name} is not exported")
        return sum(map(float, values))
