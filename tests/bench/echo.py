#!/usr/bin/env python3
"""What our rpc layer costs: the same unary echo of 300 bytes by bare libuv + nghttp2, by our rpc layer and by gRPC C++.

    cmake --build build/release --target echo_bare echo_grpcpp rpc_echo
    tests/bench/echo.py [--record]

Targets: rpc_echo reaches >= 0.85 x echo_bare, and at 16 x 16 streams >= 4 x echo_grpcpp.
"""

import argparse
import contextlib
import os
import pathlib
import socket
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import side_by_side as bench  # noqa: E402

TITLE = "Echo: our rpc layer between bare nghttp2 and gRPC C++"
PATH = "/bench.Echo/Echo"
PAYLOAD_BYTES = 300
NAMES = ["echo_bare", "rpc_echo", "echo_grpcpp"]
THREADS = os.cpu_count()  # of the two on libuv; gRPC C++ has its own idea, which is as many


def answers(daemon, port):
    daemon.check_alive()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def start(stack, name, binaries, directory):
    port = cluster.free_port()
    threads = [] if name == "echo_grpcpp" else [THREADS]
    daemon = cluster.Daemon(name, [binaries / name, port, *threads], directory)
    stack.callback(daemon.stop)
    daemon.spawn()
    cluster.wait_for(lambda: answers(daemon, port), f"{name} to listen")
    return bench.Server(name, f"http://127.0.0.1:{port}{PATH}", [daemon.process.pid])


def targets(samples, have_ours):
    if not have_ours:
        return []
    lines = [""]
    for load in bench.SHAPES:
        ours = samples[(load.name, "rpc_echo")]
        lines.append(bench.verdict(f"{load.name}, rpc_echo to echo_bare",
                                   bench.median_ratio(ours, samples[(load.name, "echo_bare")], "rate"), 0.85, True))
    ours, theirs = samples[("16 x 16", "rpc_echo")], samples[("16 x 16", "echo_grpcpp")]
    lines.append(bench.verdict("16 x 16, rpc_echo to echo_grpcpp", bench.median_ratio(ours, theirs, "rate"), 4, True))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bench.add_options(parser)
    options = parser.parse_args()
    bench.need("h2load")
    names = [name for name in NAMES if (options.bin / name).exists()]
    if "echo_bare" not in names:
        sys.exit(f"{options.bin / 'echo_bare'} is missing: cmake --build build/release --target {' '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="gatehouse-echo-") as scratch, contextlib.ExitStack() as stack:
        directory = pathlib.Path(scratch)
        body = directory / "body"
        body.write_bytes(b"\0" + PAYLOAD_BYTES.to_bytes(4, "big") + bytes(i % 251 for i in range(PAYLOAD_BYTES)))
        servers = [start(stack, name, options.bin, directory) for name in names]
        samples = bench.alternate(servers, bench.SHAPES, body, options.rounds, options.seconds, bench.show_progress)
    facts = [f"{options.rounds} alternating rounds of about {options.seconds:g} s each; h2load -cC -mS, one thread, for C x S; "
             f"{THREADS} threads in echo_bare and rpc_echo",
             f"nghttp2 {bench.package_version('libnghttp2-14')}, libuv {bench.package_version('libuv1-dev')}, "
             f"gRPC C++ {bench.package_version('libgrpc++-dev')}, h2load of {bench.package_version('nghttp2-client')}"]
    lines = [*bench.table(samples, bench.SHAPES, servers, "echo_bare"), *targets(samples, "rpc_echo" in names)]
    bench.finish(TITLE, facts, lines, options.record)


if __name__ == "__main__":
    main()
