#include "member/membership/v2_json.h"

#include <utility>

namespace gatehouse::membership {

namespace {

std::string file(const std::string& path, const std::string& value) {
  return "{\"Path\":" + json_text(path) + ",\"Value\":" + json_text(value) + "}";
}

std::string directory(const std::string& path,
                      const std::vector<std::pair<std::string, std::string>>& children) {
  std::string out = "{\"Path\":" + json_text(path) + ",\"Children\":{";
  for (const auto& [name, node] : children) {
    if (out.back() != '{') out += ',';
    out += json_text(name) + ":" + node;
  }
  return out + "}}";
}

std::string urls_json(const std::vector<std::string>& urls) {
  std::string out;
  for (const std::string& url : urls) out += (out.empty() ? "" : ",") + json_text(url);
  return "[" + out + "]";
}

std::string member_node(const Member& member) {
  const std::string path = "/0/members/" + id_text(member.id);
  std::string raft = "{\"peerURLs\":" + urls_json(member.peer_urls);
  raft += member.is_learner ? ",\"isLearner\":true}" : "}";
  std::vector<std::pair<std::string, std::string>> children;
  if (!member.name.empty()) {
    std::string attributes = "{\"name\":" + json_text(member.name);
    if (!member.client_urls.empty()) attributes += ",\"clientURLs\":" + urls_json(member.client_urls);
    children.emplace_back("attributes", file(path + "/attributes", attributes + "}"));
  }
  children.emplace_back("raftAttributes", file(path + "/raftAttributes", raft));
  return directory(path, children);
}

}  // namespace

std::string v2_json(const Cluster& cluster) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const Member& member : cluster.members()->list()) {
    members.emplace_back(id_text(member.id), member_node(member));
  }
  std::vector<std::pair<std::string, std::string>> removed;
  for (const uint64_t id : cluster.removed()) {
    removed.emplace_back(id_text(id), file("/0/removed_members/" + id_text(id), ""));
  }
  std::vector<std::pair<std::string, std::string>> store = {
      {"members", directory("/0/members", members)},
      {"removed_members", directory("/0/removed_members", removed)}};
  if (!cluster.version().empty()) {
    store.emplace_back("version", file("/0/version", cluster.version()));
  }
  const std::string root = directory(
      "/", {{"0", directory("/0", store)}, {"1", directory("/1", {})}});
  return "{\"Root\":" + root + ",\"CurrentIndex\":1,\"CurrentVersion\":2}";
}

}  // namespace gatehouse::membership
