#!/usr/bin/env python3
"""How long a cluster takes no writes after kill -9 of its leader: from the signal to the first write that a member accepts.

    failover.py [--member KIND]... [--times N] [--election-timeout MS] [--limit FACTOR]

Each member that is left is asked by a client of its own, in a closed loop with a short deadline for each write, through
REST. Prints median and worst of N times for each kind (tests/lib/cluster.py) or program; with --limit it fails when the
median of the first is more than FACTOR election timeouts. Kinds take turns, so that what else the machine does hits all.

    failover.py --member ours --member etcd-3.7 --member etcd-3.4 --times 10
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "lib"))

import cluster  # noqa: E402

PUT = json.dumps({"key": "ZmFpbG92ZXI=", "value": "eA=="})
DEADLINE_S = 0.1


def post(member, path, body, timeout_s):
    """The status of a POST, and its body; None when there is no answer in time."""
    port = int(member.endpoint.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        try:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None


def leader_of(members):
    def look():
        for member in members:
            status = post(member, "/v3/maintenance/status", "{}", 1)
            if status and status[0] == 200 and status[1].get("leader") == status[1]["header"]["member_id"]:
                return member
        return None
    return cluster.wait_for(look, "a leader")


def failover_s(running):
    """Kills the leader of a cluster, measures, and starts it again."""
    leader = leader_of(running.members)
    others = [member for member in running.members if member is not leader]
    # What is measured begins in the middle of work, with connections that stand.
    for member in others:
        cluster.wait_for(lambda member=member: (post(member, "/v3/kv/put", PUT, 2) or [0])[0] == 200, "a write before")
    time.sleep(0.3)  # a few heartbeats: a leader that was elected just now is a special case
    accepted, stop = [], threading.Event()

    def write(member):
        while not stop.is_set():
            answer = post(member, "/v3/kv/put", PUT, DEADLINE_S)
            if answer is not None and answer[0] == 200:
                accepted.append(time.monotonic())
                stop.set()

    leader.kill()
    began = time.monotonic()
    writers = [threading.Thread(target=write, args=(member,)) for member in others]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    leader.start()
    return min(accepted) - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", action="append", help="a kind or a program; several take turns")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--election-timeout", type=int, default=1000, help="milliseconds; a heartbeat is a tenth")
    parser.add_argument("--limit", type=float)
    options = parser.parse_args()
    kinds = options.member or [cluster.OURS]
    flags = [f"--election-timeout={options.election_timeout}", f"--heartbeat-interval={options.election_timeout // 10}"]
    took = {kind: [] for kind in kinds}
    try:
        with contextlib.ExitStack() as stack:
            clusters = {kind: stack.enter_context(cluster.EtcdCluster(3, kind=kind, flags=flags)) for kind in kinds}
            for _ in range(options.times):
                for kind, running in clusters.items():
                    took[kind].append(failover_s(running))
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        return cluster.SKIPPED
    for kind, seconds in took.items():
        name = os.path.basename(kind)
        print(f"{name:18} election timeout {options.election_timeout} ms: first write after {1000 * statistics.median(seconds):.0f} ms "
              f"(median of {len(seconds)}), {1000 * max(seconds):.0f} ms at worst")
    if options.limit is None:
        return 0
    factor = 1000 * statistics.median(took[kinds[0]]) / options.election_timeout
    print(f"{factor:.2f} election timeouts; the limit is {options.limit}")
    return 0 if factor <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
