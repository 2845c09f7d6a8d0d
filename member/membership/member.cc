#include "member/membership/member.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/codec/fixed.h"
#include "common/codec/sha1.h"

namespace gatehouse::membership {

namespace {

uint64_t first_eight(std::string_view bytes) {
  const codec::Sha1Digest digest = codec::sha1(bytes);
  return codec::load_big_endian<uint64_t>(reinterpret_cast<const char*>(digest.data()));
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ',';
    out += json_text(text);
  }
  return out + "]";
}

template <typename Numbers>
void append_numbers(std::string& out, std::string_view name, const Numbers& numbers) {
  if (numbers.empty()) return;
  out += '"';
  out += name;
  out += "\":[";
  bool first = true;
  for (const uint64_t number : numbers) {
    if (!std::exchange(first, false)) out += ',';
    out += std::to_string(number);
  }
  out += "],";
}

// Null counts as absent, as in Go; false when it is there and no list of texts.
bool read_list(const nlohmann::json& object, const char* name, std::vector<std::string>& out) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return true;
  if (!found->is_array()) return false;
  for (const nlohmann::json& each : *found) {
    if (!each.is_string()) return false;
    out.push_back(each.get<std::string>());
  }
  return true;
}

}  // namespace

std::string id_text(uint64_t id) {
  char text[17];
  std::snprintf(text, sizeof(text), "%llx", static_cast<unsigned long long>(id));
  return text;
}

uint64_t member_id(std::vector<std::string> peer_urls, std::string_view token,
                   std::string_view suffix) {
  std::sort(peer_urls.begin(), peer_urls.end());
  std::string bytes;
  for (const std::string& url : peer_urls) bytes += url;
  bytes += token;
  bytes += suffix;
  return first_eight(bytes);
}

uint64_t cluster_id(std::vector<uint64_t> member_ids) {
  std::sort(member_ids.begin(), member_ids.end());
  std::string bytes;
  for (const uint64_t id : member_ids) codec::append_big_endian(bytes, id);
  return first_eight(bytes);
}

std::string json_text(std::string_view text) {
  // Go escapes what could end a script element, too.
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      char escape[7];
      std::snprintf(escape, sizeof(escape), "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string to_json(const Member& member) {
  std::string out = "{\"id\":" + std::to_string(member.id);
  out += ",\"peerURLs\":" + json_list(member.peer_urls);
  if (member.is_learner) out += ",\"isLearner\":true";
  if (!member.name.empty()) out += ",\"name\":" + json_text(member.name);
  if (!member.client_urls.empty()) out += ",\"clientURLs\":" + json_list(member.client_urls);
  return out + "}";
}

Result<Member> from_json(std::string_view json, bool* is_promote) {
  const auto bad = [] { return invalid_argument("no member in JSON"); };
  const nlohmann::json object =
      nlohmann::json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return bad();
  Member member;
  const auto id = object.find("id");
  if (id != object.end()) {
    if (!id->is_number_unsigned()) return bad();
    member.id = id->get<uint64_t>();
  }
  const auto read_bool = [&](const char* name, bool& value) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return true;
    if (!found->is_boolean()) return false;
    value = found->get<bool>();
    return true;
  };
  const auto name = object.find("name");
  if (name != object.end() && !name->is_null()) {
    if (!name->is_string()) return bad();
    member.name = name->get<std::string>();
  }
  bool promote = false;
  if (!read_list(object, "peerURLs", member.peer_urls) ||
      !read_list(object, "clientURLs", member.client_urls) ||
      !read_bool("isLearner", member.is_learner) || !read_bool("isPromote", promote)) {
    return bad();
  }
  if (is_promote != nullptr) *is_promote = promote;
  return member;
}

std::string to_json(const raftpb::ConfState& state) {
  std::string out = "{";
  append_numbers(out, "voters", state.voters());
  append_numbers(out, "learners", state.learners());
  append_numbers(out, "voters_outgoing", state.voters_outgoing());
  append_numbers(out, "learners_next", state.learners_next());
  return out + (state.auto_leave() ? "\"auto_leave\":true}" : "\"auto_leave\":false}");
}

bool is_url(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = url.substr(0, scheme_end);
  const std::string_view rest = url.substr(scheme_end + 3);
  if (scheme == "unix" || scheme == "unixs") return !rest.empty();
  if (scheme != "http" && scheme != "https") return false;
  const size_t colon = rest.rfind(':');
  if (rest.find('/') != std::string_view::npos || colon == std::string_view::npos || colon == 0) {
    return false;
  }
  const std::string_view port = rest.substr(colon + 1);
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace gatehouse::membership
