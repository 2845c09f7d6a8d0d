#!/usr/bin/env python3
"""Leases live at the leader; every member renews them and tells of them."""

import json

import support
from support import Case, etcdctl, wait_for


class Leases(Case):
    def test_every_member_renews(self):
        members = self.members(3)
        for member in members:
            lease = self.ctl(member, "lease", "grant", "60").split()[1]
            self.ctl(member, "put", f"of-{lease}", "1", "--lease", lease)
            for other in members:
                self.assertIn("keepalived with TTL(60)", self.ctl(other, "lease", "keep-alive", "--once", lease))
                told = json.loads(self.ctl(other, "lease", "timetolive", lease, "--keys", "-w", "json"))
                self.assertEqual(told["granted-ttl"], 60)
                self.assertIn(told["ttl"], range(55, 61))
                self.assertEqual(len(told["keys"]), 1)
        for member in members:
            self.assertIn("already expired", self.ctl(member, "lease", "timetolive", "abc"))
            code, out, err = etcdctl(member, "lease", "keep-alive", "--once", "abc")
            self.assertIn("not found", out + err)

    def test_a_new_leader_goes_on(self):
        members = self.members(3)
        lease = self.ctl(members[0], "lease", "grant", "60").split()[1]
        leader = members.leader()
        leader.kill()
        for member in members.running():
            wait_for(lambda: etcdctl(member, "lease", "keep-alive", "--once", lease)[0] == 0, "a renewal")
        leader.start()
        self.assertIn("keepalived", self.ctl(leader, "lease", "keep-alive", "--once", lease))

    def test_expiry_reaches_all(self):
        members = self.members(3)
        lease = self.ctl(members.followers()[0], "lease", "grant", "1").split()[1]
        self.ctl(members[0], "put", "short", "1", "--lease", lease)
        for member in members:
            wait_for(lambda: self.ctl(member, "get", "short") == "", "the key to go")
        members.assert_same()


if __name__ == "__main__":
    support.main()
