#!/usr/bin/env python3
"""What a linearizable get costs in the proxy: gatehouse-proxy beside `etcd grpc-proxy`, in front of one stock etcd.

    cmake --build build/release --target gatehouse-bench gatehouse-proxy
    tests/bench/proxy_get.py [--record]

etcd's proxy answers only serializable reads from its cache, so each of these gets goes through to the member in both.
Both run at the same time in front of the same member, with the same keys. Target: <= 1/4 of the CPU a request.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import side_by_side as bench  # noqa: E402

TITLE = "Linearizable get through the proxy"
KEYS = 10000
VALUE_BYTES = 256
OURS, THEIRS = "gatehouse-proxy", "etcd grpc-proxy"


def measure(options, load, servers, directory):
    """The JSON that gatehouse-bench writes for one shape of load, and the command that made it."""
    ours, theirs = servers
    report = directory / "report.json"
    command = [str(options.bin / "gatehouse-bench"), "get", "--endpoint", ours.endpoint, "--vs", theirs.endpoint,
               "-c", str(load.connections), "-s", str(load.streams), "--keys", str(KEYS),
               "--value-size", str(VALUE_BYTES), "--rounds", str(options.rounds),
               "--duration", f"{options.seconds:g}s", "--json", str(report)]
    pids = ["--pid", str(ours.process.pid), "--vs-pid", str(theirs.process.pid)]
    if subprocess.run([*command, *pids], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise RuntimeError("gatehouse-bench failed: " + " ".join(command))
    result = json.loads(report.read_text())
    errors = [target["errors"] for target in result["targets"] if target["errors"]]
    if errors:
        raise RuntimeError(f"not every get succeeded: {errors}")
    return result


def table(results):
    lines = ["| load | proxy | requests/s | lowest..highest | p50 us | p99 us | CPU us a request |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for load, result in results:
        for name, target in zip((OURS, THEIRS), result["targets"]):
            middle = target["median"]
            rates = [one["requests_per_s"] for one in target["rounds"]]
            lines.append(f"| {load.name} | {name} | {middle['requests_per_s']:,.0f} | {min(rates):,.0f}..{max(rates):,.0f} | "
                         f"{middle['p50_us']:,.0f} | {middle['p99_us']:,.0f} | {middle['server_cpu_us_each']:.2f} |")
        ratio = result["median_ratio"]
        lines.append(f"| {load.name} | ratio | {ratio['requests_per_s']:.2f} | | {ratio['p50_us']:.2f} | "
                     f"{ratio['p99_us']:.2f} | {ratio['server_cpu_us_each']:.3f} |")
    lines.append("")
    for load, result in results:
        lines.append(bench.verdict(f"{load.name}, CPU a request to etcd grpc-proxy",
                                   result["median_ratio"]["server_cpu_us_each"], 0.25, False))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bench.add_options(parser)
    options = parser.parse_args()
    for program in ("gatehouse-bench", "gatehouse-proxy"):
        if not (options.bin / program).exists():
            sys.exit(f"{options.bin / program} is missing: cmake --build build/release --target {program}")
    os.environ.pop("GATEHOUSE_PROXY", None)  # it would take the place of both
    etcd = cluster.oracle_bin() / "etcd"
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-bench-")))
        member = stack.enter_context(cluster.EtcdCluster(1, directory / "member", flags=["--log-level", "error"]))
        ours = stack.enter_context(cluster.Proxy(member.endpoints, options.bin / "gatehouse-proxy", directory / "ours"))
        theirs = stack.enter_context(cluster.Proxy(member.endpoints, etcd, directory / "theirs"))
        results = [(load, measure(options, load, (ours, theirs), directory)) for load in bench.SHAPES]
    facts = [f"{options.rounds} alternating rounds of {options.seconds:g} s each, {KEYS:,} keys of {VALUE_BYTES} bytes "
             "in one stock etcd; load by gatehouse-bench, one thread, C x S: connections x streams",
             f"etcd {bench.first_line(etcd, '--version').rpartition(' ')[2]}"]
    bench.finish(TITLE, facts, table(results), options.record)


if __name__ == "__main__":
    main()
