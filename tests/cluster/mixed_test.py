#!/usr/bin/env python3
"""Members of ours and of stock etcd in one cluster, each kind leading and each kind lagging."""

import support
from support import SHORT_LOG, Case, MEMBER_BINARY, Members, wait_for


class Mixed(Case):
    def test_with_etcd_37(self):
        ours, stock = MEMBER_BINARY(), support.stock_37()
        members = Members(self, [ours, stock, ours], SHORT_LOG)
        for i, leader in enumerate(members):
            members.make_leader(leader)
            lagging = members[(i + 1) % 3]
            lagging.kill()
            support.put_many(leader, 400)
            lagging.start()
            wait_for(lambda: "applied snapshot" in lagging.log(), f"{lagging.name} to take a snapshot")
            lease = self.ctl(lagging, "lease", "grant", "60").split()[1]
            for member in members:
                self.assertIn("keepalived", self.ctl(member, "lease", "keep-alive", "--once", lease))
            members.assert_same()

    def test_joining_either_kind(self):
        ours, stock = MEMBER_BINARY(), support.stock_37()
        for first, second in ((stock, ours), (ours, stock)):
            members = Members(self, [first], SHORT_LOG)
            support.put_many(members[0], 300)
            joined = members.add("m1", "--learner", binary=second)
            joined.start()
            wait_for(lambda: support.etcdctl(members[0], "member", "promote", joined.id)[0] == 0, "the promotion")
            members.make_leader(joined)
            self.ctl(members[0], "put", "through", "the first")
            members.assert_same()


if __name__ == "__main__":
    support.main()
