// Inbound: the receiving half of a call, on either side: pieces of an HTTP body become messages,
// handed out one by one as they are wanted. What may not be handed out yet is kept here as it came
// and not credited to the peer's flow-control window, which bounds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/rpc/framing.h"

namespace gatehouse::rpc {

class Inbound {
 public:
  class Sink {
   public:
    // One message, unpacked; valid during the call, even if the Inbound is destroyed in it. False:
    // stop, and do not touch the Inbound, it may be gone.
    virtual bool on_inbound(std::string_view message) = 0;

   protected:
    ~Sink() = default;
  };

  enum class Outcome : uint8_t {
    kOk,       // all that is wanted and there was handed out
    kStopped,  // the sink said so; feed it no more
    kFailed,   // error(); all that came is done with
  };

  // One message is wanted from the start.
  explicit Inbound(size_t max_bytes) : max_bytes_(max_bytes), decoder_(max_bytes) {}

  // Compressed messages are gzip from here on; before, they are errors.
  void allow_gzip() { gzip_ = true; }

  // `credit` is the number of bytes that are done with.
  Outcome feed(std::string_view piece, Sink& sink, size_t& credit);

  // Wants one more message. True when feed() has to be called for that, from outside of the sink:
  // with no bytes if there are none.
  bool want() {
    wanted_ = true;
    return !pumping_ && has_backlog();
  }

  bool has_backlog() const { return backlog_at_ < backlog_.size(); }
  // Bytes that came, were not wanted yet, and were not credited.
  size_t backlog_bytes() const { return backlog_.size() - backlog_at_; }
  // Forgets them; returns how many there were. Feed it no more.
  size_t drop_backlog();
  bool cut_short() const { return decoder_.inside_message(); }
  size_t kept_bytes() const { return backlog_bytes() + decoder_.kept_bytes(); }
  const Status& error() const { return error_; }

 private:
  Outcome pump(std::string_view& in, Sink& sink);
  Outcome hand_out(MessageDecoder::Message& message, Sink& sink);

  const size_t max_bytes_;
  MessageDecoder decoder_;
  bool wanted_ = true;
  bool gzip_ = false;
  bool pumping_ = false;
  std::string backlog_;
  size_t backlog_at_ = 0;  // what is before has been handed out
  Status error_;
};

}  // namespace gatehouse::rpc
