#include "member/peer_versions.h"

#include <algorithm>
#include <utility>

#include "common/transcode/json_cursor.h"

namespace gatehouse::member {

namespace {

// The text of this name in an object; "" where it has none.
Result<std::string> text_of(std::string_view json, std::string_view name) {
  transcode::JsonCursor cursor(json);
  transcode::JsonString text;
  std::string scratch;
  std::string found;
  if (cursor.take('{')) {
    for (bool first = true; cursor.next_member(first, text);) {
      const bool wanted = text.text(scratch) == name && cursor.peek() == '"';
      if (wanted ? !cursor.read_string(text) : !cursor.skip_value(1)) break;
      if (wanted) found = text.text(scratch);
    }
  }
  if (cursor.failed()) return cursor.status();
  return found;
}

}  // namespace

Result<membership::Release> parse_server_version(std::string_view json) {
  const Result<std::string> text = text_of(json, "etcdserver");
  if (!text.ok()) return text.status();
  const std::optional<membership::Release> release = membership::parse_release(*text);
  if (!release) return invalid_argument("\"" + *text + "\" is no version");
  return *release;
}

Result<std::string> parse_cluster_version(std::string_view json) {
  return text_of(json, "etcdcluster");
}

PeerVersions::PeerVersions(env::Executor& executor, net::Dialer& dialer,
                           membership::Cluster& cluster, membership::Release own,
                           std::function<void()> on_known)
    : executor_(executor),
      dialer_(dialer),
      cluster_(cluster),
      own_(own),
      on_known_(std::move(on_known)) {}

std::string PeerVersions::lowest() {
  if (!asking_.empty()) return "";
  const uint64_t known = std::exchange(known_ms_, 0);
  if (known == 0 || executor_.now_ms() > known + kFreshMs) {
    begin_round();
    return "";
  }
  if (complete_) return lowest_.without_patch().text();
  return cluster_.members()->version.empty() ? "3.0.0" : "";
}

void PeerVersions::begin_round() {
  complete_ = true;
  lowest_ = own_;
  const auto members = cluster_.members();
  for (const auto& [id, member] : members->by_id) {
    if (id == cluster_.local_id()) continue;
    asking_[id] = transport::fetch(executor_, dialer_, member.peer_urls, "/version", {},
                                   [this, id = id](Result<transport::Fetched> answer) {
                                     on_answer(id, answer);
                                   });
  }
  // Alone: from a later turn all the same.
  if (asking_.empty()) {
    asking_[cluster_.local_id()] = nullptr;
    executor_.post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      asking_.clear();
      end_round();
    });
  }
}

void PeerVersions::on_answer(uint64_t id, const Result<transport::Fetched>& answer) {
  const Result<membership::Release> version =
      answer.ok() ? parse_server_version(answer->body) : answer.status();
  if (version.ok()) {
    lowest_ = std::min(lowest_, *version);
  } else {
    complete_ = false;
  }
  asking_.erase(id);
  if (asking_.empty()) end_round();
}

void PeerVersions::end_round() {
  known_ms_ = executor_.now_ms();
  on_known_();
}

}  // namespace gatehouse::member
