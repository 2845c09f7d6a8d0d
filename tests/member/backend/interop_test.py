#!/usr/bin/env python3
"""Files of ours read by the real bbolt, files of bbolt and of stock etcd read by us.

interop_test.py BACKEND_TOOL. Without go, or without its module proxy, the part of bbolt is skipped with a line.
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
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300).stdout


def same(what, one, other):
    if one != other:
        raise SystemExit(f"FAILED: {what}: {len(one)} and {len(other)} bytes differ")
    print(f"ok: {what}: {one.count(10)} pairs")


def bbolt(tool, work):
    if shutil.which("go") is None:
        print("skipped: bbolt (no go)")
        return
    checker = os.path.join(work, "bbolt_check")
    build = subprocess.run(["go", "build", "-o", checker, "."], cwd=os.path.join(HERE, "bbolt_check"), timeout=300)
    if build.returncode != 0:
        print("skipped: bbolt (go cannot build it: is there a module proxy?)")
        return
    for seed in range(6):
        path = os.path.join(work, f"ours{seed}")
        output(tool, "make", path, str(seed))
        output(tool, "check", path)
        same(f"made by us, seed {seed}, read by bbolt", output(tool, "dump", path), output(checker, "dump", path))
        copy = path + ".snapshot"
        output(tool, "snapshot", path, copy)
        same("its snapshot", output(tool, "dump", path), output(checker, "dump", copy))
    for keep_freelist in ("0", "1"):
        path = os.path.join(work, "bbolt" + keep_freelist)
        output(checker, "make", path, keep_freelist)
        output(tool, "check", path)

        def theirs():
            lines = output(checker, "dump", path).splitlines(keepends=True)
            return b"".join(line for line in lines if not line.startswith(b"foreign "))

        before = output(checker, "dump", path)
        same(f"made by bbolt, freelist {keep_freelist}, read by us", theirs(), output(tool, "dump", path))
        output(tool, "change", path)
        output(tool, "check", path)
        same("changed by us, read by bbolt", theirs(), output(tool, "dump", path))
        after = output(checker, "dump", path)
        foreign = [[line for line in dump.splitlines() if line.startswith(b"foreign ")] for dump in (before, after)]
        if not foreign[0] or foreign[0] != foreign[1]:
            raise SystemExit("FAILED: a bucket that is not ours was changed")


def call(endpoint, path, body):
    request = urllib.request.Request(f"http://{endpoint}{path}", json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request, timeout=10))


def text64(text):
    return base64.b64encode(text.encode()).decode()


def stock_etcd(tool):
    with cluster.EtcdCluster() as etcd:
        member = etcd.members[0]
        for i in range(300):
            call(member.endpoint, "/v3/kv/put", {"key": text64(f"key{i % 100}"), "value": text64(f"value{i}" * (i % 90))})
        call(member.endpoint, "/v3/kv/deleterange", {"key": text64("key7")})
        call(member.endpoint, "/v3/lease/grant", {"TTL": 1000, "ID": 77})
        call(member.endpoint, "/v3/kv/compaction", {"revision": 150, "physical": True})
        member.stop()
        exchange(tool, member, str(member.directory / f"{member.name}.etcd" / "member" / "snap" / "db"))


def exchange(tool, member, db):
    output(tool, "check", db)
    dump = output(tool, "dump", db)
    lines = dump.decode().splitlines()
    revisions = [line for line in lines if line.startswith("key ")]
    if not revisions[-1].startswith("key 000000000000012e5f000000000000000074 "):
        raise SystemExit("FAILED: the tombstone of revision 302 is not the last row: " + revisions[-1][:60])
    if not any(line.startswith("lease 000000000000004d ") for line in lines):
        raise SystemExit("FAILED: the lease is not there")
    print(f"ok: made by stock etcd, read by us: {len(lines)} pairs")
    # And back: our pages in its directory.
    packed = db + ".ours"
    output(tool, "snapshot", db, packed)
    output(tool, "dump", packed)
    os.replace(packed, db)
    member.start()
    answer = call(member.endpoint, "/v3/kv/range", {"key": text64("key99")})
    value = base64.b64decode(answer["kvs"][0]["value"]).decode()
    if value != "value299" * (299 % 90) or answer["header"]["revision"] != "302":
        raise SystemExit("FAILED: stock etcd reads something else from our file")
    print("ok: opened by us, read by stock etcd")


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        bbolt(tool, work)
    stock_etcd(tool)


if __name__ == "__main__":
    main()
