#!/usr/bin/env python3
"""Clusters of real processes, each member in a network namespace, under faults and a load whose history is checked.

    cluster_test.py [--faults kill|links|pause|rolling|all] [--members N] [--member KIND] [--rounds N] [--seconds S] [--seed N]

A round is a new cluster, a load of the official Go client (go/load.go) on it for S seconds while faults come one after the
other, and then, when all is well again, the checks of go/check.go: all members have one history and one hash, every
acknowledged write is in it at the revision that was told, no write is there twice, no read is older than what anybody had
seen before it began, and porcupine finds the history of each key linearizable. `--rounds 1000` takes hours.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import cluster  # noqa: E402
import network  # noqa: E402

FLAGS = ["--heartbeat-interval=50", "--election-timeout=400", "--snapshot-count=10000000"]
HEAL_TIMEOUT_S = 40.0


class Wrong(AssertionError):
    """What was found is not what a cluster may do."""


class Member(cluster.Daemon):
    def __init__(self, binary, net, i, directory):
        self.number = i
        self.endpoint = f"{net.client_address(i)}:2379"
        self.data_dir = directory / f"m{i}.etcd"
        peers = {j: f"http://{net.peer_address(j)}:2380" for j in range(1, net.size + 1)}
        super().__init__(f"m{i}", [
            *net.at(i), binary, "--name", f"m{i}", "--data-dir", self.data_dir,
            "--listen-client-urls", f"http://{self.endpoint}", "--advertise-client-urls", f"http://{self.endpoint}",
            "--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
            "--initial-cluster", ",".join(f"m{j}={url}" for j, url in peers.items()), "--initial-cluster-state", "new",
            "--initial-cluster-token", "crash", "--logger", "zap", "--log-outputs", "stderr", *FLAGS], directory)

    def get(self, path, body=None, timeout_s=1.0):
        """The decoded JSON of an answer, None when there is none in time."""
        request = urllib.request.Request(f"http://{self.endpoint}{path}", data=body)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout_s) as answer:
                return json.loads(answer.read())
        except (OSError, ValueError):
            return None

    def healthy(self):
        self.check_alive()
        return (self.get("/health") or {}).get("health") == "true"

    def leads(self):
        status = self.get("/v3/maintenance/status", b"{}", 0.3)
        return status is not None and status.get("leader") == status["header"]["member_id"]


class Faults:
    """What can happen. Each takes its time, and leaves what it broke broken until heal()."""

    def __init__(self, net, members, random_):
        self.net, self.members, self.random = net, members, random_

    def victim(self):
        """Half of the time the leader, if there is one."""
        leaders = [member for member in self.members if self.random.random() < 0.5 and member.alive() and member.leads()]
        return leaders[0] if leaders else self.random.choice(self.members)

    def some(self):
        """Mostly one; sometimes so many that no majority is left."""
        count = self.random.choice([1] * 6 + [2, len(self.members)])
        first = self.victim()
        return [first, *self.random.sample([member for member in self.members if member is not first], count - 1)]

    def wait(self, least, most):
        time.sleep(self.random.uniform(least, most))

    def kill(self):
        victims = self.some()
        for member in victims:
            member.kill()
        self.wait(0, 2)
        return "kill -9 of " + names(victims)

    def pause(self):
        victims = self.some()
        for member in victims:
            member.check_alive()
            member.pause()
        self.wait(0.1, 3)
        return "SIGSTOP of " + names(victims)

    def isolate(self):
        i = self.victim().number
        for j in self.net.others(i):
            self.net.drop(i, j)
            self.net.drop(j, i)
        self.wait(0.5, 4)
        return f"m{i} cut off"

    def one_way(self):
        i, outwards = self.victim().number, self.random.random() < 0.5
        for j in self.net.others(i):
            self.net.drop(*((i, j) if outwards else (j, i)))
        self.wait(0.5, 4)
        return f"nothing {'from' if outwards else 'to'} m{i}"

    def one_link(self):
        i = self.victim().number
        j = self.random.choice(self.net.others(i))
        how = self.random.choice(["both ways", "one way", "unplugged", "slow"])
        if how == "unplugged":
            self.net.unplug(i, j)
        elif how == "slow":
            self.net.slow(i, j, self.random.choice([64, 256, 1024]))
            self.net.slow(j, i, 256)
        else:
            self.net.drop(i, j)
            if how == "both ways":
                self.net.drop(j, i)
        self.wait(0.5, 4)
        return f"the link m{i}-m{j} {how}"

    def split(self):
        """Each alone."""
        for i in range(1, self.net.size + 1):
            for j in self.net.others(i):
                self.net.drop(i, j)
        self.wait(0.5, 2.5)
        return "each alone"

    def rolling(self):
        """SIGTERM, one after the other; the next when the last one serves again."""
        order = self.random.sample(self.members, len(self.members))
        for member in order:
            code = member.stop()
            if code not in (0, -15):
                raise Wrong(f"{member.name} ended with {code} when it was asked to end")
            self.wait(0, 0.5)
            member.spawn()
            cluster.wait_for(member.healthy, f"{member.name} to serve again")
        return "restarts of " + names(order)

    def heal(self):
        self.net.heal()
        for member in self.members:
            if member.process.poll() is None:
                member.resume()
            elif member.process.returncode == -9:
                member.spawn()
            else:
                member.check_alive()  # it ended by itself, and its log tells

    LISTS = {"kill": ["kill"], "links": ["isolate", "one_way", "one_link", "one_link", "split"], "pause": ["pause"],
             "rolling": ["rolling"]}
    LISTS["all"] = [name for names_ in list(LISTS.values()) for name in names_]


def names(members):
    return ", ".join(member.name for member in members)


def one_round(options, client, binary, seed):
    random_ = random.Random(seed)
    print(f"round of seed {seed}: {options.members} members", flush=True)
    with tempfile.TemporaryDirectory(prefix="gatehouse-crash-") as scratch, network.Network(options.members) as net:
        directory = pathlib.Path(scratch)
        members = [Member(binary, net, i, directory) for i in range(1, options.members + 1)]
        proxy = None
        try:
            for member in members:
                member.spawn()
            for member in members:
                cluster.wait_for(member.healthy, f"{member.name} to be healthy")
            endpoints = [member.endpoint for member in members]
            roads = []
            if options.proxy:
                proxy = cluster.Proxy(endpoints, options.proxy, directory, ["--health-check-interval=500ms"]).start()
                roads = ["-proxy", proxy.endpoint]
            picture = pathlib.Path(options.pictures) / f"history-{seed}.html"
            load = subprocess.Popen([client, "-seed", str(seed % 1_000_000), "-clients", str(options.clients), "-picture", str(picture),
                                     *roads, *endpoints], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                return under_load(options, load, net, members, random_)
            finally:
                load.kill()
                load.wait()
        except BaseException:
            print(f"in the round of seed {seed}", file=sys.stderr)
            for daemon in [*members, *([proxy] if proxy else [])]:
                print(f"==== {daemon.name}\n{cluster.tail(daemon.log(), options.tail)}", file=sys.stderr)
            raise
        finally:
            for daemon in [*members, *([proxy] if proxy else [])]:
                daemon.kill()


def under_load(options, load, net, members, random_):
    if load.stdout.readline().strip() != "ready":
        raise Wrong("the load does not start")
    faults = Faults(net, members, random_)
    began = time.monotonic()
    time.sleep(0.5)
    while time.monotonic() - began < options.seconds:
        what = getattr(faults, random_.choice(Faults.LISTS[options.faults]))()
        faults.heal()
        print(f"  {time.monotonic() - began:5.1f} s  {what}", flush=True)
        faults.wait(0.2, 1.5)
    healed = time.monotonic()
    for member in members:
        cluster.wait_for(member.healthy, f"{member.name} to be healthy after all has healed", HEAL_TIMEOUT_S)
    print(f"  all healthy {time.monotonic() - healed:.1f} s after the last fault", flush=True)
    load.stdin.write("check\n")
    load.stdin.flush()
    answer = load.stdout.readline().strip()
    print(f"  {answer}", flush=True)
    if not answer.startswith("ok "):
        raise Wrong(answer or "the load ended")
    return int(answer.split()[3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    parser.add_argument("--proxy", help="a way to the members for some of the clients")
    parser.add_argument("--faults", default="all", choices=sorted(Faults.LISTS))
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tail", type=int, default=40, help="lines of each log to show when something is wrong")
    parser.add_argument("--pictures", default=tempfile.gettempdir(), help="where a history that is wrong is drawn")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("GATEHOUSE_SEED") or random.randrange(1 << 32)))
    options = parser.parse_args()
    # The same after network.enter() has started this program again.
    os.environ["GATEHOUSE_SEED"] = str(options.seed)
    try:
        built = subprocess.run([HERE / "build_go"], stdout=subprocess.PIPE, text=True, check=False)
        if built.returncode:
            return built.returncode
        binary = cluster.server_binary(options.member)
        network.enter()
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        return cluster.SKIPPED
    print(f"{sys.argv[0]}: GATEHOUSE_SEED={options.seed}", flush=True)
    client = pathlib.Path(built.stdout.strip()) / "history-client"
    writes = sum(one_round(options, client, binary, options.seed + n) for n in range(options.rounds))
    print(f"{options.rounds} rounds, {writes} acknowledged writes, none lost, nothing stale")
    return 0 if writes > 100 * options.rounds else 1  # where nothing is written nothing is proved


sys.exit(main())
