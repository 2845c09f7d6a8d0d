#!/usr/bin/env python3
"""A data directory of etcd 3.4.23 taken over: keys, revisions, leases and members are there, and writes go on.

    old_data_test.py --member PROGRAM
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

KEYS = 45


class Etcdctl:
    """etcdctl 3.4 against one member."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def run(self, *words):
        environment = {**os.environ, "ETCDCTL_API": "3"}
        done = subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", self.endpoint, "-w", "json", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, timeout=30)
        if done.returncode != 0:
            raise AssertionError(f"etcdctl {' '.join(words)}: {done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words))

    def members(self):
        return sorted((hex(each["ID"]), each.get("name"), tuple(each["peerURLs"]), tuple(each.get("clientURLs", ())))
                      for each in self.json("member", "list")["members"])

    def contents(self):
        everything = self.json("get", "", "--from-key")
        return everything["header"]["revision"], everything["kvs"]


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def member(kind, directory, ports, name="m0", flags=()):
    return cluster.Member(cluster.server_binary(kind), name, ports, f"{name}=http://127.0.0.1:{ports[1]}", directory, list(flags),
                          None)


def write_some(ctl):
    for i in range(KEYS):
        ctl.run("put", f"key/{i:03}", f"value {i}")
    ctl.run("del", "key/007")
    lease = hex(ctl.json("lease", "grant", "1000")["ID"])[2:]
    ctl.run("put", "leased", "x", f"--lease={lease}")
    return lease


def take_over(ours, ctl, lease, before):
    """Starts ours on the directory and compares."""
    try:
        ours.start()
        expect("revision and keys", ctl.contents(), before["contents"])
        expect("members", ctl.members(), before["members"])
        expect("the lease's keys", ctl.json("lease", "timetolive", lease, "--keys")["keys"], ["bGVhc2Vk"])
        revision = ctl.json("put", "after", "x")["header"]["revision"]
        expect("the next revision", revision, before["contents"][0] + 1)
        ours.kill()
        ours.start()
        expect("members after a crash", ctl.members(), before["members"])
        expect("the key written", ctl.json("get", "after")["count"], 1)
    finally:
        ours.kill()


def killed(options, work, snapshot_count):
    """etcd 3.4 with snapshots every so many entries, killed at once after its last answer."""
    ports = cluster.free_port(), cluster.free_port(), cluster.free_port()
    flags = [f"--snapshot-count={snapshot_count}"]
    etcd = member(cluster.ETCD_34, work, ports, flags=flags)
    ctl = Etcdctl(f"127.0.0.1:{ports[0]}")
    try:
        etcd.start()
        lease = write_some(ctl)
        before = {"contents": ctl.contents(), "members": ctl.members()}
    finally:
        etcd.kill()
    take_over(member(options.member, work, ports, flags=flags), ctl, lease, before)
    print(f"killed, --snapshot-count={snapshot_count}: all there", flush=True)


def restored(options, work):
    """What "etcdctl snapshot restore" of 3.4 makes: its database still names the old cluster's member."""
    ports = cluster.free_port(), cluster.free_port(), cluster.free_port()
    etcd = member(cluster.ETCD_34, work / "old", ports)
    ctl = Etcdctl(f"127.0.0.1:{ports[0]}")
    try:
        etcd.start()
        lease = write_some(ctl)
        contents = ctl.contents()
        ctl.run("snapshot", "save", str(work / "saved"))
    finally:
        etcd.kill()
    ports = cluster.free_port(), cluster.free_port(), cluster.free_port()
    ctl = Etcdctl(f"127.0.0.1:{ports[0]}")
    ours = member(options.member, work / "new", ports, name="restored")
    peer = f"http://127.0.0.1:{ports[1]}"
    ctl.run("snapshot", "restore", str(work / "saved"), "--name=restored", f"--data-dir={ours.data_dir}",
            "--initial-cluster-token=gatehouse-test", f"--initial-cluster=restored={peer}", f"--initial-advertise-peer-urls={peer}")
    # Who it is says stock etcd on a copy.
    copy = work / "copy"
    stock = member(cluster.ETCD_34, copy, ports, name="restored")
    subprocess.run(["cp", "-r", str(work / "new"), str(copy)], check=True)
    stock.argv = [word.replace(str(work / "new"), str(copy)) for word in stock.argv]
    try:
        stock.start()
        members = ctl.members()
    finally:
        stock.kill()
    take_over(ours, ctl, lease, {"contents": contents, "members": members})
    print("restored from a snapshot under another name: all there", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-old-data-") as directory:
        work = pathlib.Path(directory)
        killed(options, work / "few", 10)
        killed(options, work / "none", 10000)
        restored(options, work / "restored")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        sys.exit(cluster.SKIPPED)
