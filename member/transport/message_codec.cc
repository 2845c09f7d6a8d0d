#include "member/transport/message_codec.h"

#include <memory>
#include <utility>

#include "common/codec/varint.h"
#include "member/raft/wire.h"

namespace gatehouse::transport {
namespace {

using codec::append_varint;
using codec::varint_size;

// Tags as they stand on the wire: field number and wire type in one byte.
constexpr char kVarint = 0;
constexpr char kBytes = 2;
constexpr char tag(int field, char wire_type) {
  return static_cast<char>(field << 3 | wire_type);
}

void append_field(std::string& out, int field, uint64_t value) {
  out += tag(field, kVarint);
  append_varint(out, value);
}

void append_length(std::string& out, int field, size_t bytes) {
  out += tag(field, kBytes);
  append_varint(out, bytes);
}

size_t with_length(size_t bytes) { return 1 + varint_size(bytes) + bytes; }

std::string encode_snapshot(const raft::Message& message) {
  return message.snapshot == nullptr ? std::string()
                                     : raft::to_proto(*message.snapshot).SerializeAsString();
}

size_t size_of(const raft::Message& m, size_t snapshot_bytes) {
  // The tags of the ten scalars that are always there, and one byte for `reject` and for `vote`.
  size_t size = 10 + 2 + varint_size(static_cast<uint64_t>(m.type)) + varint_size(m.to) +
                varint_size(m.from) + varint_size(m.term) + varint_size(m.log_term) +
                varint_size(m.index) + varint_size(m.commit) + varint_size(m.reject_hint);
  for (const raft::Entry& entry : m.entries) size += with_length(raft::encoded_size(entry));
  if (m.snapshot != nullptr) size += with_length(snapshot_bytes);
  if (!m.context.empty()) size += with_length(m.context.size());
  return size;
}

Status broken(const char* what) {
  return invalid_argument(std::string("raft message: ") + what);
}

// One field after another of an encoded message.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}

  // False at the end and after an error.
  bool next() {
    if (left_.empty() || !status_.ok()) return false;
    const size_t before = left_.size();
    uint64_t key = 0;
    if (!take(key)) return false;
    number_ = static_cast<uint32_t>(key >> 3);
    wire_type_ = static_cast<char>(key & 7);
    if (key > UINT32_MAX || number_ == 0 || before - left_.size() > 5) {
      return fail("a tag that is none");
    }
    value_ = 0;
    bytes_ = {};
    switch (wire_type_) {
      case 0:
        return take(value_);
      case 1:
        return skip(8);
      case 2: {
        uint64_t length = 0;
        if (!take(length)) return false;
        if (length > left_.size()) return fail("a field longer than the message");
        bytes_ = left_.substr(0, length);
        left_.remove_prefix(length);
        return true;
      }
      case 5:
        return skip(4);
      default:
        return fail("a wire type that is not used");
    }
  }

  uint32_t number() const { return number_; }
  bool is_number() const { return wire_type_ == kVarint; }
  bool is_bytes() const { return wire_type_ == kBytes; }
  uint64_t value() const { return value_; }
  std::string_view bytes() const { return bytes_; }
  const Status& status() const { return status_; }

 private:
  bool take(uint64_t& value) {
    return codec::take_varint(left_, value) == codec::VarintParse::kOk || fail("a broken number");
  }
  bool skip(size_t bytes) {
    if (bytes > left_.size()) return fail("a field longer than the message");
    left_.remove_prefix(bytes);
    return true;
  }
  bool fail(const char* what) {
    status_ = broken(what);
    return false;
  }

  std::string_view left_;
  uint32_t number_ = 0;
  char wire_type_ = 0;
  uint64_t value_ = 0;
  std::string_view bytes_;
  Status status_;
};

bool travels(uint64_t type) {
  return (type >= 2 && type <= 9) || (type >= 13 && type <= 18);
}

}  // namespace

size_t encoded_bytes(const raft::Message& message) {
  return size_of(message, encode_snapshot(message).size());
}

void append_entry(std::string& out, const raft::Entry& entry) {
  append_field(out, 1, static_cast<uint64_t>(entry.type));
  append_field(out, 2, entry.term);
  append_field(out, 3, entry.index);
  if (entry.data.present()) {
    append_length(out, 4, entry.data.size());
    out.append(entry.data.view());
  }
}

