#!/usr/bin/env python3
"""gatehousectl beside stock etcdctl and etcdutl 3.7.1: the same commands, each tool against a cluster of its own that
has seen the same commands before, must print the same and end with the same exit code.

    differential.py --tool GATEHOUSECTL [--member KIND] [--parts kv,txn,...]

KIND is one of etcd-3.7 (the default) or a program that takes etcd's flags. Exits 77 where the stock programs cannot be
had. Ids, addresses and times become names before they are compared (normal.py); of what follows an error, usage and
help, only that it is there is compared: the sentences are each tool's own. Lines of stderr that begin with '{' are logs.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import certificates  # noqa: E402
import cluster  # noqa: E402
import parts  # noqa: E402
from normal import Side  # noqa: E402

STEP_TIMEOUT_S = 60
# Passwords need not be hard to guess here; and members may come at once.
SERVER_FLAGS = ["--bcrypt-cost=4", "--strict-reconfig-check=false"]


class Pair:
    """Both tools, each with its cluster. Counts and prints what differs."""

    def __init__(self, sides):
        self.sides = sides
        self.steps = 0
        self.differences = 0

    def __call__(self, *words, stdin="", tidy=None, environment=None, endpoints=True, tool="ctl"):
        """One command on both sides, at the same time. Words may have {names} of what was learnt."""
        running = [side.start(words, environment, endpoints, tool) for side in self.sides]
        for side, process in zip(self.sides, running):
            side.last = side.finish(process, stdin, STEP_TIMEOUT_S)
        self.compare(" ".join(words) + (f" <<< {stdin!r}" if stdin else ""), tidy)

    def hold(self, *words, until, stdin=None, tidy=None, meanwhile=None, environment=None):
        """A command that goes on: until `until(output)` on both sides, then it is asked to end."""
        running = [side.start(words, environment, True, "ctl") for side in self.sides]
        if stdin is not None:
            for process in running:
                process.stdin.write(stdin.encode())
                process.stdin.flush()
        if meanwhile:
            meanwhile()
        for side, process in zip(self.sides, running):
            side.last = side.end(process, until, STEP_TIMEOUT_S)
        self.compare(" ".join(words) + " (held)", tidy)

    def compare(self, step, tidy):
        self.steps += 1
        theirs, ours = [side.outcome(tidy) for side in self.sides]
        if theirs == ours:
            return
        self.differences += 1
        print(f"DIFFERENT: {step}")
        for what in theirs:
            if theirs[what] != ours[what]:
                print(f"  {what}\n    stock: {theirs[what]!r}\n    ours:  {ours[what]!r}")

    def mirrored(self):
        """Has make-mirror copied the key that was put last?"""
        return all(b"three" in side.finish(side.start(["get", "copy/3"], None, True, "ctl"), "", STEP_TIMEOUT_S)["stdout"]
                   for side in self.sides)

    def learn(self, name, pattern):
        """Names what the pattern's first group finds in the last output of each side."""
        for side in self.sides:
            side.learn(name, pattern)

    def learn_number(self, name, pattern):
        for side in self.sides:
            side.learn_number(name, pattern)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--member", default=cluster.ETCD_37)
    parser.add_argument("--parts", help="those of parts.py to run, by commas")
    parser.add_argument("--tls", action="store_true", help="clusters that ask for certificates, and the parts for those")
    options = parser.parse_args()
    try:
        stock = cluster.oracle_go_bin()
        cluster.server_binary(options.member)
    except cluster.NotHere as reason:
        print(f"skipped: {reason}")
        return cluster.SKIPPED
    ours = str(pathlib.Path(options.tool).resolve())
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-ctl-")))
        tls = certificates.make(work / "certificates") if options.tls else None
        sides = []
        for name, tools in (("stock", {"ctl": stock / "etcdctl", "utl": stock / "etcdutl"}),
                            ("ours", {"ctl": ours, "utl": ours})):
            members = cluster.EtcdCluster(1, directory=work / name, kind=options.member, flags=SERVER_FLAGS, tls=tls)
            stack.enter_context(members)
            directory = work / f"{name}-files"
            directory.mkdir()
            sides.append(Side(name, tools, members.members[0], directory, tls))
        pair = Pair(sides)
        known = parts.TLS if options.tls else parts.ALL
        for part in options.parts.split(",") if options.parts else known:
            before = pair.differences
            start = time.monotonic()
            known[part](pair)
            print(f"{part}: {pair.steps} steps so far, {pair.differences - before} different, "
                  f"{time.monotonic() - start:.1f} s", flush=True)
    return 1 if pair.differences else 0


if __name__ == "__main__":
    os.environ.pop("ETCDCTL_API", None)
    sys.exit(main())
