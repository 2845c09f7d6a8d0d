// Operations: what services ask of a member beside proposals and reads, carried to the thread it
// belongs on and back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "common/env/executor.h"
#include "member/api/context.h"
#include "member/membership/cluster.h"
#include "member/peers.h"
#include "member/replica/aside.h"
#include "member/replica/replica.h"

namespace gatehouse::member {

class Operations final : public api::Operator {
 public:
  // `executor` is the replica's. All outlive it; the replica is told later, before the first call.
  Operations(env::Executor& executor, membership::Cluster& cluster, bool strict_reconfiguration);

  void set_replica(replica::Replica* replica, Peers* peers) {
    replica_ = replica;
    peers_ = peers;
  }

  void run_aside(replica::Lane& lane, std::function<void()> work,
                 std::function<void()> then) override;
  // The same for the replica's own loop.
  void run_aside(std::function<void()> work, std::function<void()> then) {
    aside_.run(executor_, std::move(work), std::move(then));
  }
  void move_leader(replica::Lane& lane, uint64_t target, Done done) override;
  void change_membership(replica::Lane& lane, raftpb::ConfChange change, Done done) override;
  // The member is about to end: if it leads others, the voter that has most of its log is asked to
  // lead. `done` comes on the replica's thread, when that or another one leads, and after an
  // election timeout in any case; at once when there is nothing to hand over. Any thread.
  void hand_over(std::function<void()> done);
  void renew_at_leader(replica::Lane& lane, int64_t id,
                       std::function<void(Result<int64_t>)> done) override;
  void time_to_live_at_leader(replica::Lane& lane, std::string request,
                              std::function<void(Result<std::string>)> done) override;
  void refresh_view() override;
  void raise_no_space() override;

 private:
  // --strict-reconfig-check: no change that would lose a quorum of members that run.
  Status check_strictly(const membership::ParsedChange& change) const;
  // Voters, this one included, that it has been connected to for some time.
  size_t connected_voters() const;
  Status check_connected_to_add() const;
  Status check_connected_to_remove(uint64_t id) const;
  void promote(uint64_t id, Done done);

  // Of a leadership transfer: asks at each tick whether it is done.
  struct Transfer;
  void watch_transfer(std::shared_ptr<Transfer> transfer);

  void watch_hand_over(std::shared_ptr<std::optional<env::Timer>> timer,
                       std::function<void()> done);

  env::Executor& executor_;
  membership::Cluster& cluster_;
  const bool strict_;
  replica::Replica* replica_ = nullptr;
  Peers* peers_ = nullptr;
  std::atomic<bool> raising_{false};
  replica::Aside aside_;
};

}  // namespace gatehouse::member
