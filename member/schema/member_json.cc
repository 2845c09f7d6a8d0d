#include "member/schema/member_json.h"

#include <charconv>

#include "common/base/utf8.h"
#include "common/transcode/json_cursor.h"
#include "proto/raft.pb.h"

namespace gatehouse::schema {
namespace {

using transcode::JsonCursor;
using transcode::JsonString;

// Go folds case when it looks for a field.
bool names(std::string_view text, std::string_view field) {
  if (text.size() != field.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower(field[i])) return false;
  }
  return true;
}

bool read_null(JsonCursor& cursor) { return cursor.peek() == 'n' && cursor.read_literal("null"); }

// The readers below return false when the text is bad or of another kind; null is as if the field
// were not there.
bool read(JsonCursor& cursor, std::string& out) {
  if (read_null(cursor)) return true;
  JsonString text;
  if (cursor.peek() != '"') return cursor.fail("a string was expected");
  if (!cursor.read_string(text)) return false;
  std::string scratch;
  out = replace_invalid_utf8(text.text(scratch));
  return true;
}

bool read(JsonCursor& cursor, bool& out) {
  if (read_null(cursor)) return true;
  const int next = cursor.peek();
  if (next != 't' && next != 'f') return cursor.fail("true or false was expected");
  out = next == 't';
  return cursor.read_literal(out ? "true" : "false");
}

bool read(JsonCursor& cursor, uint64_t& out) {
  if (read_null(cursor)) return true;
  const int next = cursor.peek();
  if (next < '0' || next > '9') return cursor.fail("a number was expected");
  std::string_view digits;
  if (!cursor.read_number(digits)) return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return cursor.fail("an unsigned 64-bit number was expected");
  }
  return true;
}

bool read(JsonCursor& cursor, std::vector<std::string>& out) {
  if (read_null(cursor)) {
    out.clear();
    return true;
  }
  if (!cursor.take('[')) return false;
  out.clear();
  for (bool first = true; cursor.next_element(first);) {
    if (!read(cursor, out.emplace_back())) return false;
  }
  return !cursor.failed();
}

// Reads one object and nothing behind it. `field` reads the value of a field it knows (and returns
// true whether or not that went well), false when it knows none of this name.
template <typename Field>
void read_object(JsonCursor& cursor, int depth, const Field& field) {
  if (!cursor.take('{')) return;
  JsonString name;
  std::string scratch;
  for (bool first = true; cursor.next_member(first, name);) {
    if (!field(cursor, name.text(scratch)) && !cursor.failed()) cursor.skip_value(depth);
    if (cursor.failed()) return;
  }
}

void expect_end(JsonCursor& cursor) {
  if (!cursor.failed() && cursor.peek() != JsonCursor::kEnd) cursor.fail("more than one value");
}

template <typename Field>
Status read_object(std::string_view json, const Field& field) {
  JsonCursor cursor(json);
  read_object(cursor, 1, field);
  expect_end(cursor);
  return cursor.status();
}

void read_member(JsonCursor& cursor, int depth, ParsedMember& parsed) {
  Member& member = parsed.member;
  read_object(cursor, depth, [&](JsonCursor& at, std::string_view name) {
    // Should the value be bad, the cursor says so.
    if (names(name, "id")) return read(at, member.id), true;
    if (names(name, "peerURLs")) return read(at, member.peer_urls), true;
    if (names(name, "isLearner")) return read(at, member.is_learner), true;
    if (names(name, "name")) return read(at, member.name), true;
    if (names(name, "clientURLs")) return read(at, member.client_urls), true;
    if (names(name, "isPromote")) return read(at, parsed.is_promote), true;
    return false;
  });
}

void append_urls(std::string& out, const std::vector<std::string>& urls) {
  if (urls.empty()) {
    out += "null";
    return;
  }
  char separator = '[';
  for (const std::string& url : urls) {
    out += separator;
    append_json_string(out, url);
    separator = ',';
  }
  out += ']';
}

