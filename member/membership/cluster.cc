#include "member/membership/cluster.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/check.h"
#include "member/membership/v2_request.h"
#include "member/membership/version.h"
#include "member/schema/meta.h"

namespace gatehouse::membership {

namespace {

using backend::Bucket;

constexpr std::string_view kClusterVersion = "clusterVersion";
constexpr std::string_view kDowngrade = "downgrade";

Status bad_row(Bucket bucket, std::string_view key) {
  return Status(StatusCode::kDataLoss, "the database has a row in bucket \"" +
                                           std::string(backend::bucket_name(bucket)) +
                                           "\" that makes no sense: " + std::string(key));
}

std::optional<uint64_t> parse_id(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

std::string downgrade_json(const Downgrade& downgrade) {
  return "{\"target-version\":" + json_text(downgrade.target_version) +
         (downgrade.enabled ? ",\"enabled\":true}" : ",\"enabled\":false}");
}

bool less_id(const Member& member, uint64_t id) { return member.id < id; }

}  // namespace

const Member* Members::find(uint64_t id) const {
  const auto found = std::lower_bound(members_.begin(), members_.end(), id, less_id);
  return found != members_.end() && found->id == id ? &*found : nullptr;
}

const Member* Cluster::find(uint64_t id) const {
  const auto found = std::lower_bound(members_.begin(), members_.end(), id, less_id);
  return found != members_.end() && found->id == id ? &*found : nullptr;
}

Member* Cluster::find(uint64_t id) { return const_cast<Member*>(std::as_const(*this).find(id)); }

void Cluster::publish() {
  auto members = std::make_shared<Members>();
  members->members_ = members_;
  published_ = std::move(members);
}

Status Cluster::open(const backend::Backend& backend) {
  const std::lock_guard lock(mutex_);
  members_.clear();
  removed_.clear();
  version_.clear();
  storage_version_.clear();
  downgrade_ = Downgrade();
  const auto reader = backend.read();
  Status status;
  reader->scan(Bucket::kMembers, {}, {}, [&](std::string_view key, std::string_view value) {
    Result<Member> member = from_json(value);
    if (!member.ok() || parse_id(key) != member->id) {
      status = bad_row(Bucket::kMembers, key);
      return false;
    }
    members_.push_back(std::move(*member));
    return true;
  });
  GATEHOUSE_RETURN_IF_ERROR(status);
  std::sort(members_.begin(), members_.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  reader->scan(Bucket::kMembersRemoved, {}, {}, [&](std::string_view key, std::string_view) {
    const std::optional<uint64_t> id = parse_id(key);
    if (!id) {
      status = bad_row(Bucket::kMembersRemoved, key);
      return false;
    }
    removed_.insert(*id);
    return true;
  });
  GATEHOUSE_RETURN_IF_ERROR(status);

  std::string_view value;
  if (reader->get(Bucket::kCluster, kClusterVersion, value)) version_ = value;
  if (reader->get(Bucket::kMeta, schema::kStorageVersion, value)) storage_version_ = value;
  if (reader->get(Bucket::kCluster, kDowngrade, value)) {
    const nlohmann::json json =
        nlohmann::json::parse(value.begin(), value.end(), nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return bad_row(Bucket::kCluster, kDowngrade);
    const auto enabled = json.find("enabled");
    const auto target = json.find("target-version");
    downgrade_.enabled = enabled != json.end() && enabled->is_boolean() && enabled->get<bool>();
    if (target != json.end() && target->is_string()) {
      downgrade_.target_version = target->get<std::string>();
    }
  }
  publish();
  const std::optional<Version> server = parse_version(options_.server_version);
  CHECK(server.has_value());
  for (const auto& [what, text] : {std::pair("cluster", &version_),
                                   std::pair("storage", &storage_version_)}) {
    if (text->empty()) continue;
    const std::optional<Version> version = parse_version(*text);
    if (!version) return bad_row(Bucket::kCluster, *text);
    if (version->without_patch() > server->without_patch()) {
      return Status(StatusCode::kFailedPrecondition,
                    std::string("invalid downgrade: the ") + what + " version " + *text +
                        " is newer than this server's " + options_.server_version);
    }
  }
  return Status();
}

void Cluster::set_ids(uint64_t cluster_id, uint64_t member_id) {
  cluster_id_ = cluster_id;
  member_id_ = member_id;
}

std::shared_ptr<const Members> Cluster::members() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

bool Cluster::is_removed(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  return removed_.contains(id);
}

std::set<uint64_t> Cluster::removed() const {
  const std::lock_guard lock(mutex_);
  return removed_;
}

std::string Cluster::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

std::string Cluster::storage_version() const {
  const std::lock_guard lock(mutex_);
  return storage_version_;
}

Downgrade Cluster::downgrade() const {
  const std::lock_guard lock(mutex_);
  return downgrade_;
}

raftpb::ConfState Cluster::conf_state() const {
  const std::lock_guard lock(mutex_);
  raftpb::ConfState state;
  for (const Member& member : members_) {
    member.is_learner ? state.add_learners(member.id) : state.add_voters(member.id);
  }
  state.set_auto_leave(false);
  return state;
}

bool Cluster::version_may_become(std::string_view version) const {
  const std::optional<Version> wanted = parse_version(version);
  const std::lock_guard lock(mutex_);
  const std::optional<Version> present = parse_version(version_);
  return wanted && (!present || *wanted > *present);
}

bool Cluster::apply_conf_change(backend::Writer& writer, const raftpb::ConfChange& change) {
  const std::lock_guard lock(mutex_);
  const uint64_t id = change.node_id();
  bool removed_self = false;
  bool promote = false;
  Result<Member> context = invalid_argument("");
  if (change.type() != raftpb::ConfChangeRemoveNode) {
    context = from_json(change.context(), &promote);
    CHECK_MSG(context.ok(), "a membership change that was not checked");
  }
  switch (change.type()) {
    case raftpb::ConfChangeAddNode:
    case raftpb::ConfChangeAddLearnerNode:
      if (promote) {
        Member* member = find(id);
        member->is_learner = false;
        put(writer, *member);
      } else {
        context->is_learner = change.type() == raftpb::ConfChangeAddLearnerNode;
        members_.insert(std::lower_bound(members_.begin(), members_.end(), id, less_id), *context);
        put(writer, *context);
      }
      break;
    case raftpb::ConfChangeUpdateNode: {
      Member* member = find(id);
      member->peer_urls = context->peer_urls;
      put(writer, *member);
      break;
    }
    case raftpb::ConfChangeRemoveNode:
      members_.erase(std::lower_bound(members_.begin(), members_.end(), id, less_id));
      removed_.insert(id);
      writer.remove(Bucket::kMembers, id_text(id));
      writer.put(Bucket::kMembersRemoved, id_text(id), "removed");
      removed_self = id == member_id_;
      break;
  }
  publish();
  return removed_self;
}

void Cluster::put(backend::Writer& writer, const Member& member) {
  writer.put(Bucket::kMembers, id_text(member.id), to_json(member));
}

void Cluster::set_attributes(backend::Writer& writer, uint64_t id, std::string name,
                             std::vector<std::string> client_urls) {
  const std::lock_guard lock(mutex_);
  Member* member = find(id);
  if (member == nullptr) return;  // removed meanwhile
  member->name = std::move(name);
  member->client_urls = std::move(client_urls);
  put(writer, *member);
  publish();
}

void Cluster::set_version(backend::Writer& writer, std::string_view version) {
  const std::lock_guard lock(mutex_);
  version_ = version;
  writer.put(Bucket::kCluster, kClusterVersion, version);
  // The storage follows: nothing in ours depends on it.
  const std::optional<Version> parsed = parse_version(version);
  if (parsed && *parsed > Version{3, 0, 0}) {
    storage_version_ = version;
    writer.put(Bucket::kMeta, schema::kStorageVersion, version);
  }
}

void Cluster::set_downgrade(backend::Writer& writer, bool enabled, std::string_view version) {
  const std::lock_guard lock(mutex_);
  downgrade_.enabled = enabled;
  downgrade_.target_version = enabled ? version : "";
  writer.put(Bucket::kCluster, kDowngrade, downgrade_json(downgrade_));
}

bool Cluster::apply_v2_request(backend::Writer& writer, std::string_view bytes) {
  const std::optional<V2Put> put = parse_v2_put(bytes);
  if (!put) return false;
  if (put->path == "/0/version") {
    set_version(writer, put->value);
    return true;
  }
  constexpr std::string_view kMembers = "/0/members/";
  constexpr std::string_view kAttributes = "/attributes";
  if (!put->path.starts_with(kMembers) || !put->path.ends_with(kAttributes)) return false;
  const std::optional<uint64_t> id = parse_id(put->path.substr(
      kMembers.size(), put->path.size() - kMembers.size() - kAttributes.size()));
  Result<Member> attributes = from_json(put->value);
  if (!id || !attributes.ok()) return false;
  set_attributes(writer, *id, attributes->name, attributes->client_urls);
  return true;
}

}  // namespace gatehouse::membership
