#include "member/membership/v2.h"

#include <algorithm>
#include <utility>

#include "common/base/utf8.h"
#include "common/codec/varint.h"
#include "common/transcode/json_cursor.h"
#include "member/membership/version.h"

namespace gatehouse::membership {
namespace {

using transcode::JsonCursor;
using transcode::JsonString;

constexpr std::string_view kMembersPath = "/0/members/";
constexpr std::string_view kRemovedPath = "/0/removed_members/";
constexpr std::string_view kVersionPath = "/0/version";
constexpr std::string_view kRaftAttributes = "/raftAttributes";
constexpr std::string_view kAttributes = "/attributes";

// --- Writing. A node is {"Path":…,"Value":…} or {"Path":…,"Children":{name:node,…}}.

void open_directory(std::string& out, std::string_view path) {
  out += "{\"Path\":";
  schema::append_json_string(out, path);
  out += ",\"Children\":{";
}
void close_directory(std::string& out) { out += "}}"; }

void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  schema::append_json_string(out, name);
  out += ':';
}

void append_file(std::string& out, const std::string& directory, std::string_view name,
                 std::string_view value) {
  append_name(out, name);
  out += "{\"Path\":";
  schema::append_json_string(out, directory + "/" + std::string(name));
  out += ",\"Value\":";
  schema::append_json_string(out, value);
  out += '}';
}

// --- Reading: every file under /0 with its path made of the names that lead to it.

class TreeReader {
 public:
  explicit TreeReader(std::string_view json) : cursor_(json) {}

  Status read(Members& members) {
    if (cursor_.take('{')) {
      JsonString name;
      std::string scratch;
      for (bool first = true; cursor_.next_member(first, name);) {
        if (name.text(scratch) == "Root") {
          read_node("", 1, members);
        } else {
          cursor_.skip_value(1);
        }
        if (failed()) break;
      }
      if (!failed() && cursor_.peek() != JsonCursor::kEnd) cursor_.fail("more than one value");
    }
    return cursor_.failed() ? cursor_.status() : status_;
  }

 private:
  bool failed() const { return cursor_.failed() || !status_.ok(); }

  // `depth` is the number of containers around it; check_depth() bounds the recursion.
  void read_node(const std::string& path, int depth, Members& members) {
    if (!cursor_.check_depth(depth)) return;
    if (cursor_.peek() != '{') {
      cursor_.skip_value(depth);
      return;
    }
    cursor_.take('{');
    JsonString name;
    std::string scratch;
    std::string value;
    bool directory = false;
    for (bool first = true; cursor_.next_member(first, name);) {
      const std::string_view field = name.text(scratch);
      const int next = cursor_.peek();
      if (field == "Value" && next == '"') {
        JsonString text;
        std::string unescaped;
        if (cursor_.read_string(text)) value = replace_invalid_utf8(text.text(unescaped));
      } else if (field == "Children" && next == '{') {
        directory = true;
        read_children(path, depth + 1, members);
      } else {
        cursor_.skip_value(depth + 1);
      }
      if (failed()) return;
    }
    if (!failed() && !directory) take_file(path, value, members);
  }

  void read_children(const std::string& path, int depth, Members& members) {
    if (!cursor_.check_depth(depth)) return;
    cursor_.take('{');
    JsonString name;
    std::string scratch;
    for (bool first = true; cursor_.next_member(first, name);) {
      const std::string child = path + "/" + std::string(name.text(scratch));
      // Users' keys, of which only the membership's own tree is of interest.
      if (child == "/0" || child.starts_with("/0/")) {
        read_node(child, depth + 1, members);
      } else {
        cursor_.skip_value(depth + 1);
      }
      if (failed()) return;
    }
  }

  void take_file(std::string_view path, const std::string& value, Members& members) {
    if (path == kVersionPath) {
      if (!is_version(value)) return fail(path, "is no version");
      members.version = value;
    } else if (path.starts_with(kRemovedPath)) {
      const auto id = schema::parse_id(path.substr(kRemovedPath.size()));
      if (!id) return fail(path, "is no member's id");
      members.removed.insert(*id);
    } else if (path.starts_with(kMembersPath)) {
      const std::string_view rest = path.substr(kMembersPath.size());
      const size_t slash = std::min(rest.find('/'), rest.size());
      const auto id = schema::parse_id(rest.substr(0, slash));
      if (!id) return fail(path, "is no member's id");
      take_member(path, *id, rest.substr(slash), value, members);
    }
  }

