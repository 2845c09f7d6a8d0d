#!/usr/bin/env python3
"""Members come, are promoted, move and go, while the others serve."""

import support
from support import Case, etcdctl, wait_for

import cluster


class Membership(Case):
    def test_from_one_to_three_and_back(self):
        members = self.members(1)
        support.put_many(members[0], 50)
        for name in ("m1", "m2"):
            joined = members.add(name)
            joined.start()
        members.assert_same()
        listed = self.ctl(members[1], "member", "list").splitlines()
        self.assertEqual(len(listed), 3)
        self.assertEqual([line.split(", ")[1] for line in listed], ["started"] * 3)
        for victim in members[1:]:
            wait_for(lambda: etcdctl(members[0], "member", "remove", victim.id)[0] == 0, "the removal")
            self.assertEqual(victim.process.wait(support.CALL_TIMEOUT_S), 0)
        wait_for(lambda: etcdctl(members[0], "put", "alone", "1")[0] == 0, "the last one to serve")

    def test_learner(self):
        members = self.members(3)
        support.put_many(members[0], 50)
        follower = members.followers()[0]
        learner = members.add("m3", "--learner", through=follower)
        self.refused(follower, "too many learner members", "member", "add", "m4", "--learner",
                     "--peer-urls=http://127.0.0.1:1")
        self.refused(follower, "in sync with leader", "member", "promote", learner.id)
        self.refused(follower, "member not found", "member", "promote", "abc")
        learner.spawn()
        wait_for(lambda: learner.check_alive() and etcdctl(learner, "get", "k1", "--consistency=s")[1] != "",
                 "the learner to have the data")
        for argv in (["get", "k1"], ["put", "k1", "x"], ["lease", "grant", "10"], ["member", "list"]):
            self.refused(learner, "rpc not supported for learner", *argv)
        self.assertTrue(members.status(learner)["isLearner"])
        self.refused(members.leader(), "bad leader transferee", "move-leader", learner.id)
        self.assertEqual(self.metric(learner, "etcd_server_is_learner"), 1)
        wait_for(lambda: etcdctl(follower, "member", "promote", learner.id)[0] == 0, "the promotion")
        self.refused(follower, "can only promote a learner member", "member", "promote", learner.id)
        wait_for(lambda: etcdctl(learner, "get", "k1")[0] == 0, "the voter to serve")
        members.make_leader(learner)
        members.assert_same()
        self.assertGreaterEqual(sum(self.metric(m, "etcd_server_learner_promote_successes") for m in members), 1)

    def test_a_removed_member_stays_away(self):
        members = self.members(3)
        victim = members.followers()[0]
        victim_id = members.id_of(victim)
        through = members.leader()
        wait_for(lambda: etcdctl(through, "member", "remove", victim_id)[0] == 0, "the removal")
        self.refused(through, "member not found", "member", "remove", victim_id)
        for _ in range(2):
            self.assertEqual(victim.process.wait(support.CALL_TIMEOUT_S), 0)
            self.assertIn("the member has been permanently removed from the cluster", victim.log())
            self.assertIn("data-dir used by this member must be removed", victim.log())
            victim.spawn()
        self.ctl(through, "put", "still", "served")

    def test_the_leader_may_be_removed(self):
        members = self.members(3)
        leader = members.leader()
        leader_id = members.id_of(leader)
        wait_for(lambda: etcdctl(leader, "member", "remove", leader_id)[0] == 0, "the removal")
        self.assertEqual(leader.process.wait(support.CALL_TIMEOUT_S), 0)
        wait_for(lambda: etcdctl(members.running()[0], "put", "a", "b")[0] == 0, "another to lead")
        members.assert_same()

    def test_strict_reconfiguration(self):
        members = self.members(3)
        leader = members.leader()
        # Just started: not connected for long enough.
        self.refused(leader, "unhealthy cluster", "member", "add", "x", "--peer-urls=http://127.0.0.1:1")
        self.refused(leader, "unhealthy cluster", "member", "remove", members.id_of(members.followers()[0]))
        down = members.followers()[0]
        down_id = members.id_of(down)
        down.kill()
        wait_for(lambda: "peer became inactive" in leader.log(), "the loss to be noticed")
        self.refused(leader, "unhealthy cluster", "member", "add", "x", "--peer-urls=http://127.0.0.1:1")
        # One that is down is no part of what works.
        self.ctl(leader, "member", "remove", down_id)
        # One of a quorum of two, none of which has ever started.
        added = members.add("m3")
        self.refused(leader, "not enough started members", "member", "add", "y", "--peer-urls=http://127.0.0.1:1")
        self.ctl(leader, "member", "remove", added.id)

    def test_peer_urls_move(self):
        members = self.members(3)
        mover = members.followers()[0]
        mover_id = members.id_of(mover)
        url = f"http://127.0.0.1:{cluster.free_port()}"
        self.refused(mover, "Peer URLs already exists", "member", "update", mover_id,
                     f"--peer-urls={members.leader().peer_url}")
        self.ctl(mover, "member", "update", mover_id, f"--peer-urls={url}")
        mover.stop()
        for flag in ("--listen-peer-urls", "--initial-advertise-peer-urls"):
            mover.argv[mover.argv.index(flag) + 1] = url
        mover.start()
        self.ctl(mover, "put", "moved", "1")
        self.assertIn(url, self.ctl(members.leader(), "member", "list"))
        members.assert_same()

    def test_joining_by_wrong_flags(self):
        members = self.members(1)
        joined = members.add("m1")
        good = joined.argv[joined.argv.index("--initial-cluster") + 1]
        other = f"http://127.0.0.1:{cluster.free_port()}"
        for peers, text in ((f"{good},more={other}", "member count is unequal"),
                            (good.replace(joined.peer_url, other), "no match found for existing member"),
                            (f"m1={joined.peer_url}", "cannot fetch cluster info from peer urls")):
            joined.argv[joined.argv.index("--initial-cluster") + 1] = peers
            joined.spawn()
            self.assertEqual(joined.process.wait(support.CALL_TIMEOUT_S), 1)
            self.assertIn(text, joined.log())
            self.assertFalse((joined.data_dir / "member").exists(), "something was written")
        joined.argv[joined.argv.index("--initial-cluster") + 1] = good
        joined.start()
        members.assert_same()

    def test_the_last_one_goes_on_alone(self):
        members = self.members(3)
        support.put_many(members[0], 50)
        last = members[0]
        others = [members.id_of(member) for member in members[1:]]
        for member in members[1:]:
            member.kill()
        etcdctl(last, "put", "never", "committed", "--command-timeout=1s")
        last.kill()
        last.argv.append("--force-new-cluster")
        last.start()
        self.assertEqual(len(self.ctl(last, "member", "list").splitlines()), 1)
        self.assertEqual(self.ctl(last, "get", "k1", "--keys-only"), "k1")
        last.kill()
        last.argv.remove("--force-new-cluster")
        last.start()
        self.ctl(last, "put", "alone", "1")
        # The others' data is of no use any more, but they may be replaced.
        members[1].spawn()
        self.assertEqual(members[1].process.wait(support.CALL_TIMEOUT_S), 0)
        self.assertIn("permanently removed", members[1].log())
        self.refused(last, "member not found", "member", "remove", others[0])
        members.add("m3", through=last).start()
        members.assert_same()

    def test_a_member_that_lost_its_data_does_not_begin_again(self):
        members = self.members(3)
        victim = members.followers()[0]
        victim.kill()
        victim.data_dir.rename(str(victim.data_dir) + ".lost")
        victim.spawn()
        self.assertEqual(victim.process.wait(support.CALL_TIMEOUT_S), 1)
        self.assertIn("has already been bootstrapped", victim.log())


if __name__ == "__main__":
    support.main()