// "name":"…","clientURLs":[…], each only if there is one.
void append_attributes(std::string& out, const Member& member) {
  const auto separate = [&out] {
    if (out.back() != '{') out += ',';
  };
  if (!member.name.empty()) {
    separate();
    out += "\"name\":";
    append_json_string(out, member.name);
  }
  if (!member.client_urls.empty()) {
    separate();
    out += "\"clientURLs\":";
    append_urls(out, member.client_urls);
  }
}

}  // namespace

std::string id_text(uint64_t id) {
  char digits[16];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, id, 16).ptr);
}

std::optional<uint64_t> parse_id(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8_character_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(length);
    if (character == "\u2028" || character == "\u2029") {
      out += character == "\u2028" ? "\\u2028" : "\\u2029";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (length == 1 && (c < ' ' || c == '<' || c == '>' || c == '&')) {
      out += "\\u00";
      out += kHex[static_cast<size_t>(c) >> 4];
      out += kHex[static_cast<size_t>(c) & 15];
    } else {
      out += character;
    }
  }
  out += '"';
}

std::string member_json(const Member& member) {
  std::string out = "{\"id\":" + std::to_string(member.id) + ",\"peerURLs\":";
  append_urls(out, member.peer_urls);
  if (member.is_learner) out += ",\"isLearner\":true";
  append_attributes(out, member);
  return out + "}";
}

std::string promotion_json(uint64_t id) {
  return "{\"id\":" + std::to_string(id) + ",\"peerURLs\":null,\"isPromote\":true}";
}

std::string raft_attributes_json(const Member& member) {
  std::string out = "{\"peerURLs\":";
  append_urls(out, member.peer_urls);
  if (member.is_learner) out += ",\"isLearner\":true";
  return out + "}";
}

std::string attributes_json(const Member& member) {
  std::string out = "{";
  append_attributes(out, member);
  return out + "}";
}

Result<ParsedMember> parse_member(std::string_view json) {
  ParsedMember parsed;
  JsonCursor cursor(json);
  read_member(cursor, 1, parsed);
  expect_end(cursor);
  if (cursor.failed()) return cursor.status().with_context("member");
  return parsed;
}

Result<std::vector<Member>> parse_members(std::string_view json) {
  std::vector<Member> members;
  JsonCursor cursor(json);
  if (cursor.take('[')) {
    for (bool first = true; cursor.next_element(first);) {
      ParsedMember parsed;
      read_member(cursor, 2, parsed);
      if (cursor.failed()) break;
      members.push_back(std::move(parsed.member));
    }
  }
  expect_end(cursor);
  if (cursor.failed()) return cursor.status().with_context("members");
  return members;
}

std::string downgrade_json(const Downgrade& downgrade) {
  std::string out = "{\"target-version\":";
  append_json_string(out, downgrade.target);
  return out + ",\"enabled\":" + (downgrade.enabled ? "true}" : "false}");
}

Result<Downgrade> parse_downgrade(std::string_view json) {
  Downgrade downgrade;
  const Status status = read_object(json, [&](JsonCursor& cursor, std::string_view name) {
    if (names(name, "target-version")) return read(cursor, downgrade.target), true;
    if (names(name, "enabled")) return read(cursor, downgrade.enabled), true;
    return false;
  });
  if (!status.ok()) return status.with_context("downgrade");
  return downgrade;
}

std::string conf_state_json(const raftpb::ConfState& state) {
  std::string out = "{";
  const auto append = [&out](std::string_view name, const auto& ids) {
    if (ids.empty()) return;
    out.append("\"").append(name).append("\":");
    char separator = '[';
    for (const uint64_t id : ids) {
      out += separator;
      out += std::to_string(id);
      separator = ',';
    }
    out += "],";
  };
  append("voters", state.voters());
  append("learners", state.learners());
  append("voters_outgoing", state.voters_outgoing());
  append("learners_next", state.learners_next());
  return out + "\"auto_leave\":" + (state.auto_leave() ? "true}" : "false}");
}

}  // namespace gatehouse::schema
