#include "proxy/services/watch_wire.h"

#include "common/codec/proto_fields.h"
#include "proxy/mirror/reader.h"

namespace gatehouse::services {

namespace {

using codec::ProtoFields;
using codec::WireType;

void append_as_it_is(const ProtoFields& field, std::string& out) {
  if (field.is_bytes()) {
    codec::append_bytes_field(out, field.number(), field.bytes());
  } else if (field.is_varint()) {
    codec::append_tag(out, field.number(), WireType::kVarint);
    codec::append_varint(out, field.uint64());
  }
}

void set_filter(uint64_t filter, mirror::WatchShape& shape) {
  if (filter == 0) shape.no_put = true;
  if (filter == 1) shape.no_delete = true;
}

bool parse_create(std::string_view bytes, WatchCreate& out) {
  out.bytes.assign(bytes);
  ProtoFields fields(bytes);
  while (fields.next()) {
    switch (fields.number()) {
      case 1:
        out.key.assign(fields.bytes());
        break;
      case 2:
        out.range_end.assign(fields.bytes());
        break;
      case 3:
        out.start = fields.int64();
        break;
      case 4:
        out.progress_notify = fields.boolean();
        break;
      case 5:
        if (fields.is_varint()) {
          set_filter(fields.uint64(), out.shape);
        } else {
          std::string_view packed = fields.bytes();
          uint64_t filter = 0;
          while (!packed.empty()) {
            if (codec::take_varint(packed, filter) != codec::VarintParse::kOk) return false;
            set_filter(filter, out.shape);
          }
        }
        break;
      case 6:
        out.shape.prev_kv = fields.boolean();
        break;
      case 7:
        out.watch_id = fields.int64();
        break;
      case 8:
        out.fragment = fields.boolean();
        break;
      default:
        break;
    }
  }
  if (out.key.empty()) out.key.assign(1, '\0');
  return fields.ok();
}

}  // namespace

std::optional<WatchRequest> parse_watch_request(std::string_view bytes) {
  WatchRequest request;
  ProtoFields fields(bytes);
  while (fields.next()) {
    if (!fields.is_bytes()) continue;
    if (fields.number() == 1) {
      request.kind = WatchRequest::Kind::kCreate;
      request.create = WatchCreate();
      if (!parse_create(fields.bytes(), request.create)) return std::nullopt;
    } else if (fields.number() == 2) {
      request.kind = WatchRequest::Kind::kCancel;
      ProtoFields cancel(fields.bytes());
      while (cancel.next()) {
        if (cancel.number() == 1) request.cancel_id = cancel.int64();
      }
      if (!cancel.ok()) return std::nullopt;
    } else if (fields.number() == 3) {
      request.kind = WatchRequest::Kind::kProgress;
    }
  }
  if (!fields.ok()) return std::nullopt;
  return request;
}

std::string encode_create(const WatchCreate& create, int64_t watch_id) {
  std::string body;
  ProtoFields fields(create.bytes);
  while (fields.next()) {
    if (fields.number() != 7) append_as_it_is(fields, body);
  }
  codec::append_int64_field(body, 7, watch_id);
  std::string request;
  codec::append_bytes_field(request, 1, body);
  return request;
}

std::string encode_cancel(int64_t watch_id) {
  std::string body;
  codec::append_int64_field(body, 1, watch_id);
  std::string request;
  codec::append_bytes_field(request, 2, body);
  return request;
}

std::string encode_progress() {
  std::string request;
  codec::append_bytes_field(request, 3, "");
  return request;
}

WatchResponseHead parse_watch_response(std::string_view bytes) {
  WatchResponseHead head;
  head.revision = mirror::header_revision(bytes);
  ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.number() == 2) head.watch_id = fields.int64();
    if (fields.number() == 3) head.created = fields.boolean();
    if (fields.number() == 4) head.canceled = fields.boolean();
    if (fields.number() == 11) break;  // the events are last
  }
  return head;
}

std::string with_watch_id(std::string_view response, int64_t watch_id) {
  std::string out;
  out.reserve(response.size() + 10);
  bool written = false;
  ProtoFields fields(response);
  while (fields.next()) {
    if (fields.number() > 1 && !written) {
      codec::append_int64_field(out, 2, watch_id);
      written = true;
    }
    if (fields.number() != 2) append_as_it_is(fields, out);
  }
  if (!written) codec::append_int64_field(out, 2, watch_id);
  return out;
}

}  // namespace gatehouse::services
