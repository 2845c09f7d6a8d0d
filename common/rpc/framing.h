// gRPC's length-prefixed messages, in any chunking: one byte of flags (1: compressed), four of
// length (big-endian), the message. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
//
// Pure; any thread, one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace gatehouse::rpc {

inline constexpr size_t kPrefixBytes = 5;

// The prefix of a message. CHECK: `bytes` fits 32 bits (the caller bounds what it sends).
std::array<char, kPrefixBytes> message_prefix(size_t bytes, bool compressed);

// Appends prefix and message.
void append_message(std::string& out, std::string_view message, bool compressed = false);

// Splits a byte stream into messages.
class MessageDecoder {
 public:
  struct Message {
    std::string_view bytes;
    bool compressed = false;
  };
  enum class Next : uint8_t {
    kMessage,    // `message` is set
    kNeedBytes,  // `in` is used up
    kError,      // error() says why; the decoder takes nothing more
  };

  // Messages longer than `max_bytes` are refused on their prefix, before any of them is kept.
  explicit MessageDecoder(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes bytes off the front of `in` up to the end of one message. A message that lies whole in
  // `in` is a view of it, without a copy; one that came in pieces is a view of the decoder, valid
  // until the next call.
  //
  // Errors, worded as grpc-go words them: ResourceExhausted "grpc: received message larger than max
  // (N vs. M)"; Internal "grpc: received unexpected payload format N".
  Next next(std::string_view& in, Message& message);

  // Makes a message that is a view of the decoder a view of `holder`, so that it outlives the
  // decoder. Call it right after next().
  void move_out(Message& message, std::string& holder);

  const Status& error() const { return error_; }

  // True between the first byte of a message and its last: a stream that ends here was cut.
  bool inside_message() const { return prefix_have_ != 0; }

  // Bytes of an unfinished message that are kept.
  size_t kept_bytes() const { return kept_.size(); }

 private:
  // Room is made as bytes come, not as the prefix promises: five bytes cost a peer nothing.
  static constexpr size_t kFirstReserve = 64 * 1024;

  bool read_prefix();

  size_t max_bytes_;
  std::array<char, kPrefixBytes> prefix_{};
  size_t prefix_have_ = 0;
  size_t length_ = 0;  // of the message, once the prefix is whole
  bool handed_out_ = false;
  std::string kept_;
  Status error_;
};

}  // namespace gatehouse::rpc
