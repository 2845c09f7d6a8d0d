// The two framings of rafthttp's streams (formats 6.4 and 6.5), bytes to messages and back.
//
//   message:  (length: u64 BE, raftpb.Message)*
//   msgapp:   00 | 01 n (length raftpb.Entry)*n commit | 02 length raftpb.Message     all u64 BE
//
// Decoders take bytes in any chunking and hold at most one frame: memory grows with the bytes that
// came, not with the lengths that they announce. No I/O; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

// Of one frame: what etcd reads. Answers a peer, or something that is none, that announces the
// memory of the machine.
inline constexpr uint64_t kMaxFrameBytes = 512 * 1024 * 1024;

class MessageSink {
 public:
  // False: take no more; the decoder's feed() returns at once.
  virtual bool on_frame(raft::Message message) = 0;

 protected:
  ~MessageSink() = default;
};

// Gathers a run of bytes of known length, out of pieces.
class Gathered {
 public:
  // Forgets what is there and expects `length` bytes.
  void expect(uint64_t length);
  // Takes from the front of `bytes`. True once all are here: whole() shows them until the next
  // expect() or until `bytes` goes, whichever is first.
  bool take(std::string_view& bytes);
  std::string_view whole() const { return whole_; }
  // Buffers above this are given back after use.
  static constexpr size_t kKeptBytes = 1024 * 1024;

 private:
  std::string buffer_;
  uint64_t length_ = 0;
  std::string_view whole_;
};

void append_message_frame(std::string& out, const raft::Message& message);

class MessageDecoder {
 public:
  explicit MessageDecoder(uint64_t max_frame_bytes = kMaxFrameBytes);
  // Messages as they are completed, link heartbeats among them. An error is final: the stream
  // cannot be read on.
  Status feed(std::string_view bytes, MessageSink& sink);

 private:
  const uint64_t max_frame_bytes_;
  Gathered gathered_;
  bool in_body_ = false;
};

// The sending end of a msgapp stream. Both ends remember where the last append ended, so that the
// next one is sent without its head.
class AppendEncoder {
 public:
  // `message` is a kAppend.
  void append(std::string& out, const raft::Message& message);
  static void append_heartbeat(std::string& out) { out += '\0'; }

 private:
  uint64_t term_ = 0;
  uint64_t index_ = 0;
};

class AppendDecoder {
 public:
  // Frames without a head become messages from `remote` to `local`.
  AppendDecoder(raft::NodeId local, raft::NodeId remote, uint64_t max_frame_bytes = kMaxFrameBytes);
  // As MessageDecoder::feed; link heartbeats are left out.
  Status feed(std::string_view bytes, MessageSink& sink);

 private:
  enum class Expecting : uint8_t {
    kType,
    kLength,
    kMessage,
    kCount,
    kEntryLength,
    kEntry,
    kCommit,
  };

  // Counted for each entry beside its bytes: entries without bytes cost memory too.
  static constexpr uint64_t kEntryOverhead = 64;

  void expect(Expecting what, uint64_t bytes);
  Status charge(uint64_t bytes);
  // What is expected has come whole.
  Status step(MessageSink& sink);
  Status take_message(MessageSink& sink);
  void expect_entry_or_commit();

  const raft::NodeId local_;
  const raft::NodeId remote_;
  const uint64_t max_frame_bytes_;
  Expecting expecting_ = Expecting::kType;
  Gathered gathered_;
  uint64_t term_ = 0;
  uint64_t index_ = 0;
  raft::Message append_;       // under construction
  uint64_t entries_left_ = 0;  // of it
  uint64_t charged_ = 0;       // of max_frame_bytes_
  bool stopped_ = false;       // by the sink
};

}  // namespace gatehouse::transport
