#!/usr/bin/python3
"""The usual calls of python3-etcd3, Debian's client for Python, against one member.

    python_test.py [--member KIND]
"""

import argparse
import os
import pathlib
import queue
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")  # its generated code is older than protobuf 4

import cluster  # noqa: E402

try:
    import etcd3
except ImportError as missing:
    print(f"skipped: python3-etcd3 is not there: {missing}")
    sys.exit(cluster.SKIPPED)

TIMEOUT_S = 20


class PythonClient(unittest.TestCase):
    member = None

    def setUp(self):
        host, port = self.member.endpoints[0].split(":")
        self.client = etcd3.client(host=host, port=int(port), timeout=TIMEOUT_S)
        self.addCleanup(self.client.close)

    def test_put_get_delete(self):
        self.client.put("py/kv/a", "1")
        self.client.put("py/kv/b", "2")
        value, metadata = self.client.get("py/kv/a")
        self.assertEqual((value, metadata.key, metadata.version), (b"1", b"py/kv/a", 1))
        self.assertEqual(self.client.put("py/kv/a", "3", prev_kv=True).prev_kv.value, b"1")
        self.assertEqual([value for value, _ in self.client.get_prefix("py/kv/", sort_order="descend")], [b"2", b"3"])
        self.assertEqual([m.key for _, m in self.client.get_range("py/kv/a", "py/kv/b")], [b"py/kv/a"])
        self.assertEqual(self.client.get("py/none"), (None, None))
        self.assertTrue(self.client.put_if_not_exists("py/kv/c", "x"))
        self.assertFalse(self.client.put_if_not_exists("py/kv/c", "y"))
        self.assertTrue(self.client.replace("py/kv/c", "x", "z"))
        self.assertFalse(self.client.replace("py/kv/c", "x", "z"))
        self.assertTrue(self.client.delete("py/kv/a"))
        self.assertFalse(self.client.delete("py/kv/a"))
        self.assertEqual(self.client.delete_prefix("py/kv/").deleted, 2)

    def test_transaction(self):
        at = self.client.transactions
        self.client.put("py/txn", "here")
        succeeded, answers = self.client.transaction(
            compare=[at.value("py/txn") == "here", at.version("py/txn") > 0, at.create("py/none") == 0],
            success=[at.put("py/txn", "success"), at.get("py/txn")], failure=[at.put("py/txn", "failure")])
        self.assertTrue(succeeded)
        self.assertEqual(answers[1][0][0], b"success")

    def test_watch(self):
        events = queue.Queue()
        watch = self.client.add_watch_prefix_callback("py/w/", lambda answer: [events.put(e) for e in answer.events])
        self.client.put("py/w/a", "1")
        self.client.delete("py/w/a")
        first, second = events.get(timeout=TIMEOUT_S), events.get(timeout=TIMEOUT_S)
        self.assertIsInstance(first, etcd3.events.PutEvent)
        self.assertIsInstance(second, etcd3.events.DeleteEvent)
        self.client.cancel_watch(watch)

    def test_lease_and_lock(self):
        lease = self.client.lease(100)
        self.client.put("py/leased", "x", lease)
        self.assertEqual(lease.granted_ttl, 100)
        self.assertGreater(lease.remaining_ttl, 90)
        self.assertEqual(list(lease.keys), [b"py/leased"])
        self.assertEqual([answer.TTL for answer in lease.refresh()], [100])
        lease.revoke()
        self.assertEqual(self.client.get("py/leased"), (None, None))
        with self.client.lock("py-lock", ttl=30) as lock:
            self.assertTrue(lock.is_acquired())  # waiting for it is broken in the client, with Debian's tenacity
        self.assertTrue(self.client.lock("py-lock", ttl=30).acquire(timeout=TIMEOUT_S))

    def test_maintenance(self):
        status = self.client.status()
        self.assertGreater(status.db_size, 0)
        self.assertEqual([member.name for member in self.client.members], ["m0"])
        self.client.put("py/compact", "1")
        revision = self.client.put("py/compact", "2").header.revision
        self.client.compact(revision)
        self.client.defragment()
        self.client.hash()
        self.assertEqual(list(self.client.list_alarms()), [])
        self.assertTrue(list(self.client.create_alarm()))
        self.assertTrue(list(self.client.list_alarms()))
        self.client.disarm_alarm()
        self.assertEqual(list(self.client.list_alarms()), [])
        with tempfile.TemporaryFile() as file:
            self.client.snapshot(file)
            self.assertGreater(file.tell(), 4096)

    def test_errors(self):
        with self.assertRaises(Exception) as raised:
            self.client.put("", "x")
        self.assertIn("key is not provided", str(raised.exception))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    options, rest = parser.parse_known_args()
    try:
        with cluster.EtcdCluster(1, kind=options.member) as member:
            PythonClient.member = member
            result = unittest.main(argv=[sys.argv[0], "-v", *rest], exit=False).result
            if not result.wasSuccessful():
                print(member.logs())
            return 0 if result.wasSuccessful() else 1
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        return cluster.SKIPPED


if __name__ == "__main__":
    sys.exit(main())
