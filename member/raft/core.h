// Core: one Raft member as a pure state machine. Messages, ticks and requests in, Ready out.
//
// "In Search of an Understandable Consensus Algorithm" (Ongaro, Ousterhout) and Ongaro's
// dissertation "Consensus: Bridging Theory and Practice"; messages and semantics as etcd-raft has
// them, so that a member can share a cluster with etcd's.
//
// No I/O, no clock, no thread. Not thread-safe: all calls from one thread; nothing calls back but
// Options::entropy and Options::trace. The owner's turn:
//
//   tick / step / propose / read_index ...;  while (core.has_ready()) handle(core.take_ready());
//
// Ready says what to do with it. The leader sends entries to others while they are being written
// here, and counts itself only when they are durable.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/status.h"
#include "member/raft/log.h"
#include "member/raft/options.h"
#include "member/raft/read_only.h"
#include "member/raft/ready.h"
#include "member/raft/tracker.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

class Core {
 public:
  // Errors, kInvalidArgument: options that contradict each other. kDataLoss: what was restored does
  // not fit together (a commit index beyond the log, a gap, an impossible configuration).
  static Result<std::unique_ptr<Core>> create(Options options, Restored restored);

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  struct Peer {
    NodeId id;
    std::string context;  // goes into the membership change that adds it
  };
  // The first start of a new cluster, before anything else: all its members begin with these
  // membership changes as committed entries of term 1. Only with an empty log and no peer 0.
  void bootstrap(std::span<const Peer> peers);

  // --- In
  void tick();

  // A message from another member, from != kNoNode. Whatever it says, this member survives: one
  // that contradicts what is committed is refused and changes nothing (kDataLoss; the sender or
  // this member has lost data), one that cannot be meant is kInvalidArgument. kUnavailable: a
  // forwarded proposal was dropped.
  Status step(Message message);

  // Appends here if this is the leader, else goes to the leader. kUnavailable: dropped, certainly
  // not executed (no leader, a leadership transfer under way, this member removed).
  // kResourceExhausted: dropped, too many bytes uncommitted. OK promises nothing: it may be lost.
  Status propose(std::vector<Payload> payloads);
  // A change that may not be made now (another one under way, or a joint configuration to be left
  // first) is appended as an empty entry instead: the caller sees that entry committed.
  Status propose_conf_change(const raftpb::ConfChange& change);
  Status propose_conf_change(const raftpb::ConfChangeV2& change);

  // Asks for a ReadState with this context. May be lost: ask again after some time.
  // kUnavailable: there is nobody to ask.
  Status read_index(std::string context);

  // Campaign now, without waiting for the timeout.
  void campaign();
  // Follower: no longer holds its leader for alive, so that it may grant pre-votes.
  void forget_leader();
  // It is known without waiting that this member does not run: its connections have ended and its
  // host refuses new ones. A follower of it is where an election timeout without a message would
  // have brought it: without a leader, ready to grant votes, and about to campaign when the random
  // part of its timeout has passed. Wrong news does no harm: the next message of the leader mends it.
  void leader_gone(NodeId id);
  // Asks the leader, here or elsewhere, to hand over to this voter. Given up after one election
  // timeout; proposals are dropped in the meantime.
  void transfer_leader(NodeId to);

  // From the transport: the last message to this peer did not get there.
  void report_unreachable(NodeId id);
  // From the transport: the snapshot sent to this peer has, or has not, arrived.
  void report_snapshot(NodeId id, bool arrived);

  // --- Out
  bool has_ready() const;
  Ready take_ready();
  // All writes up to this sequence number are durable and their messages sent.
  void persisted(uint64_t sequence);
  // The state machine has applied everything up to here.
  void applied_to(uint64_t index);
  // Handles of a Ready all at once: persisted, then applied. For owners that do all in line.
  void advance(const Ready& ready);

  // Carries out a change from a committed entry; call it when the entry is applied, before
  // applied_to. The new state is to be kept with the state machine. kFailedPrecondition: the change
  // does not fit the configuration; nothing happened, on all members alike.
  Result<raftpb::ConfState> apply_conf_change(const raftpb::ConfChangeV2& change);

