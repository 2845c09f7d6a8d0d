#!/usr/bin/env python3
"""What a call is told whose time runs out, by a member and by the proxy.

    deadlines_test.py [--proxy PROGRAM] [TEST]

The Go client's retries send a call once more that is answered DeadlineExceeded, or Canceled, a moment before its own clock
says so, whatever the call is: a put would be done twice. So what may have been carried out is answered as etcd's handlers
do: "etcdserver: request timed out".
"""

import re
import shutil
import tempfile

import support
from support import Case

import cluster

PUT = b"\x0a\x01k\x12\x01v"
RANGE = b"\x0a\x01k"
UNAVAILABLE, DEADLINE_EXCEEDED = 14, 4


def call(endpoint, method, message, timeout_ms):
    """(grpc-status, grpc-message) that the server sends: nghttp has no clock of its own for a call."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"\0" + len(message).to_bytes(4, "big") + message)
        body.flush()
        _, done, _ = support.command("nghttp", "-v", "--no-dep", "-H", ":method: POST", "-H", "content-type: application/grpc",
                               "-H", "te: trailers", "-H", f"grpc-timeout: {timeout_ms}m", "-d", body.name,
                               f"http://{endpoint}/etcdserverpb.{method}")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done)
    status = re.search(r"grpc-status: (\d+)", plain)
    text = re.search(r"grpc-message: ([^\n]*)", plain)
    if status is None:
        raise AssertionError(f"{method} was answered without a grpc-status:\n{plain}")
    return int(status[1]), text[1].strip() if text else ""


class Deadlines(Case):
    def setUp(self):
        super().setUp()
        if shutil.which("nghttp") is None:
            self.skipTest("nghttp is not there")
        try:
            cluster.server_binary(cluster.OURS)
        except cluster.NotHere as missing:
            self.skipTest(str(missing))
        members = cluster.EtcdCluster(3, self.scratch(), kind=cluster.OURS).start()
        self.addCleanup(members.stop)
        self.member = members.members[0]
        self.target = self.proxy([self.member.endpoint])
        self.assertEqual(call(self.target.endpoint, "KV/Put", PUT, 5000), (0, ""))
        for other in members.members[1:]:  # nothing can be agreed on any more
            other.kill()

    def test_what_may_have_been_carried_out(self):
        for endpoint in (self.member.endpoint, self.target.endpoint):
            for method, message in (("KV/Put", PUT), ("KV/DeleteRange", RANGE), ("Lease/LeaseGrant", b"\x08\x05\x10\x07")):
                status, text = call(endpoint, method, message, 300)
                self.assertEqual(status, UNAVAILABLE, f"{method} at {endpoint}: {text}")
                self.assertIn("etcdserver: request timed out", text)

    def test_what_changes_nothing(self):
        for endpoint in (self.member.endpoint, self.target.endpoint):
            status, text = call(endpoint, "KV/Range", RANGE, 300)
            self.assertEqual(status, DEADLINE_EXCEEDED, text)


if __name__ == "__main__":
    support.main()
