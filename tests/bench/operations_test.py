#!/usr/bin/env python3
"""Every operation of gatehouse-bench against stock etcd, as short as it can be: what is wanted is that it works, not its
figures.

    operations_test.py GATEHOUSE_BENCH ECHO_BARE
"""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

KEYS = 250
REQUESTS = 300
VALUE_BYTES = 64
SMALL = ["--keys", str(KEYS), "--value-size", str(VALUE_BYTES), "--range-keys", "20", "--watchers", "10",
         "--connections", "3", "--requests", str(REQUESTS), "--warm-up", "20ms"]
STREAMS = ["--streams", "4"]

# The operation, its flags, and the least bytes one answer has.
OPERATIONS = [
    ("put", STREAMS, 1),
    ("get", [*STREAMS, "--threads", "2"], VALUE_BYTES),
    ("get", [*STREAMS, "--serializable"], VALUE_BYTES),
    ("range", STREAMS, 20 * VALUE_BYTES),
    ("count", STREAMS, 1),
    ("txn", STREAMS, 1),
    ("watch", STREAMS, VALUE_BYTES),
    ("lease-grant", STREAMS, 1),
    ("lease-keepalive", STREAMS, 1),
    ("rest-put", [], 1),
    ("rest-get", [], VALUE_BYTES * 4 // 3),
]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def run(program, arguments, report):
    done = subprocess.run([program, *arguments, *SMALL, "--json", report], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    check(done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}")
    return json.loads(report.read_text()), done.stdout


def check_target(name, target, least_bytes):
    check(target["errors"] == {}, f"{name}: {target['errors']}")
    for one in target["rounds"]:
        what = "events_per_s" if name == "watch" else "requests_per_s"
        check(one["completed"] >= REQUESTS, f"{name}: {one}")
        check(one[what] > 0 and 0 < one["p50_us"] <= one["p99_us"] <= one["max_us"], f"{name}: {one}")
        each = one["answer_mb_per_s"] * 1e6 * one["seconds"] / one["completed"]
        check(each >= least_bytes, f"{name}: {each} bytes an answer")


def operations(program, member, report):
    for name, flags, least_bytes in OPERATIONS:
        pid = str(member.process.pid)
        result, text = run(program, [name, *flags, "--endpoint", member.endpoint, "--pid", pid], report)
        check(len(result["targets"]) == 1 and "median_ratio" not in result, f"{name}: {result}")
        check_target(name, result["targets"][0], least_bytes)
        check("server_cpu_us_each" in result["targets"][0]["median"], f"{name}: no CPU time")
        check("requests/s" in text or "events/s" in text, text)
        print(f"{name} {' '.join(flags)}: {result['targets'][0]['median']['p50_us']:.0f} us", flush=True)


def exactly_the_keys(program, member):
    """The runs above wrote the keys of the run and no other."""
    etcdctl = cluster.oracle_bin() / "etcdctl"
    listed = subprocess.run([etcdctl, "--endpoints", member.endpoint, "get", "", "--from-key", "--keys-only"],
                            env={"ETCDCTL_API": "3"}, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    check(len(listed) == KEYS, f"{len(listed)} keys instead of {KEYS}")
    check(listed[0] == f"gatehouse-bench/{0:016}" and listed[-1] == f"gatehouse-bench/{KEYS - 1:016}", f"{listed[:3]}")


def two_by_turns(program, member, report):
    result, text = run(program, ["put", "--endpoint", member.endpoint, "--vs", member.client_url, "--rounds", "3"], report)
    check([len(target["rounds"]) for target in result["targets"]] == [3, 3], f"{result}")
    for target in result["targets"]:
        check_target("put --vs", target, 1)
    check(result["median_ratio"]["requests_per_s"] > 0 and "ratio" in text, text)


def echo(program, echo_bare, directory, report):
    port = cluster.free_port()
    server = cluster.Daemon("echo_bare", [echo_bare, port], directory)
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        server.spawn()

        def listens():
            server.check_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True

        cluster.wait_for(listens, "echo_bare to listen")
        result, _ = run(program, ["echo", *STREAMS, "--endpoint", f"127.0.0.1:{port}"], report)
        check_target("echo", result["targets"][0], VALUE_BYTES)


def failures(program, member, report):
    def fails(arguments, words):
        done = subprocess.run([program, *arguments, *SMALL], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, check=False)
        check(done.returncode == 1 and words in done.stdout, f"{arguments}: {done.returncode} {done.stdout}")

    fails(["get", "--endpoint", f"127.0.0.1:{cluster.free_port()}"], "connection refused")
    fails(["put", "--endpoint", member.endpoint, "--pid", str(2**31 - 1)], "process 2147483647 is not running")
    fails(["put", "--endpoint", member.endpoint, "--json", str(report / "no")], "--json: cannot write")
    # Nothing to read: the answers lack what was asked for.
    fails(["get", "--no-fill", "--prefix", "nobody/", "--endpoint", member.endpoint], "short answer")


def main():
    program, echo_bare = (pathlib.Path(given).resolve() for given in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as scratch, cluster.EtcdCluster(1) as etcd:
        directory = pathlib.Path(scratch)
        report = directory / "report.json"
        member = etcd.members[0]
        operations(program, member, report)
        exactly_the_keys(program, member)
        two_by_turns(program, member, report)
        echo(program, echo_bare, directory, report)
        failures(program, member, report)


if __name__ == "__main__":
    main()
