#!/usr/bin/env python3
"""The differential test: one session, against etcd itself and through the proxy, must see the same answers.

    run.py etcdctl|rest|grpc [--members N] [--tls] [--proxy PROGRAM] [--client PROGRAM]

Exits 0 when all steps agree but for the differences that a session lists with a reason. The environment variable
GATEHOUSE_PROXY names another proxy to try; GATEHOUSE_TRANSCRIPT a directory to write both transcripts to.
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
from transcript import compare  # noqa: E402


# By default a proxy refuses by itself to send on more than etcd's usual --max-request-bytes; here the members' own
# limits are to show.
PROXY_FLAGS = ["--max-send-bytes=16777216"]
# Else a cluster refuses to change its members before they have been connected for five seconds; and passwords need not
# be hard to guess here.
ETCD_FLAGS = ["--strict-reconfig-check=false", "--bcrypt-cost=4"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("session", choices=["etcdctl", "rest", "grpc"])
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--tls", action="store_true", help="all over TLS with client certificates")
    parser.add_argument("--proxy", help="gatehouse-proxy; default build/release/bin/gatehouse-proxy")
    parser.add_argument("--client", help="the gRPC client program (session grpc only)")
    options = parser.parse_args()
    session = importlib.import_module(f"{options.session}_session")
    if options.client:
        session.CLIENT = options.client

    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-conformance-")))
        tls = certificates.make(work / "certificates") if options.tls else None
        proxy_flags = list(PROXY_FLAGS)
        if tls:
            proxy_flags += [f"--cert-file={tls.cert}", f"--key-file={tls.key}", f"--trusted-ca-file={tls.ca}",
                            f"--cert={tls.cert}", f"--key={tls.key}", f"--cacert={tls.ca}"]
        alone = stack.enter_context(cluster.EtcdCluster(options.members, work / "direct", ETCD_FLAGS, tls))
        behind = stack.enter_context(cluster.EtcdCluster(options.members, work / "behind", ETCD_FLAGS, tls))
        proxy = stack.enter_context(cluster.Proxy(behind.endpoints, options.proxy, work / "proxy", proxy_flags))
        direct = road.Target(alone, alone.endpoints[0], False, work / "direct-session", tls)
        proxied = road.Target(behind, proxy.endpoint, True, work / "proxied-session", tls)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(session.run, direct), pool.submit(session.run, proxied)]
        write_transcripts(direct, proxied)
        for name, run in zip(("directly", "through the proxy"), runs):
            if run.exception():
                print(f"The session {name} broke off after {len((direct, proxied)[name != 'directly'].transcript.steps)}"
                      f" steps: {run.exception()!r}", file=sys.stderr)
        allowed = getattr(session, "ALLOWED", []) + (getattr(session, "ALLOWED_OVER_TLS", []) if tls else [])
        found = compare(direct.transcript, proxied.transcript, allowed)
        for difference in found:
            print(difference)
        for entry in allowed:
            if entry.uses:
                print(f"allowed {entry.uses} x: {entry.reason}")
        for run in runs:
            run.result()
        proxy.check_alive()
        if found:
            print(f"==== the proxy's log ends with\n{cluster.tail(proxy.log())}", file=sys.stderr)
    print(f"{len(direct.transcript.steps)} steps, {len(found)} differences, {time.monotonic() - began:.1f} s")
    return 1 if found else 0


def write_transcripts(*targets):
    directory = os.environ.get("GATEHOUSE_TRANSCRIPT")
    if not directory:
        return
    for target in targets:
        path = pathlib.Path(directory) / ("proxied.txt" if target.proxied else "direct.txt")
        with open(path, "w", encoding="utf-8") as file:
            times_s = target.transcript.times_s
            for (step, outcome), before, at in zip(target.transcript.steps, times_s[:1] + times_s, times_s):
                file.write(f"{step}  # after {at - before:.3f} s\n    {json.dumps(outcome, ensure_ascii=False)}\n")


if __name__ == "__main__":
    sys.exit(main())
