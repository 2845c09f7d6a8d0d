"""A network of the test's own: each member in a network namespace, a link between each two of them, and another from each
to the test, where the clients are.

    member i  10.78.0.i  --- p<j> === h<i><j> -[ bridge b<i><j> ]- h<j><i> === p<i> ---  10.78.0.j  member j
    member i  10.77.i.1  --- c === c<i>  10.77.i.254  the test

What is dropped is dropped at the bridge, out of sight of both ends, as a switch would. Nothing here has a name outside the
test's namespace, and all of it goes when the test ends, however it ends.
"""

import ctypes
import os
import signal
import subprocess
import sys

import cluster

INSIDE = "GATEHOUSE_CRASH_NAMESPACE"
_libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """Runs this program again in a network namespace of its own, and returns there; where that is not allowed, raises
    cluster.NotHere. As root, or as a user who may become root in a namespace of users."""
    if os.environ.get(INSIDE):
        _run("ip", "link", "set", "lo", "up")
        return
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    probe = ("ip link set lo up && ip link add probe0 type veth peer name probe1 && ip link add probe2 type bridge && "
             "tc qdisc add dev probe0 root pfifo limit 0")
    try:
        done = subprocess.run([*unshare, "sh", "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError as missing:
        raise cluster.NotHere(f"no {missing.filename} here") from missing
    if done.returncode:
        raise cluster.NotHere("no network namespaces can be made here: " + " ".join(done.stdout.split()))
    os.environ[INSIDE] = "1"
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def _run(*argv, given=None):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, input=given, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}")


def _holder_setup():
    """In the process that a member's namespace lives by."""
    _libc.prctl(cluster.PR_SET_PDEATHSIG, signal.SIGKILL)


class Network:
    """Members 1 to `size`. A context manager."""

    def __init__(self, size):
        self.size = size
        self.holders = {}

    def __enter__(self):
        members = range(1, self.size + 1)
        for i in members:
            self.holders[i] = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                               stdout=subprocess.PIPE, preexec_fn=_holder_setup)
            self.holders[i].stdout.readline()  # it is in its namespace
        here, inside = [], {i: [f"addr add 10.78.0.{i}/32 dev lo", "link set lo up"] for i in members}
        for i in members:
            pid = self.holders[i].pid
            here += [f"link add c{i} type veth peer name c netns {pid}", f"addr add 10.77.{i}.254/24 dev c{i}",
                     f"link set c{i} up"]
            inside[i] += [f"addr add 10.77.{i}.1/24 dev c", "link set c up"]
            for j in members:
                if i < j:
                    here += [f"link add b{i}{j} type bridge", f"link set b{i}{j} up"]
                if i != j:
                    here.append(f"link add h{i}{j} type veth peer name p{j} netns {pid}")
                    inside[i] += [f"link set p{j} up", f"route add 10.78.0.{j}/32 dev p{j} src 10.78.0.{i}"]
        here += [f"link set h{i}{j} master b{min(i, j)}{max(i, j)} up" for i in members for j in members if i != j]
        _run("ip", "-batch", "-", given="\n".join(here) + "\n")
        for i in members:
            _run(*self.at(i), "ip", "-batch", "-", given="\n".join(inside[i]) + "\n")
        return self

    def __exit__(self, *unused):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
        # A socket that a member left with bytes nobody has acknowledged keeps its namespace for up to minutes, and the
        # other ends of the pairs with it: they are not waited for but deleted. One that went first is no error.
        members = range(1, self.size + 1)
        names = [f"b{i}{j}" for i in members for j in members if i < j]
        names += [f"c{i}" for i in members] + [f"h{i}{j}" for i in members for j in members if i != j]
        subprocess.run(["ip", "-force", "-batch", "-"], input="".join(f"link del {name}\n" for name in names), text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        for name in names:
            cluster.wait_for(lambda name=name: not os.path.exists(f"/proc/sys/net/ipv4/conf/{name}"), f"{name} to go")

    def at(self, i):
        """What to put before a command line so that it runs at member i."""
        return ["nsenter", f"--net=/proc/{self.holders[i].pid}/ns/net"]

    def client_address(self, i):
        return f"10.77.{i}.1"

    def peer_address(self, i):
        return f"10.78.0.{i}"

    def others(self, i):
        return [j for j in range(1, self.size + 1) if j != i]

    def drop(self, i, j):
        """From now on nothing that i sends reaches j; what j sends still reaches i."""
        _run("tc", "qdisc", "replace", "dev", f"h{j}{i}", "root", "pfifo", "limit", "0")

    def unplug(self, i, j):
        """The link of i towards j goes down, which i is told and j is not."""
        _run("ip", "link", "set", f"h{i}{j}", "down")

    def slow(self, i, j, kbit):
        """What i sends to j passes at this rate, and waits up to a quarter of a second."""
        _run("tc", "qdisc", "replace", "dev", f"h{j}{i}", "root", "tbf", "rate", f"{kbit}kbit", "burst", "16kb", "latency",
             "250ms")

    def heal(self):
        """All links are as they were made."""
        for i in range(1, self.size + 1):
            for j in self.others(i):
                _run("ip", "link", "set", f"h{i}{j}", "up")
                _run("tc", "qdisc", "replace", "dev", f"h{i}{j}", "root", "pfifo", "limit", "1000")
