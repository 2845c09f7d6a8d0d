#include "member/transport/framing.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/codec/fixed.h"
#include "member/transport/message_codec.h"

namespace gatehouse::transport {
namespace {

constexpr size_t kNumberBytes = sizeof(uint64_t);
constexpr char kHeartbeatFrame = 0;
constexpr char kEntriesFrame = 1;
constexpr char kMessageFrame = 2;

void append_number(std::string& out, uint64_t value) {
  codec::append_big_endian<uint64_t>(out, value);
}

uint64_t number_in(std::string_view bytes) {
  CHECK(bytes.size() == kNumberBytes);
  return codec::load_big_endian<uint64_t>(bytes.data());
}

// The length is known once the message is written.
void append_with_length(std::string& out, const raft::Message& message) {
  const size_t start = out.size();
  out.append(kNumberBytes, '\0');
  append_message(out, message);
  codec::store_big_endian<uint64_t>(&out[start], out.size() - start - kNumberBytes);
}

Status too_large(uint64_t bytes) {
  return invalid_argument("peer stream: a frame of " + std::to_string(bytes) + " bytes");
}

}  // namespace

// ---- Gathered

void Gathered::expect(uint64_t length) {
  length_ = length;
  whole_ = {};
  buffer_.clear();
  if (buffer_.capacity() > kKeptBytes) std::string().swap(buffer_);
}

bool Gathered::take(std::string_view& bytes) {
  const size_t count =
      static_cast<size_t>(std::min<uint64_t>(length_ - buffer_.size(), bytes.size()));
  const std::string_view piece = bytes.substr(0, count);
  bytes.remove_prefix(count);
  if (buffer_.empty() && count == length_) {
    whole_ = piece;  // the usual case: nothing is copied
    return true;
  }
  buffer_.append(piece);
  if (buffer_.size() < length_) return false;
  whole_ = buffer_;
  return true;
}

// ---- message

void append_message_frame(std::string& out, const raft::Message& message) {
  append_with_length(out, message);
}

MessageDecoder::MessageDecoder(uint64_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {
  gathered_.expect(kNumberBytes);
}

Status MessageDecoder::feed(std::string_view bytes, MessageSink& sink) {
  while (gathered_.take(bytes)) {
    if (!in_body_) {
      const uint64_t length = number_in(gathered_.whole());
      if (length > max_frame_bytes_) return too_large(length);
      in_body_ = true;
      gathered_.expect(length);
      continue;
    }
    Result<raft::Message> message = decode_message(gathered_.whole());
    in_body_ = false;
    gathered_.expect(kNumberBytes);
    if (!message.ok()) return message.status();
    if (!sink.on_frame(*std::move(message))) return Status();
  }
  return Status();
}

// ---- msgapp

void AppendEncoder::append(std::string& out, const raft::Message& m) {
  CHECK(m.type == raft::MessageType::kAppend);
  if (m.index == index_ && m.log_term == term_ && m.log_term == m.term) {
    out += kEntriesFrame;
    append_number(out, m.entries.size());
    for (const raft::Entry& entry : m.entries) {
      append_number(out, raft::encoded_size(entry));
      append_entry(out, entry);
    }
    append_number(out, m.commit);
    index_ += m.entries.size();
    return;
  }
  out += kMessageFrame;
  append_with_length(out, m);
  term_ = m.term;
  index_ = m.entries.empty() ? m.index : m.entries.back().index;
}

AppendDecoder::AppendDecoder(raft::NodeId local, raft::NodeId remote, uint64_t max_frame_bytes)
    : local_(local), remote_(remote), max_frame_bytes_(max_frame_bytes) {
  expect(Expecting::kType, 1);
}

void AppendDecoder::expect(Expecting what, uint64_t bytes) {
  expecting_ = what;
  gathered_.expect(bytes);
}

Status AppendDecoder::charge(uint64_t bytes) {
  if (bytes > max_frame_bytes_ - charged_) return too_large(bytes);
  charged_ += bytes;
  return Status();
}

Status AppendDecoder::feed(std::string_view bytes, MessageSink& sink) {
  while (!stopped_ && gathered_.take(bytes)) {
    GATEHOUSE_RETURN_IF_ERROR(step(sink));
  }
  return Status();
}

Status AppendDecoder::step(MessageSink& sink) {
  const std::string_view whole = gathered_.whole();
  switch (expecting_) {
    case Expecting::kType:
      charged_ = 0;
      if (whole[0] == kMessageFrame) {
        expect(Expecting::kLength, kNumberBytes);
      } else if (whole[0] == kEntriesFrame) {
        append_ = raft::Message();
        append_.type = raft::MessageType::kAppend;
        append_.from = remote_;
        append_.to = local_;
        append_.term = append_.log_term = term_;
        append_.index = index_;
        expect(Expecting::kCount, kNumberBytes);
      } else if (whole[0] == kHeartbeatFrame) {
        expect(Expecting::kType, 1);
      } else {
        return invalid_argument("peer stream: a msgapp frame of an unknown type");
      }
      return Status();
    case Expecting::kLength: {
      const uint64_t length = number_in(whole);
      GATEHOUSE_RETURN_IF_ERROR(charge(length));
      expect(Expecting::kMessage, length);
      return Status();
    }
    case Expecting::kMessage:
      return take_message(sink);
    case Expecting::kCount:
      entries_left_ = number_in(whole);
      if (entries_left_ > max_frame_bytes_ / kEntryOverhead) return too_large(entries_left_);
      expect_entry_or_commit();
      return Status();
    case Expecting::kEntryLength: {
      const uint64_t length = number_in(whole);
      GATEHOUSE_RETURN_IF_ERROR(charge(kEntryOverhead));
      GATEHOUSE_RETURN_IF_ERROR(charge(length));
      expect(Expecting::kEntry, length);
      return Status();
    }
    case Expecting::kEntry: {
      Result<raft::Entry> entry = decode_entry(whole);
      if (!entry.ok()) return entry.status();
      append_.entries.push_back(*std::move(entry));
      ++index_;
      --entries_left_;
      expect_entry_or_commit();
      return Status();
    }
    case Expecting::kCommit:
      append_.commit = number_in(whole);
      expect(Expecting::kType, 1);
      stopped_ = !sink.on_frame(std::exchange(append_, raft::Message()));
      return Status();
  }
  return Status();
}

Status AppendDecoder::take_message(MessageSink& sink) {
  Result<raft::Message> message = decode_message(gathered_.whole());
  if (!message.ok()) return message.status();
  term_ = message->term;
  index_ = message->entries.empty() ? message->index : message->entries.back().index;
  expect(Expecting::kType, 1);
  stopped_ = !sink.on_frame(*std::move(message));
  return Status();
}

void AppendDecoder::expect_entry_or_commit() {
  expect(entries_left_ > 0 ? Expecting::kEntryLength : Expecting::kCommit, kNumberBytes);
}

}  // namespace gatehouse::transport
