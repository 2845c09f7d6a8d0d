#include "member/wal/record.h"

#include <algorithm>
#include <cstring>

#include "common/codec/crc32c.h"
#include "common/codec/fixed.h"
#include "common/codec/varint.h"

namespace gatehouse::wal {
namespace {

// Protobuf tags: field number << 3 | wire type.
constexpr char kVarint1 = 0x08;
constexpr char kVarint2 = 0x10;
constexpr char kVarint3 = 0x18;
constexpr char kBytes3 = 0x1A;
constexpr char kBytes4 = 0x22;

constexpr size_t kKeptBytes = size_t{4} << 20;
constexpr size_t kFirstBytes = size_t{64} << 10;
constexpr uint64_t kSizeBits = 56;

char* put_varint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

char* put_field(char* to, char tag, uint64_t value) {
  *to++ = tag;
  return put_varint(to, value);
}

// Three scalars, and what comes before bytes of any length.
constexpr size_t kMostScalarBytes = 4 * (1 + codec::kMaxVarintBytes);

// Takes fields in the order they are asked for; whatever is left at the end was out of order, twice
// or unknown.
class Fields {
 public:
  explicit Fields(std::string_view in) : in_(in) {}

  // Absent leaves the value as it is.
  void scalar(char tag, uint64_t& value) {
    if (!take_tag(tag)) return;
    good_ = codec::take_varint(in_, value) == codec::VarintParse::kOk;
  }

  bool bytes(char tag, std::string_view& value) {
    uint64_t size = 0;
    if (!take_tag(tag)) return false;
    good_ = codec::take_varint(in_, size) == codec::VarintParse::kOk && size <= in_.size();
    if (!good_) return false;
    value = in_.substr(0, size);
    in_.remove_prefix(size);
    return true;
  }

  bool good() const { return good_; }
  bool all_taken() const { return good_ && in_.empty(); }

 private:
  bool take_tag(char tag) {
    if (!good_ || in_.empty() || in_.front() != tag) return false;
    in_.remove_prefix(1);
    return true;
  }

