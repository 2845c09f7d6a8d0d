#include "member/membership/cluster.h"

#include <algorithm>
#include <utility>

#include "member/membership/version.h"
#include "member/schema/meta.h"

namespace gatehouse::membership {
namespace {

using backend::Bucket;
using Kind = ParsedChange::Kind;

constexpr std::string_view kClusterVersion = "clusterVersion";
constexpr std::string_view kDowngrade = "downgrade";
constexpr std::string_view kRemoved = "removed";

Status member_not_found() { return not_found("etcdserver: member not found"); }
Status refused(std::string_view text) {
  return Status(StatusCode::kFailedPrecondition, std::string(text));
}
Status not_learner() { return refused("etcdserver: can only promote a learner member"); }

Status bad_row(std::string_view bucket, std::string_view key, const Status& why) {
  return Status(StatusCode::kDataLoss, "bucket \"" + std::string(bucket) + "\", row \"" +
                                           std::string(key) + "\": " + why.message());
}

void put_member(backend::Writer& writer, const Member& member) {
  writer.put(Bucket::kMembers, schema::id_text(member.id), schema::member_json(member));
}

void put_conf_state(backend::Writer& writer, const Members& members) {
  writer.put(Bucket::kMeta, schema::kConfState, schema::conf_state_json(members.conf_state()));
}

bool url_taken(const Members& members, const std::vector<std::string>& urls, uint64_t by_other) {
  return std::any_of(members.by_id.begin(), members.by_id.end(), [&](const auto& entry) {
    if (entry.first == by_other) return false;
    const std::vector<std::string>& theirs = entry.second.peer_urls;
    return std::find_first_of(urls.begin(), urls.end(), theirs.begin(), theirs.end()) != urls.end();
  });
}

struct Voters {
  size_t all = 0;
  size_t started = 0;