  void take_member(std::string_view path, uint64_t id, std::string_view what,
                   const std::string& value, Members& members) {
    Member& member = members.by_id[id];
    member.id = id;
    if (what != kRaftAttributes && what != kAttributes) return;
    Result<schema::ParsedMember> parsed = schema::parse_member(value);
    if (!parsed.ok()) return fail(path, parsed.status().message());
    if (what == kRaftAttributes) {
      member.peer_urls = std::move(parsed->member.peer_urls);
      member.is_learner = parsed->member.is_learner;
    } else {
      member.name = std::move(parsed->member.name);
      member.client_urls = std::move(parsed->member.client_urls);
    }
  }

  void fail(std::string_view path, std::string_view why) {
    status_ = invalid_argument(std::string(path) + ": " + std::string(why));
  }

  JsonCursor cursor_;
  Status status_;
};

// --- Requests: the fields of a v2 Request that matter.

struct Request {
  uint64_t id = 0;
  std::string_view method;
  std::string_view path;
  std::string_view value;
};

// False when the bytes are no message, or have no field 2 of text: then they are no v2 request.
bool parse_request(std::string_view bytes, Request& request) {
  bool has_method = false;
  while (!bytes.empty()) {
    uint64_t tag = 0;
    uint64_t number = 0;
    if (codec::take_varint(bytes, tag) != codec::VarintParse::kOk) return false;
    if ((tag & 7) != 0 && (tag & 7) != 2) return false;
    if (codec::take_varint(bytes, number) != codec::VarintParse::kOk) return false;
    if ((tag & 7) == 0) {
      if (tag >> 3 == 1) request.id = number;
      continue;
    }
    if (number > bytes.size()) return false;
    const std::string_view text = bytes.substr(0, static_cast<size_t>(number));
    bytes.remove_prefix(text.size());
    if (tag >> 3 == 2) {
      request.method = text;
      has_method = true;
    } else if (tag >> 3 == 3) {
      request.path = text;
    } else if (tag >> 3 == 4) {
      request.value = text;
    }
  }
  return has_method;
}

}  // namespace

std::string v2_snapshot(const Members& members, uint64_t index) {
  std::string out = "{\"Root\":";
  open_directory(out, "/");
  append_name(out, "0");
  open_directory(out, "/0");
  append_name(out, "members");
  open_directory(out, "/0/members");
  for (const auto& [id, member] : members.by_id) {
    const std::string name = schema::id_text(id);
    const std::string path = std::string(kMembersPath) + name;
    append_name(out, name);
    open_directory(out, path);
    if (member.started()) append_file(out, path, "attributes", schema::attributes_json(member));
    append_file(out, path, "raftAttributes", schema::raft_attributes_json(member));
    close_directory(out);
  }
  close_directory(out);
  append_name(out, "removed_members");
  open_directory(out, "/0/removed_members");
  for (const uint64_t id : members.removed) {
    append_file(out, "/0/removed_members", schema::id_text(id), "");
  }
  close_directory(out);
  if (!members.version.empty()) append_file(out, "/0", "version", members.version);
  close_directory(out);
  append_name(out, "1");
  open_directory(out, "/1");
  close_directory(out);
  close_directory(out);
  return out + ",\"CurrentIndex\":" + std::to_string(index) + ",\"CurrentVersion\":2}";
}

Result<Members> parse_v2_snapshot(std::string_view json) {
  Members members;
  const Status status = TreeReader(json).read(members);
  if (!status.ok()) return status.with_context("v2 store");
  for (const auto& [id, member] : members.by_id) {
    if (member.peer_urls.empty()) {
      return invalid_argument("v2 store: member " + schema::id_text(id) + " has no peer URLs");
    }
  }
  return members;
}

std::optional<V2Put> parse_v2_request(std::string_view data) {
  Request request;
  if (!parse_request(data, request)) return std::nullopt;
  V2Put put;
  put.request_id = request.id;
  if (request.method != "PUT") return put;
  if (request.path == kVersionPath) {
    if (!is_version(request.value)) return put;
    put.kind = V2Put::Kind::kVersion;
    put.version = request.value;
  } else if (request.path.starts_with(kMembersPath) && request.path.ends_with(kAttributes)) {
    std::string_view name = request.path.substr(kMembersPath.size());
    name.remove_suffix(std::min(kAttributes.size(), name.size()));
    const std::optional<uint64_t> id = schema::parse_id(name);
    Result<schema::ParsedMember> parsed = schema::parse_member(request.value);
    if (!id || !parsed.ok()) return put;
    put.kind = V2Put::Kind::kPublish;
    put.member = {.id = *id,
                  .name = std::move(parsed->member.name),
                  .client_urls = std::move(parsed->member.client_urls)};
  }
  return put;
}

}  // namespace gatehouse::membership
