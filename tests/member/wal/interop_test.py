#!/usr/bin/env python3
"""Logs of ours read and continued by etcd's own package, logs of stock etcd read by us, and back.

interop_test.py WAL_TOOL. Without go, or without its module proxy, the part of etcd's package is skipped with a line.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lib"))

import cluster  # noqa: E402


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300).stdout.decode()


def same(what, one, other):
    if one != other:
        pairs = zip(one.splitlines(), other.splitlines())
        raise SystemExit(f"FAILED: {what}: {next((a, b) for a, b in pairs if a != b)}")
    print(f"ok: {what}: {len(one.splitlines())} lines")


def etcd_package(tool, work):
    if shutil.which("go") is None:
        print("skipped: etcd's package (no go)")
        return
    checker = os.path.join(work, "wal_check")
    build = subprocess.run(["go", "build", "-o", checker, "."], cwd=os.path.join(HERE, "wal_check"), timeout=600)
    if build.returncode != 0:
        print("skipped: etcd's package (go cannot build it: is there a module proxy?)")
        return
    for seed in range(4):
        wal = os.path.join(work, f"wal{seed}")
        output(tool, "make", wal, str(seed))
        before = output(tool, "dump", wal)
        same(f"made by us, seed {seed}, read by etcd", before, output(checker, "dump", wal))
        output(checker, "append", wal)
        after = output(tool, "dump", wal)
        if " " + b"of etcd".hex() not in after:
            raise SystemExit("FAILED: what etcd appended is not there")
        same("etcd appended to it, read by both", after, output(checker, "dump", wal))
        output(tool, "append", wal)
        same("and so did we", output(tool, "dump", wal), output(checker, "dump", wal))


def call(endpoint, path, body):
    request = urllib.request.Request(f"http://{endpoint}{path}", json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request, timeout=20))


def text64(text):
    return base64.b64encode(text.encode()).decode()


def stock_etcd(tool):
    with cluster.EtcdCluster(flags=["--snapshot-count", "50"]) as etcd:
        member = etcd.members[0]
        for i in range(200):
            call(member.endpoint, "/v3/kv/put", {"key": text64(f"key{i}"), "value": text64(f"value{i}")})
        member.stop()
        wal = str(member.directory / f"{member.name}.etcd" / "member" / "wal")
        lines = output(tool, "dump", wal).splitlines()
        puts = [line for line in lines if line.startswith("entry ") and b"key".hex() in line]
        snapshots = [line for line in lines if line.startswith("snapshot ")]
        if len(puts) != 200 or len(snapshots) < 3:
            raise SystemExit(f"FAILED: {len(puts)} puts, {len(snapshots)} snapshots")
        print(f"ok: written by stock etcd, read by us: {len(lines)} lines")
        # And back: an entry of ours (empty, as a new leader's) at the end of its log.
        output(tool, "append", wal)
        member.start()
        answer = call(member.endpoint, "/v3/kv/range", {"key": text64("key199")})
        if answer["kvs"][0]["value"] != text64("value199") or answer["header"]["revision"] != "201":
            raise SystemExit(f"FAILED: stock etcd has something else: {answer}")
        print("ok: continued by us, read by stock etcd")


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        etcd_package(tool, work)
    stock_etcd(tool)


if __name__ == "__main__":
    main()
