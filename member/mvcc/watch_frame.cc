#include "member/mvcc/watch_frame.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/codec/varint.h"

namespace gatehouse::mvcc {
namespace {

using codec::append_varint;
using codec::varint_size;

// Tags of etcdserverpb.WatchResponse: number << 3 | wire type.
constexpr char kHeader = 1 << 3 | 2;
constexpr char kWatchId = 2 << 3;
constexpr char kCreated = 3 << 3;
constexpr char kCanceled = 4 << 3;
constexpr char kCompactRevision = 5 << 3;
constexpr char kCancelReason = 6 << 3 | 2;
constexpr char kFragment = 7 << 3;
constexpr char kEvents = 11 << 3 | 2;
// Of etcdserverpb.ResponseHeader.
constexpr char kClusterId = 1 << 3;
constexpr char kMemberId = 2 << 3;
constexpr char kRevision = 3 << 3;
constexpr char kRaftTerm = 4 << 3;
// Of mvccpb.Event.
constexpr char kType = 1 << 3;
constexpr char kKv = 2 << 3 | 2;
constexpr char kPrevKv = 3 << 3 | 2;
// Of mvccpb.KeyValue.
constexpr char kKey = 1 << 3 | 2;
constexpr char kModRevision = 3 << 3;

void append_number(std::string& out, char tag, uint64_t value) {
  if (value == 0) return;
  out += tag;
  append_varint(out, value);
}

void append_bytes(std::string& out, char tag, std::string_view bytes) {
  out += tag;
  append_varint(out, bytes.size());
  out += bytes;
}

size_t bytes_field_size(size_t length) { return 1 + varint_size(length) + length; }

void append_header(std::string& out, const WatchIdentity& identity, int64_t revision,
                   uint64_t term) {
  out += kHeader;
  const size_t length_at = out.size();
  out += '\0';  // at most 4 * 11 bytes: one byte of length
  append_number(out, kClusterId, identity.cluster_id);
  append_number(out, kMemberId, identity.member_id);
  append_number(out, kRevision, static_cast<uint64_t>(revision));
  append_number(out, kRaftTerm, term);
  out[length_at] = static_cast<char>(out.size() - length_at - 1);
}

}  // namespace

std::string encode_control(const WatchIdentity& identity, const ControlFrame& frame) {
  std::string out;
  append_header(out, identity, frame.revision, frame.term);
  append_number(out, kWatchId, static_cast<uint64_t>(frame.watch_id));
  append_number(out, kCreated, frame.created ? 1 : 0);
  append_number(out, kCanceled, frame.canceled ? 1 : 0);
  append_number(out, kCompactRevision, static_cast<uint64_t>(frame.compact_revision));
  if (!frame.reason.empty()) append_bytes(out, kCancelReason, frame.reason);
  return out;
}

RecordParts parse_record(std::string_view record) {
  RecordParts parts;
  while (!record.empty()) {
    uint64_t tag = 0;
    uint64_t value = 0;
    if (codec::take_varint(record, tag) != codec::VarintParse::kOk ||
        codec::take_varint(record, value) != codec::VarintParse::kOk) {
      break;
    }
    if ((tag & 7) == 2) {
      if (value > record.size()) break;
      if (tag >> 3 == 1) parts.key = record.substr(0, value);
      record.remove_prefix(value);
    } else if ((tag & 7) != 0) {
      break;
    } else if (tag >> 3 == 2) {
      parts.created = static_cast<int64_t>(value);
      break;  // the key came before
    }
  }
  return parts;
}

std::string tombstone_record(std::string_view key, int64_t revision) {
  std::string out;
  append_bytes(out, kKey, key);
  append_number(out, kModRevision, static_cast<uint64_t>(revision));
  return out;
}

// ---- EventFrames

void EventFrames::clear() {
  // A huge transaction must not keep its room for ever.
  if (bytes_.capacity() > kKeptBytes) bytes_ = std::string();
  bytes_.resize(kRoom);
  marks_.clear();
}

void EventFrames::append(const WatchEvent& event, bool with_previous) {
  const bool previous = with_previous && !event.previous.empty();
  const size_t size = (event.deleted ? 2 : 0) + bytes_field_size(event.record.size()) +
                      (previous ? bytes_field_size(event.previous.size()) : 0);
  bytes_ += kEvents;
  append_varint(bytes_, size);
  append_number(bytes_, kType, event.deleted ? 1 : 0);
  append_bytes(bytes_, kKv, event.record);
  if (previous) append_bytes(bytes_, kPrevKv, event.previous);
  marks_.push_back({bytes_.size(), event.revision});
}

void EventFrames::set_header(const WatchIdentity& identity, int64_t revision, uint64_t term) {
  header_.clear();
  append_header(header_, identity, revision, term);
}

size_t EventFrames::index_from(int64_t revision) const {
  return static_cast<size_t>(
      std::lower_bound(marks_.begin(), marks_.end(), revision,
                       [](const Mark& mark, int64_t r) { return mark.revision < r; }) -
      marks_.begin());
}

std::string_view EventFrames::response(int64_t watch_id, int64_t from) {
  if (from <= first_revision()) {
    // The header goes right in front of the events, which stay where they are.
    size_t id_bytes = 0;
    char id[1 + codec::kMaxVarintBytes];
    if (watch_id != 0) {
      id[id_bytes++] = kWatchId;
      uint64_t value = static_cast<uint64_t>(watch_id);
      for (; value >= 0x80; value >>= 7) id[id_bytes++] = static_cast<char>(value | 0x80);
      id[id_bytes++] = static_cast<char>(value);
    }
    const size_t begin = kRoom - header_.size() - id_bytes;
    std::copy(header_.begin(), header_.end(), bytes_.begin() + static_cast<ptrdiff_t>(begin));
    std::copy(id, id + id_bytes, bytes_.begin() + static_cast<ptrdiff_t>(kRoom - id_bytes));
    return std::string_view(bytes_).substr(begin);
  }
  const size_t index = index_from(from);
  CHECK(index < marks_.size());
  partial_ = header_;
  append_number(partial_, kWatchId, static_cast<uint64_t>(watch_id));
  partial_ += std::string_view(bytes_).substr(begin_of(index));
  return partial_;
}

std::vector<std::string> EventFrames::fragments(int64_t watch_id, int64_t from,
                                                size_t limit) const {
  std::string head = header_;
  append_number(head, kWatchId, static_cast<uint64_t>(watch_id));
  size_t index = index_from(from);
  CHECK(index < marks_.size());

  std::vector<std::string> pieces;
  if (head.size() + bytes_.size() - begin_of(index) < limit) {
    pieces.push_back(head);
    pieces.back() += std::string_view(bytes_).substr(begin_of(index));
    return pieces;
  }
  constexpr size_t kMarkBytes = 2;
  while (index < marks_.size()) {
    const size_t begin = begin_of(index);
    size_t end = marks_[index++].end;  // one event at least, whatever its size
    while (index < marks_.size() && head.size() + kMarkBytes + marks_[index].end - begin < limit) {
      end = marks_[index++].end;
    }
    pieces.push_back(head);
    if (index < marks_.size()) append_number(pieces.back(), kFragment, 1);
    pieces.back() += std::string_view(bytes_).substr(begin, end - begin);
  }
  return pieces;
}

}  // namespace gatehouse::mvcc
