#include "member/apply/describe.h"

#include <cinttypes>
#include <cstdio>

#include "proto/raft_internal.pb.h"

namespace gatehouse::apply {

namespace {

using google::protobuf::FieldDescriptor;

const FieldDescriptor* field_of(Kind kind) {
  const FieldDescriptor* field =
      etcdserverpb::InternalRaftRequest::descriptor()->FindFieldByNumber(static_cast<int>(kind));
  return field != nullptr && field->message_type() != nullptr ? field : nullptr;
}

std::string quoted(const std::string& bytes) {
  etcdserverpb::RangeRequest carrier;  // for protobuf's escapes
  carrier.set_key(bytes);
  return bytes.empty() ? "\"\"" : compact_text(carrier).substr(4);
}

void append_flag(std::string& out, const char* name, bool value) {
  if (value) out += std::string(name) + ":true ";
}

std::string text_of(const etcdserverpb::Compare& compare) {
  if (!compare.has_value()) return compact_text(compare);
  etcdserverpb::Compare rest = compare;
  rest.clear_value();
  rest.clear_range_end();
  std::string text = compact_text(rest);
  if (!text.empty()) text += ' ';
  text += "value_size:" + std::to_string(compare.value().size()) + " ";
  if (!compare.range_end().empty()) text += "range_end:" + quoted(compare.range_end()) + " ";
  return text;
}

std::string text_of(const etcdserverpb::RequestOp& op) {
  if (op.has_request_put()) return "request_put:<" + apply::describe(op.request_put()) + ">";
  if (op.has_request_txn()) return "request_txn:<" + apply::describe(op.request_txn()) + ">";
  return compact_text(op);
}

template <typename List>
std::string joined(const List& list) {
  std::string text;
  for (const auto& each : list) {
    if (!text.empty()) text += ' ';
    text += text_of(each);
  }
  return text;
}

template <typename Message>
Message parsed(std::string_view body) {
  Message message;
  // What does not parse is described as far as it goes.
  static_cast<void>(message.ParsePartialFromArray(body.data(), static_cast<int>(body.size())));
  return message;
}

std::string hex16(int64_t id) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016" PRIx64, static_cast<uint64_t>(id));
  return text;
}

}  // namespace

std::string kind_name(Kind kind) {
  const FieldDescriptor* field = field_of(kind);
  if (field == nullptr) return "unknown";
  std::string name = field->message_type()->name();
  constexpr std::string_view kSuffix = "Request";
  if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) {
    name.resize(name.size() - kSuffix.size());
  }
  if (name.starts_with("Internal")) name.erase(0, 8);
  return name;
}

std::string compact_text(const google::protobuf::Message& message) {
  const std::string text = message.ShortDebugString();
  std::string out;
  bool quotes = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\' || (i > 1 && text[i - 2] == '\\'))) {
      quotes = !quotes;
    }
    if (!quotes && c == ' ') {
      const char before = i > 0 ? text[i - 1] : ' ';
      const char after = i + 1 < text.size() ? text[i + 1] : ' ';
      if (after == '{') out += ':';
      if (before == ':' || before == '{' || after == '{' || after == '}' || after == ' ') continue;
    }
    out += c;
  }
  return out;
}

std::string describe(const etcdserverpb::PutRequest& put) {
  std::string text = "key:" + quoted(put.key()) + " ";
  if (!put.value().empty()) text += "value_size:" + std::to_string(put.value().size()) + " ";
  if (put.lease() != 0) text += "lease:" + std::to_string(put.lease()) + " ";
  append_flag(text, "prev_kv", put.prev_kv());
  append_flag(text, "ignore_value", put.ignore_value());
  append_flag(text, "ignore_lease", put.ignore_lease());
  return text;
}

std::string describe(const etcdserverpb::TxnRequest& txn) {
  return "compare:<" + joined(txn.compare()) + "> success:<" + joined(txn.success()) +
         "> failure:<" + joined(txn.failure()) + ">";
}

std::string describe(const Request& request) {
  etcdserverpb::RequestHeader header;
  header.set_id(request.id);
  header.set_username(std::string(request.username));
  header.set_auth_revision(request.auth_revision);
  const std::string begin = "header:<" + compact_text(header) + "> ";
  switch (request.kind) {
    case Kind::kPut:
      return begin + "put:<" + describe(parsed<etcdserverpb::PutRequest>(request.body)) + ">";
    case Kind::kTxn:
      return begin + "txn:<" + describe(parsed<etcdserverpb::TxnRequest>(request.body)) + ">";
    case Kind::kLeaseGrant: {
      const auto grant = parsed<etcdserverpb::LeaseGrantRequest>(request.body);
      return begin + "lease_grant:<ttl:" + std::to_string(grant.ttl()) +
             "-second id:" + hex16(grant.id()) + ">";
    }
    case Kind::kLeaseRevoke:
      return begin + "lease_revoke:<id:" +
             hex16(parsed<etcdserverpb::LeaseRevokeRequest>(request.body).id()) + ">";
    case Kind::kRange:
    case Kind::kDeleteRange:
    case Kind::kCompaction:
    case Kind::kAlarm:
    case Kind::kClusterVersionSet:
    case Kind::kClusterMemberAttrSet:
    case Kind::kDowngradeInfoSet: {
      const FieldDescriptor* field = field_of(request.kind);
      etcdserverpb::InternalRaftRequest whole;
      google::protobuf::Message* message =
          whole.GetReflection()->MutableMessage(&whole, field);
      static_cast<void>(message->ParsePartialFromArray(request.body.data(),
                                                       static_cast<int>(request.body.size())));
      return "header:{" + compact_text(header) + "} " + compact_text(whole);
    }
    default: {
      // Others may hold a secret.
      const FieldDescriptor* field = field_of(request.kind);
      return begin + (field != nullptr ? field->name() : "unknown") +
             ":<size:" + std::to_string(request.body.size()) + ">";
    }
  }
}

std::string describe_responses(std::string_view txn_response) {
  const auto response = parsed<etcdserverpb::TxnResponse>(txn_response);
  std::string text;
  for (const etcdserverpb::ResponseOp& op : response.responses()) {
    if (!op.has_response_range()) continue;
    if (!text.empty()) text += ' ';
    text += "range_response_count:" + std::to_string(op.response_range().kvs_size());
  }
  return text;
}

}  // namespace gatehouse::apply