void append_message(std::string& out, const raft::Message& m) {
  const std::string snapshot = encode_snapshot(m);
  out.reserve(out.size() + size_of(m, snapshot.size()));
  append_field(out, 1, static_cast<uint64_t>(m.type));
  append_field(out, 2, m.to);
  append_field(out, 3, m.from);
  append_field(out, 4, m.term);
  append_field(out, 5, m.log_term);
  append_field(out, 6, m.index);
  for (const raft::Entry& entry : m.entries) {
    append_length(out, 7, raft::encoded_size(entry));
    append_entry(out, entry);
  }
  append_field(out, 8, m.commit);
  if (m.snapshot != nullptr) {
    append_length(out, 9, snapshot.size());
    out.append(snapshot);
  }
  append_field(out, 10, m.reject ? 1 : 0);
  append_field(out, 11, m.reject_hint);
  if (!m.context.empty()) {
    append_length(out, 12, m.context.size());
    out.append(m.context);
  }
  append_field(out, 13, 0);  // vote
}

Result<raft::Entry> decode_entry(std::string_view bytes) {
  raft::Entry entry;
  Fields fields(bytes);
  while (fields.next()) {
    switch (fields.number()) {
      case 1:
        // An enum of proto2 cannot hold a number it does not know.
        if (fields.is_number() && fields.value() <= 2) {
          entry.type = static_cast<raft::EntryType>(fields.value());
        } else if (fields.is_number() && fields.value() > INT32_MAX) {
          return broken("an entry type out of range");
        }
        break;
      case 2:
        if (fields.is_number()) entry.term = fields.value();
        break;
      case 3:
        if (fields.is_number()) entry.index = fields.value();
        break;
      case 4:
        if (fields.is_bytes()) entry.data = raft::Payload(fields.bytes());
        break;
      default:
        break;
    }
  }
  GATEHOUSE_RETURN_IF_ERROR(fields.status());
  return entry;
}

Result<raft::Message> decode_message(std::string_view bytes) {
  raft::Message message;
  uint64_t type = 0;
  std::unique_ptr<raftpb::Snapshot> snapshot;
  uint64_t* const numbers[] = {&message.to,       &message.from,  &message.term,
                               &message.log_term, &message.index, &message.commit,
                               &message.reject_hint};
  Fields fields(bytes);
  while (fields.next()) {
    uint64_t* number = nullptr;
    switch (fields.number()) {
      case 1:
        if (!fields.is_number()) break;
        if (fields.value() > INT32_MAX) return broken("a type out of range");
        if (fields.value() <= raftpb::MessageType_MAX) type = fields.value();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        number = numbers[fields.number() - 2];
        break;
      case 7: {
        if (!fields.is_bytes()) break;
        Result<raft::Entry> entry = decode_entry(fields.bytes());
        if (!entry.ok()) return entry.status();
        message.entries.push_back(*std::move(entry));
        break;
      }
      case 8:
        number = numbers[5];
        break;
      case 9:
        if (!fields.is_bytes()) break;
        if (snapshot == nullptr) snapshot = std::make_unique<raftpb::Snapshot>();
        if (!snapshot->MergeFromString(std::string(fields.bytes()))) {
          return broken("a snapshot that cannot be read");
        }
        break;
      case 10:
        if (fields.is_number()) message.reject = fields.value() != 0;
        break;
      case 11:
        number = numbers[6];
        break;
      case 12:
        if (fields.is_bytes()) message.context = fields.bytes();
        break;
      case 14:
        // Only between a member and its own disk; refused, so that nothing nests.
        return broken("responses, which never leave a process");
      default:
        break;
    }
    if (number != nullptr && fields.is_number()) *number = fields.value();
  }
  GATEHOUSE_RETURN_IF_ERROR(fields.status());
  if (!travels(type)) return broken("type does not travel between members");
  message.type = static_cast<raft::MessageType>(type);
  // Members up to 3.5 write an empty snapshot into every message.
  if (snapshot != nullptr && snapshot->metadata().index() != 0) {
    message.snapshot = std::make_shared<const raft::Snapshot>(raft::from_proto(*snapshot));
  }
  return message;
}

}  // namespace gatehouse::transport
