// A cluster of cores in one process under one seed: a network that loses, repeats, reorders and
// cuts off; members that crash and come back with what their disks held; and the rules of figure 3
// of the Raft paper checked after every step.
//
// Disks: writes are done in order and acknowledged later. A crash keeps a prefix of what was not
// synced, of a length drawn from the seed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "member/raft/core.h"
#include "member/raft/invariants.h"

namespace gatehouse::raft {

class Simulation {
 public:
  explicit Simulation(uint64_t seed);

  // `steps` random events, then all faults end and the cluster has to agree on one more entry.
  // Returns the first broken rule in words.
  std::optional<std::string> run(size_t steps);

  // What happened, to see that a run tests what it claims to.
  struct Counts {
    uint64_t leaders = 0;
    uint64_t crashes = 0;
    uint64_t committed = 0;
    uint64_t conf_changes = 0;
    uint64_t snapshots_restored = 0;
    uint64_t reads = 0;
    uint64_t blocked = 0;  // ended without agreement for a reason the algorithm knows
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Write {
    uint64_t sequence;
    bool must_sync;
    std::optional<HardState> hard_state;
    std::vector<Entry> entries;
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<Message> after;
  };
  struct Disk {
    HardState hard_state;
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<Entry> entries;

    void perform(const Write& write);
  };
  struct Apply {
    std::shared_ptr<const Snapshot> snapshot;
    uint64_t after_write;  // a snapshot is applied when it is durable
    std::vector<Entry> entries;
  };
  struct Member {
    NodeId id;
    std::unique_ptr<Core> core;  // null while it is down
    Invariants invariants;
    Disk disk;                    // synced
    std::vector<Write> unsynced;  // acknowledged, not synced
    std::deque<Write> under_way;  // handed out
    std::deque<Apply> to_apply;
    uint64_t writes_done = 0;
    uint64_t applied = 0;
    raftpb::ConfState conf_state;
    uint64_t committed_seen = 0;
    bool leading = false;
  };
  struct Chosen {
    uint64_t entry_term;
    uint64_t commit_term;  // of the member that committed it first: its leader
    Payload data;
  };

  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }
  Member& any_member() { return members_[below(members_.size())]; }

  void event();
  void start(Member* member);
  void crash(Member* member);
  void deliver_one();
  void write_one(Member* member);
  void apply_one(Member* member);
  void propose_change(Member* member);
  void take_snapshot(Member* member);
  void drain(Member* member);
  void send(std::vector<Message> messages);
  void heal();
  void calm_round();
  bool blocked_by_removed() const;

  void check(Member* member);
  void check_new_leader(const Member& member);
  void fail(const std::string& what);

  std::mt19937_64 random_;
  std::vector<Core::Peer> founders_;
  std::vector<Member> members_;
  std::vector<Message> network_;
  std::set<std::pair<NodeId, NodeId>> cut_;  // from, to
  uint64_t loss_one_in_ = 20;
  bool faults_ = true;
  uint64_t next_payload_ = 0;
  uint64_t next_read_ = 0;
  std::optional<std::string> failure_;
  Counts counts_;

  std::map<uint64_t, NodeId> leader_of_term_;
  std::vector<Chosen> chosen_;  // entry i + 1
  std::map<std::pair<uint64_t, uint64_t>, std::pair<uint64_t, Payload>> written_;
  std::map<std::string, uint64_t> reads_;  // context -> what was committed when it was asked
};

}  // namespace gatehouse::raft
