#!/usr/bin/env python3
"""The warnings about what takes long, as etcd words them and with its fields: --warning-apply-duration and
--warning-unary-request-duration.

    slow_log_test.py --member PROGRAM
"""

import argparse
import base64
import json
import pathlib
import sys
import tempfile
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

KEYS = 3000
VALUE = "v" * 2000
SLOW = ["--warning-apply-duration=1ms", "--warning-unary-request-duration=1ms"]
APPLY, STATS = "apply request took too long", "request stats"
FIELDS = {
    APPLY: ["took", "expected-duration", "prefix", "request", "response"],
    STATS: ["start time", "time spent", "remote", "response type", "request count", "request size", "response count",
            "response size", "request content"],
}


def text(value):
    return base64.b64encode(value.encode()).decode()


def post(member, path, body):
    request = urllib.request.Request(f"http://{member.endpoint}{path}", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


def lines(member, message):
    parsed = [json.loads(line) for line in member.log().splitlines() if line.startswith("{")]
    return [line for line in parsed if line["msg"] == message]


def session(member):
    ops = [{"requestPut": {"key": text(f"key/{i:05}"), "value": text(VALUE)}} for i in range(KEYS)]
    for i in range(0, KEYS, 100):
        post(member, "/v3/kv/txn", {"success": ops[i:i + 100]})
    everything = {"key": text("key/"), "range_end": text("key0")}
    post(member, "/v3/kv/range", everything)
    post(member, "/v3/kv/txn", {"success": [{"requestRange": everything}]})
    post(member, "/v3/kv/deleterange", everything)


def check(member, kind):
    """What of one member's log the other's must have, too."""
    seen = {}
    for message, fields in FIELDS.items():
        for line in lines(member, message):
            if line["level"] != "warn":
                raise AssertionError(f"{kind}: {line}")
            missing = [field for field in fields if field not in line]
            if missing:
                raise AssertionError(f"{kind}: {message} lacks {missing}: {line}")
            if VALUE[:100] in json.dumps(line):
                raise AssertionError(f"{kind}: a value is in the log: {json.dumps(line)[:300]}")
            key = (message, line["prefix"]) if message == APPLY else (message, line["response type"])
            seen.setdefault(key, []).append(line)
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS)
    options = parser.parse_args()
    logs = []
    with tempfile.TemporaryDirectory(prefix="gatehouse-slow-log-") as directory:
        for i, kind in enumerate((cluster.ETCD_37, options.member)):
            with cluster.EtcdCluster(1, pathlib.Path(directory) / str(i), SLOW, None, kind) as members:
                session(members.members[0])
                logs.append(check(members.members[0], kind))
    stock, ours = logs
    # These take milliseconds in either.
    everything = 'key:"key/" range_end:"key0"'
    for key, request in (((APPLY, "read-only range "), everything),
                         ((APPLY, "read-only txn "), f"compare:<> success:<request_range:{{{everything}}}> failure:<>"),
                         ((APPLY, ""), f"delete_range:{{{everything}}}")):
        for name, log in (("etcd", stock), ("ours", ours)):
            found = [line for line in log.get(key, []) if request in line["request"]]
            if not found:
                raise AssertionError(f"{name} has no line of {key} with {request}: {log.get(key)}")
            print(name, {field: found[0][field] for field in FIELDS[APPLY]})
    for field, wanted in (("request content", everything), ("response count", KEYS), ("request count", 0)):
        for name, log in (("etcd", stock), ("ours", ours)):
            found = log[STATS, "/etcdserverpb.KV/Range"][0][field]
            if found != wanted:
                raise AssertionError(f"{name}: {field} of a range is {found!r}")
    print(f"ours: {sum(len(found) for found in ours.values())} lines, etcd: {sum(len(found) for found in stock.values())}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        sys.exit(cluster.SKIPPED)
