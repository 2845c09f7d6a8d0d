#!/usr/bin/env python3
"""gatehouse-member beside stock etcd: one member each, on one disk, the same load by turns.

    cmake --build build/release --target gatehouse-bench gatehouse-member
    tests/bench/member.py [--record] [--only REGEX]

Rates, latencies and CPU a request of puts, gets, ranges, counts, REST and watches; the resident memory and the restart of
a large store; what a put costs when the store is very large. The targets are the rows of DESIGN.md 5 for one member.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import side_by_side as bench  # noqa: E402

TITLE = "One member beside stock etcd"
KEYS = 10000
VALUE_BYTES = 256
PROBES = 500
FLAGS = ["--log-level=error", "--quota-backend-bytes=17179869184"]


class Load:
    """One row: an operation of gatehouse-bench in one shape. `targets` are (field, wanted ratio, at least?)."""

    def __init__(self, name, operation, shape, *flags, keys=KEYS, targets=(), longer=1):
        self.name, self.operation, self.keys, self.targets, self.longer = name, operation, keys, targets, longer
        connections, streams = shape
        self.flags = ["-c", str(connections), *([] if operation.startswith("rest") else ["-s", str(streams)]), *flags]
        self.shape = f"{connections} x {streams}"


def faster(times, cpu=None):
    return [("requests_per_s", times, True), *([("server_cpu_us_each", cpu, False)] if cpu else [])]


def loads():
    one, wide, deep = (1, 1), (64, 1), (16, 16)
    return [
        Load("put", "put", one),
        Load("put", "put", wide, targets=faster(3, 1 / 5)),
        Load("put", "put", deep, targets=faster(4, 1 / 5)),
        Load("get, linearizable", "get", one),
        Load("get, linearizable", "get", wide, targets=faster(4, 1 / 10)),
        Load("get, linearizable", "get", deep, targets=faster(12, 1 / 10)),
        Load("get, serializable", "get", one, "--serializable"),
        Load("get, serializable", "get", wide, "--serializable", targets=faster(4, 1 / 10)),
        Load("get, serializable", "get", deep, "--serializable", targets=faster(12, 1 / 10)),
        Load("range of 1,000 keys", "range", (16, 1), "--range-keys", "1000", targets=faster(4)),
        Load("put, REST", "rest-put", wide, targets=faster(5)),
        Load("get, REST", "rest-get", wide, targets=faster(5)),
        Load("events to 10,000 watchers", "watch", (16, 1), "--watchers", "10000", targets=[("events_per_s", 5, True)]),
    ]


def fdatasync_us(directory):
    """The median of fdatasync after a write of 512 bytes to a preallocated file, as a log does it."""
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        os.posix_fallocate(file.fileno(), 0, PROBES * 512)
        os.fsync(file.fileno())
        took = []
        for number in range(PROBES):
            os.pwrite(file.fileno(), os.urandom(512), number * 512)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1e6)
    return statistics.median(took)


def resident_mb(member):
    status = pathlib.Path(f"/proc/{member.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def run_bench(options, directory, arguments):
    report = directory / "report.json"
    command = [str(options.bin / "gatehouse-bench"), *arguments, "--value-size", str(VALUE_BYTES), "--json", str(report)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"gatehouse-bench failed: {' '.join(command)}\n{done.stdout}")
    result = json.loads(report.read_text())
    for target in result["targets"]:
        if target["errors"]:
            raise RuntimeError(f"not every request succeeded: {' '.join(command)}: {target['errors']}")
    return result


def measure(options, directory, load, ours, theirs):
    bench.show_progress(f"{load.name}, {load.shape}")
    return run_bench(options, directory, [
        load.operation, "--endpoint", ours.endpoint, "--vs", theirs.endpoint, "--pid", str(ours.process.pid), "--vs-pid",
        str(theirs.process.pid), *load.flags, "--keys", str(load.keys), "--rounds", str(options.rounds), "--duration",
        f"{options.seconds * load.longer:g}s"])


@contextlib.contextmanager
def pair(options, directory):
    """The two members, empty, both running."""
    with contextlib.ExitStack() as stack:
        own = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=directory)))
        yield [stack.enter_context(cluster.EtcdCluster(1, own / str(number), FLAGS, kind=kind)).members[0]
               for number, kind in enumerate((options.member, options.vs))]


class Report:
    """What has been measured, as lines of Markdown. Ours is the first of two columns."""

    def __init__(self, options):
        self.options = options
        kinds = [cluster.kind_of(kind) for kind in (options.member, options.vs)]
        self.names = ["gatehouse-member" if kind == cluster.OURS else kind for kind in kinds]
        if kinds[0] == kinds[1]:
            self.names = [f"{name} ({number + 1})" for number, name in enumerate(self.names)]
        self.rows, self.tables, self.verdicts, self.disk_us = [], [], [], []

    def wants(self, name):
        return re.search(self.options.only, name) is not None

    def probe(self, directory):
        self.disk_us.append(fdatasync_us(directory))

    def add(self, load, result):
        unit = "events_per_s" if load.operation == "watch" else "requests_per_s"
        for name, target in zip(self.names, result["targets"]):
            middle = target["median"]
            rates = [one[unit] for one in target["rounds"]]
            self.rows.append(f"| {load.name} | {load.shape} | {name} | {middle[unit]:,.0f} | {min(rates):,.0f}..{max(rates):,.0f} | "
                             f"{middle['p50_us']:,.0f} | {middle['p99_us']:,.0f} | {middle['server_cpu_us_each']:.2f} |")
        ratio, ours = result["median_ratio"], result["targets"][0]["median"]
        self.rows.append(f"| {load.name} | {load.shape} | ratio | {ratio[unit]:.2f} | | {ratio['p50_us']:.2f} | "
                         f"{ratio['p99_us']:.2f} | {ratio['server_cpu_us_each']:.3f} |")
        for field, wanted, at_least in load.targets:
            self.verdicts.append(bench.verdict(f"{load.name}, {load.shape}, {field} to etcd's", ratio[field], wanted, at_least))
        if load.operation == "put" and load.shape == "1 x 1":
            disk_us = statistics.median(self.disk_us[-2:])  # before and after this very row
            self.verdicts.append(bench.verdict("put, 1 x 1, p50 to the disk's fdatasync", ours["p50_us"] / disk_us, 1.3, False))
        if load.operation == "count":
            self.verdicts.append(bench.verdict(f"{load.name}, requests/s", ours["requests_per_s"], 50000, True))

    def table(self, title, rows):
        self.tables += ["", f"| {title} | {' | '.join(self.names)} |", "|---|---:|---:|"]
        for name, values in rows.items():
            self.tables.append(f"| {name} | " + " | ".join(f"{value:,.2f}" for value in values) + " |")

    def facts(self):
        binaries = [cluster.server_binary(kind) for kind in (self.options.member, self.options.vs)]
        facts = [f"{self.options.rounds} alternating rounds of {self.options.seconds:g} s each, {KEYS:,} keys of {VALUE_BYTES} "
                 "bytes where nothing else is said; load by gatehouse-bench, one thread, C x S: connections x streams"]
        if self.disk_us:
            facts.append(f"fdatasync of 512 bytes on this disk: {statistics.median(self.disk_us):.0f} us")
        return facts + [f"{name}: {bench.first_line(binary, '--version')}" for name, binary in zip(self.names, binaries)]

    def lines(self):
        head = ["| load | C x S | member | per s | lowest..highest | p50 us | p99 us | server CPU us each |",
                "|---|---|---|---:|---:|---:|---:|---:|"]
        return [*head, *self.rows, *self.tables, "", *self.verdicts]


def restart_seconds(member):
    """From its start to its first linearizable answer."""
    member.stop(timeout_s=120)
    began = time.perf_counter()
    member.start()
    return time.perf_counter() - began


def large_store(report, options, directory):
    """Counting many keys, then the memory and the restart with them: on members that hold nothing else."""
    # etcd takes a second or more for one of 16 at a time.
    load = Load(f"count of {options.many:,} keys", "count", (16, 1), keys=options.many, longer=4)
    with pair(options, directory) as members:
        report.add(load, measure(options, directory, load, *members))
        memory = [resident_mb(member) for member in members]
        times = [[], []]
        for number in range(options.rounds):
            bench.show_progress(f"restart {number + 1} of {options.rounds}")
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                times[which].append(restart_seconds(members[which]))
        seconds = [statistics.median(each) for each in times]
        after = [resident_mb(member) for member in members]
    report.table(f"{options.many:,} keys of {VALUE_BYTES} bytes", {
        "resident after the load, MB": memory, "restart to the first linearizable answer, s": seconds,
        "resident after the restart, MB": after})
    report.verdicts += [bench.verdict("resident, MB", memory[0], 512 * options.many / 1e6, False),
                        bench.verdict("restart, s", seconds[0], 0.7, False)]


def growth(report, options, directory):
    """What a put costs, in CPU time of the server, with few keys in the store and with very many."""
    costs = {}
    for keys in (KEYS, options.most):
        row = costs[f"among {keys:,} keys"] = []
        for kind in (options.member, options.vs):
            bench.show_progress(f"put among {keys:,} keys, {kind}")
            with tempfile.TemporaryDirectory(dir=directory) as own, cluster.EtcdCluster(1, own, FLAGS, kind=kind) as server:
                member = server.members[0]
                result = run_bench(options, directory, ["put", "--endpoint", member.endpoint, "--pid", str(member.process.pid),
                                                        "-c", "16", "-s", "16", "--keys", str(keys), "--rounds",
                                                        str(options.rounds), "--duration", f"{options.seconds:g}s"])
                row.append(result["targets"][0]["median"]["server_cpu_us_each"])
    report.table("CPU us a put, 16 x 16", costs)
    few, most = costs.values()
    report.verdicts.append(bench.verdict(f"CPU of a put among {options.most:,} keys to that among {KEYS:,}",
                                         most[0] / few[0], 1.5, False))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bench.add_options(parser)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    parser.add_argument("--vs", default=cluster.ETCD_34, help="what to compare with (default: %(default)s)")
    parser.add_argument("--only", default="", help="a regular expression: rows whose name and shape it finds, 'large store' and 'growth'")
    parser.add_argument("--many", type=int, default=1_000_000, help="keys counted and kept over a restart")
    parser.add_argument("--most", type=int, default=10_000_000, help="keys among which a put is measured")
    parser.add_argument("--directory", default=bench.ROOT / "build", help="on the disk to measure (default: build)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    bench.require_program(options.bin / "gatehouse-bench")
    report = Report(options)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as scratch:
        directory = pathlib.Path(scratch)
        chosen = [load for load in loads() if report.wants(f"{load.name}, {load.shape}")]
        with pair(options, directory) as members:
            for load in chosen:
                report.probe(directory)
                result = measure(options, directory, load, *members)
                report.probe(directory)
                report.add(load, result)
        if report.wants("large store"):
            large_store(report, options, directory)
        if report.wants("growth"):
            growth(report, options, directory)
    bench.show_progress(None)
    bench.finish(TITLE, report.facts(), report.lines(), options.record)


if __name__ == "__main__":
    main()