  std::string_view in_;
  bool good_ = true;
};

bool take_record(Fields& fields, Record& record) {
  uint64_t type = 0;
  uint64_t crc = 0;
  fields.scalar(kVarint1, type);
  fields.scalar(kVarint2, crc);
  record.data = {};
  fields.bytes(kBytes3, record.data);
  if (!fields.good() || type < 1 || type > 5 || crc > UINT32_MAX) return false;
  record.type = static_cast<RecordType>(type);
  record.crc = static_cast<uint32_t>(crc);
  return true;
}

}  // namespace

void FrameEncoder::add(RecordType type, std::string_view head, std::string_view rest) {
  const size_t data = head.size() + rest.size();
  if (type != RecordType::kCrc) crc_ = codec::crc32c(rest, codec::crc32c(head, crc_));

  char front[kMostScalarBytes];
  char* at = put_field(front, kVarint1, static_cast<uint64_t>(type));
  at = put_field(at, kVarint2, crc_);
  if (data > 0) at = put_field(at, kBytes3, data);
  const size_t front_size = static_cast<size_t>(at - front);
  const size_t record = front_size + data;
  const size_t padding = -record % 8;
  const size_t frame = kFrameHeaderBytes + record + padding;

  if (memory_.size() - used_ < frame) {
    memory_.resize(std::max({kFirstBytes, 2 * memory_.size(), used_ + frame}));
  }
  char* to = memory_.data() + used_;
  codec::store_little_endian<uint64_t>(
      to, record | (padding == 0 ? 0 : (0x80 | uint64_t{padding}) << kSizeBits));
  to += kFrameHeaderBytes;
  const auto put = [&to](const char* from, size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    to += size;
  };
  put(front, front_size);
  put(head.data(), head.size());
  put(rest.data(), rest.size());
  std::memset(to, 0, padding);
  used_ += frame;
}

void FrameEncoder::clear() {
  used_ = 0;
  if (memory_.size() > kKeptBytes) {
    memory_.resize(kKeptBytes);
    memory_.shrink_to_fit();
  }
}

void FrameEncoder::add_crc() { add(RecordType::kCrc, {}, {}); }

void FrameEncoder::add_metadata(std::string_view data) { add(RecordType::kMetadata, data, {}); }

void FrameEncoder::add_entry(const raft::Entry& entry) {
  char head[kMostScalarBytes];
  char* at = put_field(head, kVarint1, static_cast<uint64_t>(entry.type));
  at = put_field(at, kVarint2, entry.term);
  at = put_field(at, kVarint3, entry.index);
  if (entry.data.present()) at = put_field(at, kBytes4, entry.data.size());
  add(RecordType::kEntry, {head, static_cast<size_t>(at - head)}, entry.data.view());
}

void FrameEncoder::add_state(const raft::HardState& state) {
  char head[kMostScalarBytes];
  char* at = put_field(head, kVarint1, state.term);
  at = put_field(at, kVarint2, state.vote);
  at = put_field(at, kVarint3, state.commit);
  add(RecordType::kState, {head, static_cast<size_t>(at - head)}, {});
}

void FrameEncoder::add_snapshot(const SnapshotRecord& snapshot) {
  char head[kMostScalarBytes];
  char* at = put_field(head, kVarint1, snapshot.index);
  at = put_field(at, kVarint2, snapshot.term);
  std::string conf_state;
  if (snapshot.conf_state) {
    raftpb::ConfState whole = *snapshot.conf_state;
    whole.set_auto_leave(whole.auto_leave());  // etcd writes it, false or true
    conf_state = whole.SerializeAsString();
    at = put_field(at, kBytes3, conf_state.size());
  }
  add(RecordType::kSnapshot, {head, static_cast<size_t>(at - head)}, conf_state);
}

std::string encode_identity(const Identity& identity) {
  char data[kMostScalarBytes];
  char* at = put_field(data, kVarint1, identity.node_id);
  at = put_field(at, kVarint2, identity.cluster_id);
  return std::string(data, at);
}

bool decode_record(std::string_view bytes, Record& record) {
  Fields fields(bytes);
  return take_record(fields, record) && fields.all_taken();
}

size_t decode_record_at_front(std::string_view bytes, Record& record) {
  Fields fields(bytes);
  if (!take_record(fields, record) || record.data.empty()) return 0;
  return static_cast<size_t>(record.data.data() + record.data.size() - bytes.data());
}

bool decode_identity(std::string_view data, Identity& identity) {
  identity = {};
  Fields fields(data);
  fields.scalar(kVarint1, identity.node_id);
  fields.scalar(kVarint2, identity.cluster_id);
  return fields.all_taken();
}

bool decode_entry(std::string_view data, raft::Entry& entry) {
  uint64_t type = 0;
  std::string_view payload;
  entry = {};
  Fields fields(data);
  fields.scalar(kVarint1, type);
  fields.scalar(kVarint2, entry.term);
  fields.scalar(kVarint3, entry.index);
  if (fields.bytes(kBytes4, payload)) entry.data = raft::Payload(payload);
  if (!fields.all_taken() || type > 2 || entry.term == 0 || entry.index == 0) return false;
  entry.type = static_cast<raft::EntryType>(type);
  // A state under the wrong type would be one of these: a change of members says which member.
  return entry.type != raft::EntryType::kConfChange || entry.data.present();
}

bool decode_state(std::string_view data, raft::HardState& state) {
  state = {};
  Fields fields(data);
  fields.scalar(kVarint1, state.term);
  fields.scalar(kVarint2, state.vote);
  fields.scalar(kVarint3, state.commit);
  // Nobody votes or commits before the first term.
  return fields.all_taken() && state.term > 0;
}

bool decode_snapshot(std::string_view data, SnapshotRecord& snapshot) {
  snapshot = {};
  Fields fields(data);
  fields.scalar(kVarint1, snapshot.index);
  fields.scalar(kVarint2, snapshot.term);
  std::string_view conf_state;
  if (fields.bytes(kBytes3, conf_state)) {
    snapshot.conf_state.emplace();
    if (conf_state.size() > INT32_MAX ||
        !snapshot.conf_state->ParseFromArray(conf_state.data(),
                                             static_cast<int>(conf_state.size()))) {
      return false;
    }
  }
  return fields.all_taken();
}

bool decode_frame_header(uint64_t header, FrameSizes& sizes) {
  sizes.record = header & ((uint64_t{1} << kSizeBits) - 1);
  sizes.padding = -sizes.record % 8;
  const uint64_t top = header >> kSizeBits;
  return sizes.record > 0 && top == (sizes.padding == 0 ? 0 : 0x80 | sizes.padding);
}

}  // namespace gatehouse::wal
