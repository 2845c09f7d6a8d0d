#!/usr/bin/env python3
"""Three of gatehouse-member beside three of stock etcd on one disk, the same load by turns.

    cmake --build build/release --target gatehouse-bench gatehouse-member
    tests/bench/three_members.py [--record] [--only REGEX]

Puts through the leader and linearizable gets through a follower, with the CPU of all three members; the time without a
leader after kill -9; and how a new member gets a large database while the leader goes on. The targets are those of a
cluster of three on one machine.
"""

import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
import cluster  # noqa: E402
import failover  # noqa: E402
import member as one_member  # noqa: E402
import side_by_side as bench  # noqa: E402

TITLE = "Three members beside stock etcd"
FLAGS = [*one_member.FLAGS, "--snapshot-count=10000", "--snapshot-catchup-entries=100"]
ELECTION_S = 1.0
MEGABYTE = 1 << 20
QUIET_S = 8


class Load(one_member.Load):
    """One row, asked of the leader or of a follower."""

    def __init__(self, name, operation, shape, of_leader, targets):
        super().__init__(name, operation, shape, targets=targets)
        self.of_leader = of_leader

    def pick(self, running):
        leader = failover.leader_of(running.members)
        return leader if self.of_leader else next(member for member in running.members if member is not leader)


def loads():
    faster, wide, deep = one_member.faster, (64, 1), (16, 16)
    return [Load("put", "put", wide, True, faster(3, 1 / 4)),
            Load("put", "put", deep, True, faster(4, 1 / 4)),
            Load("get of a follower, linearizable", "get", wide, False, faster(4)),
            Load("get of a follower, linearizable", "get", deep, False, faster(4))]


def flags_for(kind):
    old = cluster.server_binary(kind).parent == cluster.oracle_bin()
    return [flag for flag in FLAGS if not (old and "catchup" in flag)]


def pids(option, running):
    return [word for member in running.members for word in (option, str(member.process.pid))]


def measure(options, directory, load, ours, theirs):
    bench.show_progress(f"{load.name}, {load.shape}")
    return one_member.run_bench(options, directory, [
        load.operation, "--endpoint", load.pick(ours).endpoint, *pids("--pid", ours), "--vs", load.pick(theirs).endpoint,
        *pids("--vs-pid", theirs), *load.flags, "--keys", str(load.keys), "--rounds", str(options.rounds), "--duration",
        f"{options.seconds:g}s"])


def write_speed(directory):
    """MB/s of writing a gigabyte one after the other and syncing it, the median of three."""
    block, speeds = os.urandom(MEGABYTE), []
    for _ in range(3):
        with tempfile.NamedTemporaryFile(dir=directory) as file:
            began = time.perf_counter()
            for _ in range(1024):
                file.write(block)
            file.flush()
            os.fdatasync(file.fileno())
            speeds.append(1024 * MEGABYTE / 1e6 / (time.perf_counter() - began))
    return statistics.median(speeds)


def put_p99_ms(options, directory, member, seconds):
    result = one_member.run_bench(options, directory, ["put", "--endpoint", member.endpoint, "-c", "4", "-s", "1", "--keys", "1000",
                                                        "--prefix", "quiet/", "--rounds", "1", "--duration", f"{seconds:g}s"])
    return result["targets"][0]["median"]["p99_us"] / 1000


def join(running, number, kind):
    """A new member, known to the others and not started."""
    ports = cluster.free_port(), cluster.free_port(), cluster.free_port()
    name = f"new{number}"
    leader = failover.leader_of(running.members)

    def added():
        done = subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", leader.endpoint, "member", "add", name,
                               f"--peer-urls=http://127.0.0.1:{ports[1]}"], capture_output=True, text=True, check=False)
        return re.search('ETCD_INITIAL_CLUSTER="(.*)"', done.stdout) if done.returncode == 0 else None
    peers = cluster.wait_for(added, "the cluster to take a new member")[1]
    new = cluster.Member(running.binary, name, ports, peers, running.directory, flags_for(kind), None)
    new.argv[new.argv.index("--initial-cluster-state") + 1] = "existing"
    return leader, new


