#!/usr/bin/env python3
"""The differential test: one session on two roads must see the same answers.

    run.py SESSION [--oracle KIND] [--members N] [--tls] [--client PROGRAM] [--skip PART,...]
           [--proxy PROGRAM] [--mirror PREFIX]
                                 etcd itself, and a proxy in front of another etcd (the default)
           --member KIND         etcd itself, and another member: a kind or a program
           --member KIND --proxy PROGRAM [--mirror PREFIX]
                                 etcd itself, and a proxy in front of the other members

SESSION is one of etcdctl, rest, grpc, random, quota; KIND one of etcd-3.4, etcd-3.7, ours (tests/lib/cluster.py).
Exits 0 when all steps agree but for the differences that are listed with a reason (a session's ALLOWED for the proxy,
known_differences.py for members and mirrors), 77 where a program cannot be had here. The environment variable GATEHOUSE_PROXY names
another proxy to try; GATEHOUSE_TRANSCRIPT a directory to write both transcripts to.
"""

import argparse
import concurrent.futures
import contextlib
import importlib
import json
import os
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import target as road  # noqa: E402  (puts tests/lib on the path)
import certificates  # noqa: E402
import cluster  # noqa: E402
import known_differences  # noqa: E402
from transcript import compare  # noqa: E402


# By default a proxy refuses by itself to send on more than etcd's usual --max-request-bytes; here the members' own
# limits are to show.
PROXY_FLAGS = ["--max-send-bytes=16777216"]
# Else a cluster refuses to change its members before they have been connected for five seconds; and passwords need not
# be hard to guess here.
ETCD_FLAGS = ["--strict-reconfig-check=false", "--bcrypt-cost=4"]
# Parts of sessions that etcd 3.4 does not survive.
NOT_WITH_34 = ["bad-enums"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("session", choices=["etcdctl", "rest", "grpc", "random", "quota"])
    parser.add_argument("--oracle", choices=[cluster.ETCD_34, cluster.ETCD_37], default=cluster.ETCD_34)
    parser.add_argument("--member", help="the member to compare with the oracle, instead of a proxy")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--tls", action="store_true", help="all over TLS with client certificates")
    parser.add_argument("--proxy", help="gatehouse-proxy; default build/release/bin/gatehouse-proxy")
    parser.add_argument("--mirror", help="what the proxy mirrors; * is all")
    parser.add_argument("--client", help="the gRPC client program (sessions grpc, random, quota)")
    parser.add_argument("--skip", default="", help="parts of the session to leave out, by commas: auth, ...")
    return parser.parse_args()


class Roads:
    """The two targets of a run, and what must be alive when it ends."""

    def __init__(self, stack, work, options, server_flags):
        self.options = options
        self.tls = certificates.make(work / "certificates") if options.tls else None
        flags = ETCD_FLAGS + server_flags
        skip = [part for part in options.skip.split(",") if part]
        if cluster.ETCD_34 in (options.oracle, options.member or options.oracle):
            skip += NOT_WITH_34
        proxied = not options.member or bool(options.proxy)
        if proxied:
            skip.append("health")  # a proxy's own is another matter: tests/e2e
        oracle = stack.enter_context(cluster.EtcdCluster(options.members, work / "direct", flags, self.tls, options.oracle))
        self.left = road.Target(oracle, oracle.endpoints[0], False, work / "left-session", self.tls, skip)
        kind = options.member or options.oracle
        other = stack.enter_context(cluster.EtcdCluster(options.members, work / "other", flags, self.tls, kind))
        self.daemons = list(other.members)
        endpoint = other.endpoints[0]
        if proxied:
            proxy = self._proxy(stack, work, other)
            self.daemons.insert(0, proxy)
            endpoint = proxy.endpoint
        self.names = (options.oracle, other.kind) if options.member else ("directly", "through the proxy")
        self.right = road.Target(other, endpoint, proxied, work / "right-session", self.tls, skip)
        # A mirror that is a moment behind tells watchers what it missed in one response, as members tell history.
        self.left.revisions_apart = self.right.revisions_apart = bool(options.mirror)

    def _proxy(self, stack, work, behind):
        flags = list(PROXY_FLAGS)
        if self.options.mirror:
            flags.append(f"--mirror={self.options.mirror}")
        if self.tls:
            flags += [f"--cert-file={self.tls.cert}", f"--key-file={self.tls.key}", f"--trusted-ca-file={self.tls.ca}",
                      f"--cert={self.tls.cert}", f"--key={self.tls.key}", f"--cacert={self.tls.ca}"]
        return stack.enter_context(cluster.Proxy(behind.endpoints, self.options.proxy, work / "proxy", flags))

    def allowed(self, session):
        """The differences that are meant to be."""
        of_members = []
        if self.options.member:
            of_members = known_differences.between(*self.names, self.options.session)
            if not self.options.proxy:
                return of_members
        mirror = known_differences.of_mirror(self.options.oracle, self.options.session) if self.options.mirror else []
        of_proxy = getattr(session, "ALLOWED", []) + (getattr(session, "ALLOWED_OVER_TLS", []) if self.tls else [])
        return of_members + mirror + of_proxy


def main():
    options = parse_arguments()
    session = importlib.import_module(f"{options.session}_session")
    if options.client:
        session.CLIENT = options.client
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-conformance-")))
        try:
            roads = Roads(stack, work, options, getattr(session, "SERVER_FLAGS", []))
        except cluster.NotHere as missing:
            print(f"skipped: {missing}")
            return cluster.SKIPPED
        both = roads.left, roads.right
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(session.run, target) for target in both]
        write_transcripts(*both)
        for name, target, run in zip(roads.names, both, runs):
            if run.exception():
                print(f"The session with {name} broke off after {len(target.transcript.steps)} steps: {run.exception()!r}",
                      file=sys.stderr)
        allowed = roads.allowed(session)
        found = compare(roads.left.transcript, roads.right.transcript, allowed)
        for difference in found:
            print(difference.text(*roads.names))
        for entry in allowed:
            if entry.uses:
                print(f"allowed {entry.uses} x: {entry.reason}")
        for run in runs:
            run.result()
        for daemon in roads.daemons:
            daemon.check_alive()
        if found:
            print(f"==== the log of {roads.names[1]} ends with\n{cluster.tail(roads.daemons[0].log())}", file=sys.stderr)
    print(f"{len(both[0].transcript.steps)} steps, {len(found)} differences, {time.monotonic() - began:.1f} s")
    return 1 if found else 0


def write_transcripts(*targets):
    directory = os.environ.get("GATEHOUSE_TRANSCRIPT")
    if not directory:
        return
    for target in targets:
        path = pathlib.Path(directory) / ("direct.txt" if target is targets[0] else "other.txt")
        with open(path, "w", encoding="utf-8") as file:
            times_s = target.transcript.times_s
            for (step, outcome), before, at in zip(target.transcript.steps, times_s[:1] + times_s, times_s):
                file.write(f"{step}  # after {at - before:.3f} s\n    {json.dumps(outcome, ensure_ascii=False)}\n")


if __name__ == "__main__":
    sys.exit(main())