  Status check() const {
    if (started >= all / 2 + 1) return Status();
    return Status(StatusCode::kUnknown,
                  "etcdserver: re-configuration failed due to not enough started members");
  }
};

Voters count_voters(const Members& members, uint64_t except = 0) {
  Voters voters;
  for (const auto& [id, member] : members.by_id) {
    if (member.is_learner || id == except) continue;
    ++voters.all;
    if (member.started()) ++voters.started;
  }
  return voters;
}

}  // namespace

size_t Members::learners() const {
  return static_cast<size_t>(std::count_if(
      by_id.begin(), by_id.end(), [](const auto& entry) { return entry.second.is_learner; }));
}

raftpb::ConfState Members::conf_state() const {
  raftpb::ConfState state;
  for (const auto& [id, member] : by_id) {
    member.is_learner ? state.add_learners(id) : state.add_voters(id);
  }
  state.set_auto_leave(false);
  return state;
}

Cluster::Cluster(uint64_t local_id, uint64_t cluster_id, size_t max_learners)
    : local_id_(local_id),
      cluster_id_(cluster_id),
      max_learners_(max_learners),
      members_(std::make_shared<const Members>()) {}

std::shared_ptr<const Members> Cluster::members() const {
  const std::lock_guard lock(mutex_);
  return members_;
}

void Cluster::publish(Members members) {
  auto next = std::make_shared<const Members>(std::move(members));
  const std::lock_guard lock(mutex_);
  members_.swap(next);
}

Status Cluster::restore(const backend::Reader& reader) {
  Members members;
  Status status;
  reader.scan(Bucket::kMembers, {}, {}, [&](std::string_view key, std::string_view value) {
    Result<schema::ParsedMember> parsed = schema::parse_member(value);
    if (!parsed.ok()) {
      status = bad_row("members", key, parsed.status());
    } else if (schema::id_text(parsed->member.id) != key) {
      status = bad_row("members", key, internal_error("is of another member"));
    } else {
      members.by_id.emplace(parsed->member.id, std::move(parsed->member));
    }
    return status.ok();
  });
  GATEHOUSE_RETURN_IF_ERROR(status);
  reader.scan(Bucket::kMembersRemoved, {}, {}, [&](std::string_view key, std::string_view) {
    const std::optional<uint64_t> id = schema::parse_id(key);
    if (id) {
      members.removed.insert(*id);
    } else {
      status = bad_row("members_removed", key, internal_error("is no member's id"));
    }
    return status.ok();
  });
  GATEHOUSE_RETURN_IF_ERROR(status);
  std::string_view value;
  if (reader.get(Bucket::kCluster, kClusterVersion, value)) {
    if (!is_version(value)) {
      return bad_row("cluster", kClusterVersion, internal_error("is no version"));
    }
    members.version = value;
  }
  if (reader.get(Bucket::kCluster, kDowngrade, value)) {
    Result<Downgrade> downgrade = schema::parse_downgrade(value);
    if (!downgrade.ok()) return bad_row("cluster", kDowngrade, downgrade.status());
    members.downgrade = std::move(*downgrade);
  }
  publish(std::move(members));
  return Status();
}

void Cluster::replace(backend::Writer& writer, Members members) {
  const std::shared_ptr<const Members> old = this->members();
  for (const auto& [id, member] : old->by_id) {
    if (members.find(id) == nullptr) writer.remove(Bucket::kMembers, schema::id_text(id));
  }
  for (const uint64_t id : old->removed) {
    if (!members.removed.contains(id)) {
      writer.remove(Bucket::kMembersRemoved, schema::id_text(id));
    }
  }
  for (const auto& [id, member] : members.by_id) put_member(writer, member);
  for (const uint64_t id : members.removed) {
    writer.put(Bucket::kMembersRemoved, schema::id_text(id), kRemoved);
  }
  if (members.version.empty()) {
    writer.remove(Bucket::kCluster, kClusterVersion);
  } else {
    writer.put(Bucket::kCluster, kClusterVersion, members.version);
  }
  if (members.downgrade == Downgrade()) {
    writer.remove(Bucket::kCluster, kDowngrade);
  } else {
    writer.put(Bucket::kCluster, kDowngrade, schema::downgrade_json(members.downgrade));
  }
  put_conf_state(writer, members);
  publish(std::move(members));
}

Status Cluster::validate(const raftpb::ConfChange& change) const {
  const Result<ParsedChange> parsed = parse_change(change);
  if (!parsed.ok()) return parsed.status();
  return validate(*members(), change, parsed.value());
}

Status Cluster::validate(const Members& members, const raftpb::ConfChange& change,
                         const ParsedChange& parsed) const {
  const uint64_t id = change.node_id();
  if (members.removed.contains(id)) return member_not_found();
  const Member* const present = members.find(id);
  switch (parsed.kind) {
    case Kind::kAdd:
      if (present != nullptr) return refused("etcdserver: member ID already exist");
      if (url_taken(members, parsed.member.peer_urls, id)) {
        return refused("etcdserver: Peer URLs already exists");
      }
      if (parsed.member.is_learner && members.learners() + 1 > max_learners_) {
        return refused("etcdserver: too many learner members in cluster");
      }
      return Status();
    case Kind::kPromote:
      if (present == nullptr) return member_not_found();
      return present->is_learner ? Status() : not_learner();
    case Kind::kRemove:
      return present == nullptr ? member_not_found() : Status();
    case Kind::kUpdate:
      if (present == nullptr) return member_not_found();
      if (url_taken(members, parsed.member.peer_urls, id)) {
        return refused("etcdserver: Peer URLs already exists");
      }
      return Status();
  }
  return internal_error("no such change");
}

Result<ParsedChange> Cluster::apply(backend::Writer& writer, const raftpb::ConfChange& change) {
  Result<ParsedChange> parsed = parse_change(change);
  if (!parsed.ok()) return parsed.status();
  Members next = *members();
  GATEHOUSE_RETURN_IF_ERROR(validate(next, change, parsed.value()));
  const uint64_t id = change.node_id();
  Member& member = next.by_id[id];
  switch (parsed->kind) {
    case Kind::kAdd:
      member = parsed->member;
      break;
    case Kind::kPromote:
      member.is_learner = false;
      break;
    case Kind::kUpdate:
      member.peer_urls = std::move(parsed->member.peer_urls);
      break;
    case Kind::kRemove:
      break;
  }
  parsed->member = member;
  if (parsed->kind == Kind::kRemove) {
    next.by_id.erase(id);
    next.removed.insert(id);
    writer.remove(Bucket::kMembers, schema::id_text(id));
    writer.put(Bucket::kMembersRemoved, schema::id_text(id), kRemoved);
  } else {
    put_member(writer, member);
  }
  put_conf_state(writer, next);
  publish(std::move(next));
  return parsed;
}

bool Cluster::set_attributes(backend::Writer& writer, uint64_t id, std::string name,
                             std::vector<std::string> client_urls) {
  Members next = *members();
  const auto at = next.by_id.find(id);
  if (at == next.by_id.end()) return false;
  at->second.name = std::move(name);
  at->second.client_urls = std::move(client_urls);
  put_member(writer, at->second);
  publish(std::move(next));
  return true;
}

Status Cluster::set_version(backend::Writer& writer, std::string_view version) {
  if (!is_version(version)) {
    return invalid_argument("cluster version \"" + std::string(version) + "\" is no version");
  }
  Members next = *members();
  next.version = version;
  writer.put(Bucket::kCluster, kClusterVersion, version);
  publish(std::move(next));
  if (told_version_) told_version_(std::string(version));
  return Status();
}

void Cluster::on_version(std::function<void(const std::string&)> told) {
  told_version_ = std::move(told);
  const std::string version = members()->version;
  if (!version.empty()) told_version_(version);
}

void Cluster::set_downgrade(backend::Writer& writer, const Downgrade& downgrade) {
  Members next = *members();
  next.downgrade = downgrade;
  if (!downgrade.enabled) next.downgrade.target.clear();
  writer.put(Bucket::kCluster, kDowngrade, schema::downgrade_json(next.downgrade));
  publish(std::move(next));
}

Status Cluster::check_add_voter() const {
  Voters voters = count_voters(*members());
  // A cluster of one may always grow: that is how one restored from a backup does.
  if (voters.all == 1 && voters.started == 1) return Status();
  ++voters.all;
  return voters.check();
}

Status Cluster::check_remove(uint64_t id) const {
  const std::shared_ptr<const Members> members = this->members();
  const Member* const member = members->find(id);
  if (member == nullptr) return member_not_found();
  return member->is_learner ? Status() : count_voters(*members, id).check();
}

Status Cluster::check_promote(uint64_t id) const {
  const std::shared_ptr<const Members> members = this->members();
  const Member* const member = members->find(id);
  if (member == nullptr) return member_not_found();
  if (!member->is_learner) return not_learner();
  Voters voters = count_voters(*members);
  // It counts as started: it runs, or it would not be in sync with the leader.
  ++voters.all;
  ++voters.started;
  return voters.check();
}

Status Cluster::check_transferee(uint64_t id) const {
  const std::shared_ptr<const Members> members = this->members();
  const Member* const member = members->find(id);
  if (member == nullptr || member->is_learner) {
    return refused("etcdserver: bad leader transferee");
  }
  return Status();
}

}  // namespace gatehouse::membership
