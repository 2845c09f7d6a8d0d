#!/usr/bin/env python3
"""Followers that need more of the log than there is: a snapshot is streamed to them while the others serve."""

import json
import subprocess

import support
from support import SHORT_LOG, Case, wait_for

import cluster


class Snapshots(Case):
    def lagging(self, members):
        """A follower, and what another one would have to say."""
        follower = members.followers()[0]
        return follower, members.leader()

    def in_turn(self, members, rounds):
        """A follower and the leader for each of so many rounds, in each of which the follower is killed.

        A leader that has sent a snapshot leaves its log whole for half a minute, as etcd does, and a follower that lags
        again meanwhile needs none. So each member leads once, and is the one who is killed before it leads again, which
        makes it forget.
        """
        for i in range(rounds):
            leader, follower = members[i % 3], members[(i + 1) % 3]
            members.make_leader(leader)
            self.assertIs(members.leader(), leader)
            yield follower, leader

    def took_snapshot(self, member):
        return "applied snapshot" in member.log()

    def test_a_paused_follower_catches_up(self):
        members = self.members(3, *SHORT_LOG)
        follower, leader = self.lagging(members)
        lease = self.ctl(leader, "lease", "grant", "600").split()[1]
        watch = subprocess.Popen([cluster.oracle_bin() / "etcdctl", "--endpoints", follower.endpoint, "watch", "w"],
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        wait_for(lambda: self.metric(follower, "etcd_debugging_mvcc_watcher_total") == 1, "the watcher")
        self.ctl(leader, "put", "w", "before")
        follower.pause()
        support.put_many(leader, 500)
        self.ctl(leader, "put", "w", "while away", "--lease", lease)
        self.ctl(leader, "alarm", "list")
        support.put_many(leader, 500)
        follower.resume()
        wait_for(lambda: self.took_snapshot(follower), "the follower to take a snapshot")
        self.ctl(follower, "put", "w", "after")
        members.assert_same()
        # Watchers of before missed nothing; leases came along, with their keys.
        seen = [watch.stdout.readline().strip() for _ in range(9)]
        self.assertEqual(seen, ["PUT", "w", "before", "PUT", "w", "while away", "PUT", "w", "after"])
        self.assertIn(lease, self.ctl(follower, "lease", "list"))
        self.ctl(leader, "put", "leased", "1", "--lease", lease)
        self.ctl(leader, "lease", "revoke", lease)
        self.assertEqual(self.ctl(follower, "get", "leased"), "")
        members.assert_same()
        self.assertGreaterEqual(self.metric(leader, "etcd_network_snapshot_send_success"), 1)
        self.assertGreaterEqual(self.metric(follower, "etcd_network_snapshot_receive_success"), 1)
        self.assertEqual(self.metric(follower, "etcd_server_snapshot_apply_in_progress_total"), 0)

    def test_a_stopped_follower_catches_up(self):
        members = self.members(3, *SHORT_LOG)
        for follower, leader in self.in_turn(members, 3):
            follower.kill()
            support.put_many(leader, 400)
            self.ctl(leader, "compact", members.status(leader)["header"]["revision"] - 100)
            follower.start()
            wait_for(lambda: self.took_snapshot(follower), "the follower to take a snapshot")
            members.assert_same()
        # Its files are whole: it starts from them again.
        follower.kill()
        follower.start()
        members.assert_same()

    def test_crashes_while_a_snapshot_comes(self):
        members = self.members(3, *SHORT_LOG)
        support.put_many(members.leader(), 500, size=20_000)
        stages = ("receiving a snapshot", "received a snapshot", "applying snapshot", "applied snapshot")
        for stage, (follower, leader) in zip(stages, self.in_turn(members, len(stages))):
            follower.kill()
            support.put_many(leader, 300, prefix=stage)
            follower.spawn()
            wait_for(lambda: stage in follower.log(), f"the log line {stage!r}")
            follower.kill()
            follower.start()
            members.assert_same()

    def test_a_database_that_waits_is_taken_over(self):
        """The record is in the log, the file not yet in its place: as after a crash between the two."""
        members = self.members(3, *SHORT_LOG)
        follower, leader = self.lagging(members)
        support.put_many(leader, 50)
        wait_for(lambda: members.hashes(), "all to be there")
        follower.kill()
        snap = follower.data_dir / "member/snap"
        old = (snap / "db").read_bytes()
        support.put_many(leader, 500)
        follower.start()
        wait_for(lambda: self.took_snapshot(follower), "the follower to take a snapshot")
        line = next(line for line in follower.log().splitlines() if '"applied snapshot"' in line)
        index = json.loads(line)["incoming-leader-snapshot-index"]
        follower.kill()
        (snap / "db").rename(snap / f"{index:016x}.snap.db")
        (snap / "db").write_bytes(old)
        follower.start()
        self.assertIn("applying the snapshot database that was received", follower.log())
        members.assert_same()

    def test_a_new_member_catches_up_while_writes_go_on(self):
        members = self.members(3, *SHORT_LOG)
        support.put_many(members[0], 1000, size=5000)
        joined = members.add("m3", "--learner")
        joined.spawn()
        support.put_many(members[0], 1000)
        wait_for(joined.healthy, "the new member to be healthy")
        wait_for(lambda: self.took_snapshot(joined), "the new member to take a snapshot")
        self.ctl(members[1], "member", "promote", joined.id)
        members.assert_same()


if __name__ == "__main__":
    support.main()
