#!/usr/bin/env python3
"""Three members by the flags of etcd's Procfile: served by each, and by two of them whichever goes."""

import json
import signal
import subprocess
import time

import support
from support import Case, etcdctl, wait_for

import cluster


class Failover(Case):
    def test_each_member_serves(self):
        members = self.members(3)
        for member in members:
            self.ctl(member, "put", member.name, "1")
        for member in members:
            self.assertEqual(self.ctl(member, "get", "m", "--prefix", "--keys-only").split(), ["m0", "m1", "m2"])
        watch = subprocess.Popen([cluster.oracle_bin() / "etcdctl", "--endpoints", members[2].endpoint, "watch", "w",
                                  "--rev=1"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        self.ctl(members[0], "put", "w", "seen")
        self.assertEqual([watch.stdout.readline().strip() for _ in range(3)], ["PUT", "w", "seen"])
        # A leader of the others begins with 3.0.0 when the last one is not there yet, and asks again after five seconds.
        wait_for(lambda: {self.status_version(member) for member in members} == {"3.7.0"}, "all to be of one version")
        members.assert_same()

    def status_version(self, member):
        status, page = cluster.http_get(int(member.endpoint.rpartition(":")[2]), "/version")
        self.assertEqual(status, 200)
        return json.loads(page)["etcdcluster"]

    def test_any_member_may_be_killed(self):
        members = self.members(3)
        for round_number, victim in enumerate([members.leader(), members.followers()[0], members.leader()]):
            victim.kill()
            survivor = members.running()[0]
            # What was sent to the leader that died may be lost, as in etcd: clients ask again.
            wait_for(lambda: etcdctl(survivor, "put", "round", round_number)[0] == 0, "a put to be accepted")
            self.assertEqual(self.ctl(members.running()[1], "get", "round", "--print-value-only"), str(round_number))
            victim.start()
            self.assertEqual(self.ctl(victim, "get", "round", "--print-value-only"), str(round_number))
        members.assert_same()
        self.assertGreaterEqual(self.metric(members[0], "etcd_server_leader_changes_seen_total"), 1)
        self.assertEqual(self.metric(members[0], "etcd_server_has_leader"), 1)

    def test_a_leader_that_ends_hands_over(self):
        members = self.members(3)
        leader = members.leader()
        term = members.status(leader)["raftTerm"]
        leader.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        follower = next(member for member in members if member is not leader)
        self.ctl(follower, "put", "after", "1")
        # An election would have taken an election timeout, and then some.
        self.assertLess(time.monotonic() - begun, 0.4)
        leader.process.wait(support.CALL_TIMEOUT_S)
        self.assertEqual(members.status(members.leader())["raftTerm"], term + 1)

    def test_leadership_moves(self):
        members = self.members(3)
        for member in members:
            members.make_leader(member)
            self.assertIs(members.leader(), member)
        follower = members.followers()[0]
        self.refused(follower, "no leader endpoint given", "move-leader", members.id_of(follower))
        self.refused(members.leader(), "bad leader transferee", "move-leader", "abc")

    def test_without_a_leader(self):
        members = self.members(3)
        for member in members[1:]:
            member.kill()
        alone = members[0]
        wait_for(lambda: not members.status(alone).get("leader"), "the member to know that it is alone")
        # etcdctl's watch asks for a leader in its metadata.
        code, out, err = etcdctl(alone, "watch", "x")
        self.assertIn("no leader", out + err)
        self.assertEqual(self.ctl(alone, "get", "x", "--consistency=s"), "")
        self.assertEqual(self.metric(alone, "etcd_server_has_leader"), 0)


if __name__ == "__main__":
    support.main()
