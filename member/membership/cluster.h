// Cluster: who the members are, which have been removed, and the version they agree on. Rows of the
// buckets "members", "members_removed" and "cluster".
//
// Changed by applied entries on the apply thread; read from any thread, by immutable snapshots.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "member/backend/backend.h"
#include "member/membership/member.h"

namespace gatehouse::membership {

// The members at one moment, by id.
class Members {
 public:
  const std::vector<Member>& list() const { return members_; }
  const Member* find(uint64_t id) const;

 private:
  friend class Cluster;
  std::vector<Member> members_;
};

struct Downgrade {
  bool enabled = false;
  std::string target_version;  // "3.6.0"; "" when not enabled
};

class Cluster {
 public:
  struct Options {
    int max_learners = 1;
    std::string server_version;  // of this program, "3.7.1"
  };

  explicit Cluster(Options options) : options_(std::move(options)) {}

  // Forgets everything and reads the rows. kDataLoss: a row makes no sense; kFailedPrecondition: the
  // cluster or the storage is of a later version than this program.
  Status open(const backend::Backend& backend);

  void set_ids(uint64_t cluster_id, uint64_t member_id);
  uint64_t cluster_id() const { return cluster_id_; }
  uint64_t member_id() const { return member_id_; }

  // --- Any thread
  std::shared_ptr<const Members> members() const;
  bool is_removed(uint64_t id) const;
  std::set<uint64_t> removed() const;
  std::string version() const;          // "3.7.0"; "" before it is decided
  std::string storage_version() const;  // likewise
  Downgrade downgrade() const;
  // Voters and learners, as Raft knows them.
  raftpb::ConfState conf_state() const;

  // Whether a change may be made at all, with etcd's texts. What all members decide alike.
  Status check_conf_change(const raftpb::ConfChange& change) const;
  // Whether the cluster would keep a quorum of members that have started.
  Status check_reconfiguration(const raftpb::ConfChange& change) const;
  // The version to downgrade to, in full ("3.6.0"); errors with etcd's texts.
  Result<std::string> check_downgrade(std::string_view target) const;
  // A cluster version that is not older than the present one.
  bool version_may_become(std::string_view version) const;

  // --- The apply thread

  // check_conf_change() was OK. True when it removed this member.
  bool apply_conf_change(backend::Writer& writer, const raftpb::ConfChange& change);
  void set_attributes(backend::Writer& writer, uint64_t id, std::string name,
                      std::vector<std::string> client_urls);
  void set_version(backend::Writer& writer, std::string_view version);
  void set_downgrade(backend::Writer& writer, bool enabled, std::string_view version);
  // A bare request of etcd 3.5 and before, by which members told names and version. False when it is
  // neither.
  bool apply_v2_request(backend::Writer& writer, std::string_view bytes);

 private:
  Member* find(uint64_t id);
  const Member* find(uint64_t id) const;
  void put(backend::Writer& writer, const Member& member);
  void publish();  // with the mutex

  const Options options_;
  uint64_t cluster_id_ = 0;
  uint64_t member_id_ = 0;

  mutable std::mutex mutex_;
  std::vector<Member> members_;  // by id
  std::shared_ptr<const Members> published_ = std::make_shared<Members>();
  std::set<uint64_t> removed_;
  std::string version_;
  std::string storage_version_;
  Downgrade downgrade_;
};

}  // namespace gatehouse::membership
