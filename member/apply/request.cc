#include "member/apply/request.h"

#include "common/codec/proto_fields.h"

namespace gatehouse::apply {

namespace {

using codec::ProtoFields;

constexpr uint32_t kOldId = 1;    // read, never written
constexpr uint32_t kOldV2 = 2;    // a bare v2 request has its method there
constexpr uint32_t kHeader = 100;

bool parse_header(std::string_view bytes, Request& request) {
  ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.number() == 1 && fields.is_varint()) request.id = fields.uint64();
    if (fields.number() == 2 && fields.is_bytes()) request.username = fields.bytes();
    if (fields.number() == 3 && fields.is_varint()) request.auth_revision = fields.uint64();
  }
  return fields.ok();
}

bool is_known(uint32_t number) {
  return (number >= 3 && number <= 11) || number == 1000 || (number >= 1011 && number <= 1013) ||
         (number >= 1100 && number <= 1107) || (number >= 1200 && number <= 1204) ||
         (number >= 1300 && number <= 1302) || number == 9900;
}

}  // namespace

std::optional<Request> parse_request(std::string_view payload) {
  Request request;
  uint64_t old_id = 0;
  ProtoFields fields(payload);
  while (fields.next()) {
    const uint32_t number = fields.number();
    if (number == kOldV2) return std::nullopt;
    if (number == kOldId && fields.is_varint()) {
      old_id = fields.uint64();
    } else if (number == kHeader && fields.is_bytes()) {
      if (!parse_header(fields.bytes(), request)) return std::nullopt;
    } else if (fields.is_bytes() && is_known(number)) {
      request.kind = static_cast<Kind>(number);
      request.body = fields.bytes();
    }
  }
  if (!fields.ok()) return std::nullopt;
  if (old_id != 0) request.id = old_id;
  return request;
}

raft::Payload make_payload(const Request& request) {
  // Kept by the thread: a payload is one allocation, its own.
  thread_local std::string header;
  thread_local std::string bytes;
  header.clear();
  codec::append_uint64_field(header, 1, request.id);
  if (!request.username.empty()) codec::append_bytes_field(header, 2, request.username);
  codec::append_uint64_field(header, 3, request.auth_revision);

  const auto append_header = [&] { codec::append_bytes_field(bytes, kHeader, header); };
  const uint32_t number = static_cast<uint32_t>(request.kind);
  bytes.clear();
  if (number > kHeader) append_header();  // fields in the order of their numbers, as etcd's are
  codec::append_bytes_field(bytes, number, request.body);
  if (number < kHeader) append_header();
  return raft::Payload(bytes);
}

}  // namespace gatehouse::apply
