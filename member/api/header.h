// The header that begins almost every response.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec/proto_fields.h"

namespace gatehouse::api {

class HeaderWriter {
 public:
  HeaderWriter(uint64_t cluster_id, uint64_t member_id, const std::atomic<uint64_t>& term)
      : term_(term) {
    codec::append_uint64_field(ids_, 1, cluster_id);
    codec::append_uint64_field(ids_, 2, member_id);
  }

  // Appends field 1 of a response: cluster_id, member_id, revision (left out when 0) and the
  // member's present term.
  void append(std::string& out, int64_t revision) const {
    const uint64_t term = term_.load(std::memory_order_relaxed);
    size_t size = ids_.size();
    if (revision != 0) size += 1 + codec::varint_size(static_cast<uint64_t>(revision));
    if (term != 0) size += 1 + codec::varint_size(term);
    codec::append_tag(out, 1, codec::WireType::kBytes);
    codec::append_varint(out, size);
    out += ids_;
    codec::append_int64_field(out, 3, revision);
    codec::append_uint64_field(out, 4, term);
  }

  // A whole response: the header, then its other fields.
  std::string response(int64_t revision, std::string_view fields) const {
    std::string out;
    out.reserve(kMaxBytes + fields.size());
    append(out, revision);
    out += fields;
    return out;
  }

  static constexpr size_t kMaxBytes = 2 + 4 * (1 + codec::kMaxVarintBytes);

 private:
  std::string ids_;
  const std::atomic<uint64_t>& term_;
};

}  // namespace gatehouse::api
