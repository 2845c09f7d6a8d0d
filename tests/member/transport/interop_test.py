#!/usr/bin/env python3
"""Stock etcd and two members of ours in one cluster: they elect each other, and replicate both ways.

Ours are tests/member/transport/interop_members.cc: Raft and the transport over a log in memory. What etcd commits is
told there; what our leader commits is read back from etcd.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
import cluster  # noqa: E402

TOKEN = "gatehouse-test"


def member_id(url):
    return int.from_bytes(hashlib.sha1((url + TOKEN).encode()).digest()[:8], "big")


def cluster_id(ids):
    return int.from_bytes(hashlib.sha1(b"".join(i.to_bytes(8, "big") for i in sorted(ids))).digest()[:8], "big")


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(tag, data):
    return varint(tag << 3 | 2) + varint(len(data)) + data


def put_entry(key, value, request_id):
    """An InternalRaftRequest as a proposer of etcd writes it."""
    return field(4, field(1, key.encode()) + field(2, value.encode())) + field(100, b"\x08" + varint(request_id))


class Ours:
    def __init__(self, binary, version, members, log_path):
        ids = [m["id"] for m in members]
        self.ids = [m["id"] for m in members if m["ours"]]
        self.log = open(log_path, "wb")
        self.process = subprocess.Popen(
            [binary, f"{cluster_id(ids):x}", version,
             *[f"{m['id']:x}={m['url']}={1 if m['ours'] else 0}" for m in sorted(members, key=lambda m: m["id"])]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.split())

    def tell(self, *words):
        self.process.stdin.write(" ".join(f"{w:x}" if isinstance(w, int) else w for w in words) + "\n")
        self.process.stdin.flush()

    def status(self):
        """{id: (role, leader, term, commit, active peers)}"""
        start = len(self.lines)
        self.tell("status")

        def answered():
            new = [w for w in self.lines[start:] if w[0] == "status"]
            return new if len(new) >= len(self.ids) else None
        return {int(w[1], 16): (w[2], int(w[3], 16), int(w[4]), int(w[5]), int(w[6]))
                for w in cluster.wait_for(answered, "our status", 10)}

    def applied(self, member):
        return [bytes.fromhex(w[3]) for w in self.lines if w[0] == "applied" and int(w[1], 16) == member]

    def complaints(self):
        return [" ".join(w) for w in self.lines if w[0] in ("step", "removed")]

    def stop(self):
        self.tell("quit")
        code = self.process.wait(20)
        self.log.close()
        return code


def etcdctl(binary, endpoint, *words, check=True):
    return subprocess.run([binary.parent / "etcdctl", "--endpoints", endpoint, *words], env={"ETCDCTL_API": "3"},
                          check=check, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)


def leaders(ours, etcd_id):
    return {leader for _, leader, *_ in ours.status().values()}


def run(args, directory):
    etcd_binary = pathlib.Path(args.etcd) if args.etcd else cluster.oracle_bin() / "etcd"
    client = pathlib.Path(cluster.oracle_bin()) / "etcd"
    ports = [cluster.free_port() for _ in range(5)]
    urls = [f"http://127.0.0.1:{port}" for port in ports[:3]]
    members = [{"id": member_id(url), "url": url, "ours": i > 0} for i, url in enumerate(urls)]
    etcd_id = members[0]["id"]
    peers = ",".join(f"m{m['id']:x}={m['url']}" for m in members)
    etcd = cluster.Daemon("etcd", [
        etcd_binary, "--name", f"m{etcd_id:x}", "--data-dir", directory / "etcd",
        "--listen-client-urls", f"http://127.0.0.1:{ports[3]}", "--advertise-client-urls",
        f"http://127.0.0.1:{ports[3]}", "--listen-peer-urls", urls[0], "--initial-advertise-peer-urls", urls[0],
        "--listen-metrics-urls", f"http://127.0.0.1:{ports[4]}", "--initial-cluster", peers,
        "--initial-cluster-token", TOKEN, "--snapshot-count", "100", "--initial-cluster-state", "new", "--logger", "zap",
        "--log-outputs", "stderr"], directory)
    endpoint = f"127.0.0.1:{ports[3]}"
    ours = Ours(args.members, args.version, members, directory / "ours.log")
    try:
        etcd.spawn()

        def settled():
            etcd.check_alive()
            status = ours.status()
            found = {leader for _, leader, *_ in status.values()}
            return found.pop() if len(found) == 1 and 0 not in found else None

        def led_by(wanted, how):
            for _ in range(20):
                now = cluster.wait_for(settled, "a leader")
                if now == wanted:
                    return
                how(now)
                try:
                    cluster.wait_for(lambda: settled() == wanted, f"{wanted:x} to lead", 5)
                    return
                except TimeoutError:
                    pass
            raise TimeoutError(f"{wanted:x} never led")

        # The member of ours with the leadership hands it over to whom we say; etcd by its own tool.
        def hand_over(wanted):
            def do(now):
                if now == etcd_id:
                    etcdctl(client, endpoint, "move-leader", f"{wanted:x}", check=False)
                else:
                    ours.tell("transfer", now, wanted)
            return do

        def put_through_etcd(key, value):
            etcdctl(client, endpoint, "put", key, value)
            for mine in ours.ids:
                cluster.wait_for(lambda: any(key.encode() in data and value.encode() in data
                                             for data in ours.applied(mine)), f"{key} at {mine:x}")

        def put_through_ours(mine, key, value, number):
            ours.tell("propose", mine, put_entry(key, value, (mine & 0xFFFF) << 48 | number).hex())
            cluster.wait_for(lambda: etcdctl(client, endpoint, "get", "--print-value-only", key)
                             .stdout.strip() == value, f"{key} at etcd")
            for other in ours.ids:
                cluster.wait_for(lambda: any(key.encode() in d for d in ours.applied(other)), f"{key} at {other:x}")

        cluster.wait_for(settled, "the first leader")
        number = 1
        for round_number in range(2):
            for leader in (ours.ids[0], etcd_id, ours.ids[1]):
                led_by(leader, hand_over(leader))
                print(f"led by {'etcd' if leader == etcd_id else 'ours'} {leader:x}", flush=True)
                put_through_etcd(f"etcd-{round_number}-{leader:x}", "from-etcd")
                for mine in ours.ids:
                    number += 1
                    put_through_ours(mine, f"ours-{round_number}-{leader:x}-{mine:x}", f"value{number}", number)
                # Many and large, on the msgapp stream.
                put_through_etcd(f"large-{round_number}-{leader:x}", "x" * 100_000)
                for i in range(50):
                    number += 1
                    ours.tell("propose", ours.ids[0],
                              put_entry(f"many-{i}", "y" * 2000, (ours.ids[0] & 0xFFFF) << 48 | number).hex())
                number += 1
                put_through_ours(ours.ids[0], f"after-{round_number}-{leader:x}", f"value{number}", number)
            # All our connections break; the cluster finds together again.
            ours.tell("cut")
            cluster.wait_for(lambda: all(s[4] == 2 for s in ours.status().values()), "all links to be back")
            cluster.wait_for(settled, "a leader after the cut")
            put_through_etcd(f"after-cut-{round_number}", "from-etcd")

        # All three hold the same log where both of ours have told it.
        first, second = (ours.applied(mine) for mine in ours.ids)
        shorter = min(len(first), len(second))
        assert shorter > 100, shorter
        assert first[:shorter] == second[:shorter], "our members applied different entries"
        assert not ours.complaints(), ours.complaints()

        # One of ours loses all it has; etcd no longer has the entries it lacks and sends its database. A new leader
        # asks anew how far each is: until then the old one goes by what it knew.
        lost = ours.ids[1]
        led_by(ours.ids[0], hand_over(ours.ids[0]))
        flood = put_entry("flood", "z" * 100, (ours.ids[0] & 0xFFFF) << 48 | 0xFFFFFF).hex()
        for _ in range(12):
            before = ours.status()[ours.ids[0]][3]
            ours.tell("flood", ours.ids[0], "500", flood)
            cluster.wait_for(lambda: ours.status()[ours.ids[0]][3] >= before + 500, "the flood to be committed")
        put_through_etcd("after-flood", "from-etcd")
        ours.tell("reset", lost)
        led_by(etcd_id, hand_over(etcd_id))
        snapshot = cluster.wait_for(lambda: [w for w in ours.lines if w[0] == "snapshot"], "a snapshot from etcd")[0]
        print("snapshot", " ".join(snapshot[2:]), flush=True)
        assert int(snapshot[1], 16) == lost and int(snapshot[2]) > 5000, snapshot
        assert int(snapshot[3]) % 4096 == 0 and int(snapshot[3]) > 0, snapshot
        assert snapshot[4] == "edda0ced", snapshot  # bbolt's magic number
        put_through_etcd("after-snapshot", "from-etcd")

        # etcd measured us, and did not restart: its probes are answered.
        metrics = cluster.http_get(ports[4], "/metrics")[1].decode()
        for mine in ours.ids:
            assert f'etcd_network_active_peers{{Local="{etcd_id:x}",Remote="{mine:x}"}} 1' in metrics, metrics
        versions = json.loads(cluster.http_get(ports[3], "/version")[1])
        print("cluster version", versions["etcdcluster"])
        assert versions["etcdcluster"] == args.cluster_version, versions
        for bad in ("panic", "failed to unmarshal", "failed to decode"):
            assert bad not in etcd.log(), bad
        assert ours.stop() == 0
    except BaseException:
        print("==== ours\n" + cluster.tail((directory / "ours.log").read_text(), 30), file=sys.stderr)
        print("==== etcd\n" + cluster.tail(etcd.log(), 30), file=sys.stderr)
        print("==== told\n" + "\n".join(" ".join(w)[:150] for w in ours.lines[-20:]), file=sys.stderr)
        raise
    finally:
        if ours.process.poll() is None:
            ours.process.kill()
        etcd.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", required=True, help="the program interop_members")
    parser.add_argument("--etcd", help="another etcd than the oracle")
    parser.add_argument("--version", default="3.4.0", help="what ours say they are")
    parser.add_argument("--cluster-version", default="3.4.0", help="what the cluster is to agree on")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-interop-") as directory:
        started = time.monotonic()
        run(args, pathlib.Path(directory))
        print(f"passed in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
