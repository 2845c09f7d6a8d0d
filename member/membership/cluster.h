// Cluster: who is in the cluster, what may change, and its rows (buckets members, members_removed,
// cluster; "confState" of meta).
//
// Changed by the writer's thread as the log says; the rows become durable with the transaction that
// the given Writer is in, together with the applied index. Read from any thread by members(): an
// immutable snapshot.
//
//   propose: check_add_voter()… ──> add_change() ──> log ──> validate(), raft, apply()
//
// Errors for clients carry the codes and texts of etcd's catalogue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "member/backend/backend.h"
#include "member/membership/conf_change.h"
#include "member/membership/members.h"
#include "proto/raft.pb.h"

namespace gatehouse::membership {

inline constexpr size_t kDefaultMaxLearners = 1;

class Cluster {
 public:
  // Empty until restore(), replace() or the first apply().
  Cluster(uint64_t local_id, uint64_t cluster_id, size_t max_learners = kDefaultMaxLearners);

  uint64_t local_id() const { return local_id_; }
  uint64_t id() const { return cluster_id_; }

  // The present state. Any thread; never null.
  std::shared_ptr<const Members> members() const;

  // --- Writer.

  // Reads the rows: at the start, and again when a snapshot has replaced the database. DataLoss
  // (and nothing changed) when a row is none of ours.
  Status restore(const backend::Reader& reader);
  // Makes the rows say `members` and nothing else: a directory of another version whose log or v2
  // snapshot knows better, or a restored backup.
  void replace(backend::Writer& writer, Members members);

  // Would apply() do it? NotFound, FailedPrecondition as clients know them; InvalidArgument when
  // the change cannot be read. A change that may not be applied goes to raft with node_id 0, and
  // the error to the waiter.
  Status validate(const raftpb::ConfChange& change) const;
  // Validates and does it. What was done, for the transport: kAdd, kUpdate and kPromote with the
  // member as it is now, kRemove with the member as it was.
  Result<ParsedChange> apply(backend::Writer& writer, const raftpb::ConfChange& change);

  // Publish: a member's name and client URLs. False when it is not (or no longer) a member.
  bool set_attributes(backend::Writer& writer, uint64_t id, std::string name,
                      std::vector<std::string> client_urls);
  // "3.7.0". InvalidArgument when it is not three numbers.
  Status set_version(backend::Writer& writer, std::string_view version);
  void set_downgrade(backend::Writer& writer, const Downgrade& downgrade);

  // Told of the cluster's version ("3.7.0") when it is set, and at once where there is one. Set before
  // the writer writes; called on its thread.
  void on_version(std::function<void(const std::string&)> told);

  // --- Before proposing, with --strict-reconfig-check: do enough voters run (have published) for a
  // quorum afterwards? Any thread. MemberNotEnoughStarted, code Unknown as etcd's wire has it.

  Status check_add_voter() const;
  // NotFound when it is not a member. A learner may always go.
  Status check_remove(uint64_t id) const;
  // NotFound, MemberNotLearner.
  Status check_promote(uint64_t id) const;

  // May the leader hand over to it? BadLeaderTransferee: not a member, or a learner.
  Status check_transferee(uint64_t id) const;

 private:
  Status validate(const Members& members, const raftpb::ConfChange& change,
                  const ParsedChange& parsed) const;
  void publish(Members members);

  const uint64_t local_id_;
  const uint64_t cluster_id_;
  const size_t max_learners_;
  std::function<void(const std::string&)> told_version_;
  mutable std::mutex mutex_;  // over the pointer
  std::shared_ptr<const Members> members_;
};

}  // namespace gatehouse::membership
