#!/usr/bin/env python3
"""What stock etcd 3.7 exports at /metrics, ours exports too: every family of it but those listed with a reason, with the
same type, help, labels and buckets; and what a session counts in the one it counts in the other.

    member_metrics_test.py --member PROGRAM
"""

import argparse
import base64
import json
import pathlib
import re
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

# Families of stock etcd that ours has not, and why.
NOT_OURS = {
    "go_.*": "of Go's runtime",
    "etcd_server_go_version": "of Go's runtime",
    "promhttp_.*": "of Go's HTTP handler for metrics",
    "etcd_grpc_proxy_.*": "of etcd's grpc-proxy, which is linked into every etcd; ours is another program",
    "etcd_debugging_store_.*": "of the v2 store, which ours has not",
    "etcd_debugging_disk_backend_commit_rebalance_duration_seconds":
        "our commit makes pages anew in one pass, which ..._spill_... tells",
    "etcd_network_.*peer.*": "of peers, which a single member has not",
}
# Counted in one and not in the other, and why.
NOT_COUNTED = {
    "process_network_.*": "of the whole machine",
    "etcd_server_health_failures": "how often it is asked before it serves is a matter of time",
}


def text(value):
    return base64.b64encode(value.encode()).decode()


class Session:
    """The same requests to either, by REST."""

    def __init__(self, member):
        self.url = f"http://{member.endpoint}"

    def post(self, path, body=None, fails=False):
        request = urllib.request.Request(self.url + path, json.dumps(body or {}).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = response.read()
        except urllib.error.HTTPError as error:
            if not fails:
                raise AssertionError(f"{path}: {error.read()!r}") from error
            return None
        if fails:
            raise AssertionError(f"{path} did not fail")
        return answer

    def run(self):
        for i in range(20):
            self.post("/v3/kv/put", {"key": text(f"key/{i}"), "value": text("x" * 100)})
        self.post("/v3/kv/range", {"key": text("key/1")})
        self.post("/v3/kv/range", {"key": text("key/1"), "serializable": True})
        self.post("/v3/kv/range", {"key": text("key/1"), "revision": 10000}, fails=True)
        self.post("/v3/kv/deleterange", {"key": text("key/2")})
        reads = [{"requestRange": {"key": text("key/3")}}]
        self.post("/v3/kv/txn", {"success": reads})
        self.post("/v3/kv/txn", {"success": [{"requestPut": {"key": text("a"), "value": text("b")}}, *reads]})
        self.post("/v3/lease/grant", {"TTL": 100, "ID": 77})
        self.post("/v3/lease/keepalive", {"ID": 77})
        self.post("/v3/lease/revoke", {"ID": 77})
        self.post("/v3/lease/revoke", {"ID": 77}, fails=True)
        self.post("/v3/kv/compaction", {"revision": 10, "physical": True})
        self.post("/v3/maintenance/hash")
        self.post("/v3/maintenance/hashkv", {})
        self.post("/v3/maintenance/alarm", {"action": "ACTIVATE", "alarm": "NOSPACE", "memberID": 99})
        self.post("/v3/maintenance/alarm", {"action": "DEACTIVATE", "alarm": "NOSPACE", "memberID": 99})
        self.post("/v3/maintenance/snapshot")
        self.post("/v3/maintenance/defragment")
        for path in ("/health", "/livez", "/readyz"):
            with urllib.request.urlopen(self.url + path, timeout=30) as response:
                response.read()


class Families:
    """A scrape: by family its type, help, label names, buckets, and the sum of what it counted."""

    LINE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, member):
        with urllib.request.urlopen(f"http://{member.endpoint}/metrics", timeout=30) as response:
            scrape = response.read().decode()
        self.types, self.helps, self.labels, self.buckets, self.counts = {}, {}, {}, {}, {}
        for line in scrape.splitlines():
            if line.startswith("# "):
                _, what, name, rest = line.split(" ", 3)
                (self.types if what == "TYPE" else self.helps)[name] = rest
                continue
            name, labels, value = self.LINE.match(line).groups()
            labels = dict(self.LABEL.findall(labels or ""))
            family = name
            for suffix in ("_bucket", "_sum", "_count"):
                if name.endswith(suffix) and self.types.get(name[:-len(suffix)]) == "histogram":
                    family = name[:-len(suffix)]
            if name.endswith("_bucket") and family != name:
                self.buckets.setdefault(family, set()).add(float(labels.pop("le")))
            self.labels.setdefault(family, set()).add(tuple(sorted(labels)))
            if name == family or name.endswith("_count"):
                self.counts[family] = self.counts.get(family, 0) + float(value)


def listed(name, reasons):
    return any(re.fullmatch(pattern, name) for pattern in reasons)


def differences(stock, ours):
    for name, kind in sorted(stock.types.items()):
        if listed(name, NOT_OURS):
            if name in ours.types:
                yield f"{name}: ours has it: take it off the list"
            continue
        if name not in ours.types:
            yield f"{name}: ours has it not"
            continue
        for what, left, right in (("type", kind, ours.types[name]), ("help", stock.helps[name], ours.helps[name]),
                                  ("labels", stock.labels.get(name), ours.labels.get(name)),
                                  ("buckets", stock.buckets.get(name), ours.buckets.get(name))):
            if left != right:
                yield f"{name}: {what} {left!r}, ours {right!r}"
        if stock.counts.get(name) and not ours.counts.get(name) and not listed(name, NOT_COUNTED):
            yield f"{name}: {stock.counts[name]:g} in etcd's, nothing in ours"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS)
    options = parser.parse_args()
    scrapes = []
    with tempfile.TemporaryDirectory(prefix="gatehouse-metrics-") as directory:
        for i, kind in enumerate((cluster.ETCD_37, options.member)):
            # A snapshot of the log early, so that it is counted.
            with cluster.EtcdCluster(1, pathlib.Path(directory) / str(i), ["--snapshot-count=10"], None, kind) as members:
                member = members.members[0]
                Session(member).run()
                cluster.wait_for(lambda m=member: Families(m).counts.get("etcd_snap_fsync_duration_seconds"),
                                 "a snapshot")
                scrapes.append(Families(member))
    found = list(differences(*scrapes))
    print("\n".join(found))
    print(f"{len(scrapes[0].types)} families of etcd's, {len(scrapes[1].types)} of ours, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        sys.exit(cluster.SKIPPED)
