// What may be made of a cluster and what may not: etcd's rules, with its texts.
#include <algorithm>

#include "member/membership/cluster.h"
#include "member/membership/version.h"

namespace gatehouse::membership {

namespace {

Status failed_precondition(const char* text) {
  return Status(StatusCode::kFailedPrecondition, text);
}

Status member_not_found() { return not_found("etcdserver: member not found"); }

bool shares_url(const Member& a, const Member& b) {
  return std::any_of(a.peer_urls.begin(), a.peer_urls.end(), [&](const std::string& url) {
    return std::find(b.peer_urls.begin(), b.peer_urls.end(), url) != b.peer_urls.end();
  });
}

// Without a code on the wire, as etcd's has none.
Status not_enough_started() {
  return Status(StatusCode::kUnknown,
                "etcdserver: re-configuration failed due to not enough started members");
}

}  // namespace

Status Cluster::check_conf_change(const raftpb::ConfChange& change) const {
  const std::lock_guard lock(mutex_);
  const uint64_t id = change.node_id();
  const Member* present = find(id);
  if (removed_.contains(id)) return member_not_found();

  bool promote = false;
  Member context;
  if (change.type() != raftpb::ConfChangeRemoveNode) {
    Result<Member> parsed = from_json(change.context(), &promote);
    if (!parsed.ok() || parsed->id != id) {
      return invalid_argument("a membership change whose context is no member of its own");
    }
    context = std::move(*parsed);
  }
  const auto url_taken = [&] {
    return std::any_of(members_.begin(), members_.end(), [&](const Member& each) {
      return each.id != id && shares_url(each, context);
    });
  };
  switch (change.type()) {
    case raftpb::ConfChangeAddNode:
    case raftpb::ConfChangeAddLearnerNode:
      if (promote) {
        if (present == nullptr) return member_not_found();
        if (!present->is_learner) {
          return failed_precondition("etcdserver: can only promote a learner member");
        }
        return Status();
      }
      if (present != nullptr) return failed_precondition("etcdserver: member ID already exist");
      if (url_taken()) return failed_precondition("etcdserver: Peer URLs already exists");
      if (change.type() == raftpb::ConfChangeAddLearnerNode &&
          std::count_if(members_.begin(), members_.end(), [](const Member& each) {
            return each.is_learner;
          }) >= options_.max_learners) {
        return failed_precondition("etcdserver: too many learner members in cluster");
      }
      return Status();
    case raftpb::ConfChangeRemoveNode:
      return present == nullptr ? member_not_found() : Status();
    case raftpb::ConfChangeUpdateNode:
      if (present == nullptr) return member_not_found();
      if (url_taken()) return failed_precondition("etcdserver: Peer URLs already exists");
      return Status();
  }
  return invalid_argument("a membership change of an unknown type");
}

Status Cluster::check_reconfiguration(const raftpb::ConfChange& change) const {
  const std::lock_guard lock(mutex_);
  size_t voters = 0;
  size_t started = 0;
  for (const Member& member : members_) {
    if (member.is_learner) continue;
    ++voters;
    started += member.name.empty() ? 0 : 1;
  }
  const Member* present = find(change.node_id());
  switch (change.type()) {
    case raftpb::ConfChangeAddNode: {
      // The first growth of a cluster of one is allowed, or it could never grow. A promoted learner
      // may have started.
      if (voters == 1 && started == 1) return Status();
      const bool counts = present != nullptr && !present->name.empty();
      return started + (counts ? 1 : 0) < (voters + 1) / 2 + 1 ? not_enough_started() : Status();
    }
    case raftpb::ConfChangeRemoveNode: {
      if (present == nullptr || present->is_learner) return Status();
      const size_t left = voters - 1;
      const size_t left_started = started - (present->name.empty() ? 0 : 1);
      // The last member may go, although etcd's arithmetic would keep it.
      if (left == 0) return not_enough_started();
      return left_started < left / 2 + 1 ? not_enough_started() : Status();
    }
    default:
      return Status();
  }
}

Result<std::string> Cluster::check_downgrade(std::string_view target) const {
  const std::optional<Version> wanted = parse_version(target, /*short_form=*/true);
  if (!wanted) {
    return invalid_argument("etcdserver: wrong downgrade target version format");
  }
  const std::lock_guard lock(mutex_);
  const std::optional<Version> present = parse_version(version_);
  if (!present) {
    return failed_precondition("etcdserver: cluster version not found during downgrade");
  }
  if (present->minor == 0 || wanted->without_patch() != Version{present->major,
                                                                present->minor - 1, 0}) {
    return invalid_argument("etcdserver: invalid downgrade target version");
  }
  return wanted->without_patch().text();
}

}  // namespace gatehouse::membership