  // --- Snapshots
  // The application made one at an applied index; it is what followers get that are too far behind.
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot) {
    log_.set_snapshot(std::move(snapshot));
  }
  // Forgets entries up to `index`, which the snapshot covers.
  void compact(uint64_t index) { log_.compact(index); }

  // --- State, for status, metrics and tests
  NodeId id() const { return options_.id; }
  Role role() const { return role_; }
  uint64_t term() const { return term_; }
  NodeId vote() const { return vote_; }
  NodeId leader() const { return leader_; }
  NodeId transfer_target() const { return transfer_target_; }
  HardState hard_state() const { return {term_, vote_, log_.committed()}; }
  const Log& log() const { return log_; }
  const Configuration& config() const { return tracker_.config(); }
  const Tracker& tracker() const { return tracker_; }
  const Options& options() const { return options_; }
  uint64_t uncommitted_bytes() const { return uncommitted_bytes_; }
  uint64_t pending_conf_index() const { return pending_conf_index_; }
  uint64_t randomized_election_ticks() const { return randomized_election_ticks_; }
  uint64_t writes_under_way() const { return log_.writes_under_way(); }
  bool is_learner() const;
  bool is_sole_voter() const;
  // Leads, is the only voter, and an entry of its term is committed: nobody else can have committed
  // or can commit anything, so what is committed here is all that a linearizable read must see.
  bool reads_need_no_quorum() const;
  // May it campaign? A voter, and without a snapshot still to be written.
  bool promotable() const;

 private:
  enum class Campaign : uint8_t { kPreVote, kElection, kTransfer };

  Core(Options options, Restored restored, Configuration config);

  // role.cc: each state is installed in one place
  void reset(uint64_t term);
  void become_follower(uint64_t term, NodeId leader);
  void become_pre_candidate();
  void become_candidate();
  void become_leader();
  void trace(const std::string& line);

  // election.cc
  void tick_election();
  void hup(bool transfer);
  void start_campaign(Campaign kind);
  void count_vote(NodeId from, bool granted);
  void handle_vote_request(const Message& message);
  bool unapplied_conf_change() const;

  // step.cc
  Status check_shape(const Message& message) const;
  // False when the message has been dealt with by its term.
  bool settle_term(const Message& message);
  Status step_role(Message message);
  Status step_candidate(Message message);
  Status drop(std::string reason) const;

  // step_follower.cc
  Status step_follower(Message message);
  Status handle_append(const Message& message);
  Status handle_heartbeat(const Message& message);
  Status handle_snapshot(const Message& message);
  bool restore(const std::shared_ptr<const Snapshot>& snapshot, Configuration config);

  // step_leader.cc
  Status step_leader(Message message);
  Status propose_entries(std::vector<Entry> entries);
  Status handle_proposal(std::vector<Entry> entries);
  void handle_append_response(Progress* peer, const Message& message);
  void handle_heartbeat_response(Progress* peer, const Message& message);
  void handle_transfer(NodeId to);
  void tick_heartbeat();
  void check_quorum();
  bool refuse_conf_change(const raftpb::ConfChangeV2& change);
  bool append_entries(std::vector<Entry> entries);
  void leave_joint_if_due();
  void own_log_grew();

  // read_index.cc
  Status handle_read_index(Message message);
  void start_read(PendingRead read);
  void answer_read(PendingRead read);
  void release_held_reads();
  bool committed_in_term() const;

  // send.cc
  void send(Message message);
  bool send_append(Progress* to, bool even_if_empty);
  bool send_snapshot(Progress* to);
  void send_heartbeat(Progress* to, const std::string& context);
  void send_timeout_now(NodeId to);
  void broadcast_append();
  void broadcast_heartbeat(const std::string& context);
  bool maybe_commit();

  Options options_;
  Log log_;
  Tracker tracker_;
  ReadOnly reads_;

  Role role_ = Role::kFollower;
  uint64_t term_ = 0;
  NodeId vote_ = kNoNode;
  NodeId leader_ = kNoNode;
  NodeId transfer_target_ = kNoNode;

  uint64_t election_elapsed_ = 0;
  uint64_t heartbeat_elapsed_ = 0;
  uint64_t randomized_election_ticks_ = 0;

  // The last entry that may be a membership change and is not yet known to be applied.
  uint64_t pending_conf_index_ = 0;
  uint64_t uncommitted_bytes_ = 0;
  // Reads that came before the first commit of this term; at most max_pending_reads with reads_.
  std::vector<PendingRead> held_reads_;

  // What the next Ready carries.
  std::vector<Message> messages_;
  std::vector<Message> after_persist_;
  std::vector<ReadState> read_states_;
  HardState last_hard_state_;
  SoftState last_soft_state_;

  // This member's vote for itself counts when the term and the vote are durable.
  struct OwnVote {
    uint64_t sequence;  // 0: not yet handed out
    uint64_t term;
  };
  std::optional<OwnVote> own_vote_;
};

}  // namespace gatehouse::raft
