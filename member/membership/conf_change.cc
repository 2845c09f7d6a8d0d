#include "member/membership/conf_change.h"

#include <algorithm>
#include <chrono>

namespace gatehouse::membership {

namespace {

Status check_urls(const std::vector<std::string>& urls) {
  if (urls.empty() || !std::all_of(urls.begin(), urls.end(), [](const std::string& url) {
        return is_url(url);
      })) {
    return invalid_argument("etcdserver: given member URLs are invalid");
  }
  return Status();
}

raftpb::ConfChange make(raftpb::ConfChangeType type, uint64_t id, std::string context) {
  raftpb::ConfChange change;
  change.set_type(type);
  change.set_node_id(id);
  if (!context.empty()) change.set_context(std::move(context));
  return change;
}

}  // namespace

Result<Member> new_member(std::vector<std::string> peer_urls, bool is_learner) {
  GATEHOUSE_RETURN_IF_ERROR(check_urls(peer_urls));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  Member member;
  member.peer_urls = std::move(peer_urls);
  std::sort(member.peer_urls.begin(), member.peer_urls.end());
  member.is_learner = is_learner;
  member.id = member_id(member.peer_urls, {}, std::to_string(seconds.count()));
  return member;
}

raftpb::ConfChange add_change(const Member& member) {
  return make(member.is_learner ? raftpb::ConfChangeAddLearnerNode : raftpb::ConfChangeAddNode,
              member.id, to_json(member));
}

raftpb::ConfChange remove_change(uint64_t id) {
  return make(raftpb::ConfChangeRemoveNode, id, {});
}

raftpb::ConfChange promote_change(uint64_t id) {
  return make(raftpb::ConfChangeAddNode, id,
              "{\"id\":" + std::to_string(id) + ",\"peerURLs\":null,\"isPromote\":true}");
}

Result<raftpb::ConfChange> update_change(uint64_t id, std::vector<std::string> peer_urls) {
  GATEHOUSE_RETURN_IF_ERROR(check_urls(peer_urls));
  Member member;
  member.id = id;
  member.peer_urls = std::move(peer_urls);
  std::sort(member.peer_urls.begin(), member.peer_urls.end());
  return make(raftpb::ConfChangeUpdateNode, id, to_json(member));
}

}  // namespace gatehouse::membership