def snapshot(options, directory, kind):
    """How a large database comes to a new member: {row: value}."""
    with tempfile.TemporaryDirectory(dir=directory) as own, cluster.EtcdCluster(3, own, flags_for(kind), kind=kind) as running:
        bench.show_progress(f"{kind}: a large database")
        leader = failover.leader_of(running.members)
        fill = [str(options.bin / "gatehouse-bench"), "get", "--endpoint", leader.endpoint, "--keys", str(options.large_mb * 16),
                "--value-size", str(MEGABYTE // 16), "-c", "4", "-s", "4", "--requests", "100"]
        subprocess.run(fill, check=True, stdout=subprocess.DEVNULL)
        time.sleep(2)
        quiet = put_p99_ms(options, directory, leader, QUIET_S)
        leader, new = join(running, 0, kind)
        meanwhile = []
        load = threading.Thread(target=lambda: meanwhile.append(put_p99_ms(options, directory, leader, QUIET_S)))
        load.start()
        time.sleep(1.5)  # its warm-up
        bench.show_progress(f"{kind}: a new member")
        began = time.perf_counter()
        try:
            new.spawn()
            cluster.wait_for(new.healthy, "the new member to be healthy", 300)
            took = time.perf_counter() - began
            load.join()
            size = (new.data_dir / "member/snap/db").stat().st_size / 1e6
        finally:
            new.kill()
    return {"database, MB": size, "start of a new member to its first linearizable answer, s": took, "MB/s": size / took,
            "put p99 of the leader before, ms": quiet, "put p99 meanwhile, ms": meanwhile[0],
            "p99 meanwhile to before": meanwhile[0] / quiet}


def failovers(report, options, directory):
    rows = [[], []]
    with contextlib.ExitStack() as stack:
        clusters = [stack.enter_context(cluster.EtcdCluster(3, stack.enter_context(tempfile.TemporaryDirectory(dir=directory)),
                                                            kind=kind)) for kind in (options.member, options.vs)]
        for number in range(options.times):
            bench.show_progress(f"failover {number + 1} of {options.times}")
            for row, running in zip(rows, clusters):
                row.append(failover.failover_s(running))
    report.table(f"kill -9 of the leader, {options.times} times, election timeout {ELECTION_S:g} s", {
        "to the first accepted write, median, s": [statistics.median(row) for row in rows],
        "at worst, s": [max(row) for row in rows]})
    report.verdicts.append(bench.verdict("failover, median, election timeouts", statistics.median(rows[0]) / ELECTION_S, 1.2, False))


def snapshots(report, options, directory):
    speed = write_speed(directory)
    columns = [[snapshot(options, directory, kind) for _ in range(options.snapshots)] for kind in (options.member, options.vs)]
    names = columns[0][0]
    medians = {name: [statistics.median(one[name] for one in column) for column in columns] for name in names}
    report.table(f"A new member gets a large database, median of {options.snapshots}; this disk writes {speed:.0f} MB/s", medians)
    report.verdicts += [
        bench.verdict("snapshot, MB/s to the disk's", medians["MB/s"][0] / speed, 0.5, True),
        bench.verdict("snapshot, put p99 meanwhile to before", medians["p99 meanwhile to before"][0], 3, False)]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bench.add_options(parser)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    parser.add_argument("--vs", default=cluster.ETCD_34, help="what to compare with (default: %(default)s)")
    parser.add_argument("--only", default="", help="a regular expression: rows whose name and shape it finds, 'failover' and 'snapshot'")
    parser.add_argument("--times", type=int, default=10, help="failovers of each")
    parser.add_argument("--large-mb", type=int, default=1024, help="the database of a new member")
    parser.add_argument("--snapshots", type=int, default=5, help="new members of each")
    parser.add_argument("--directory", default=bench.ROOT / "build", help="on the disk to measure (default: build)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    bench.require_program(options.bin / "gatehouse-bench")
    report = one_member.Report(options)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as scratch:
        directory = pathlib.Path(scratch)
        chosen = [load for load in loads() if report.wants(f"{load.name}, {load.shape}")]
        if chosen:
            with contextlib.ExitStack() as stack:
                clusters = [stack.enter_context(cluster.EtcdCluster(
                    3, stack.enter_context(tempfile.TemporaryDirectory(dir=directory)), flags_for(kind), kind=kind))
                    for kind in (options.member, options.vs)]
                for load in chosen:
                    report.add(load, measure(options, directory, load, *clusters))
        if report.wants("failover"):
            failovers(report, options, directory)
        if report.wants("snapshot"):
            snapshots(report, options, directory)
    bench.show_progress(None)
    bench.finish(TITLE, report.facts(), report.lines(), options.record)


if __name__ == "__main__":
    main()
