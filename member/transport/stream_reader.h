// StreamReader: holds one stream open at a peer and reads messages from it, for ever: whenever it
// ends, the next attempt follows.
//
//   kWaiting --(redial_ms after the attempt before)--> kOpening --200--> kReading
//      ^---------------------------- any failure ---------'----------------'
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/env/executor.h"
#include "member/transport/exchange.h"
#include "member/transport/framing.h"
#include "member/transport/link.h"
#include "member/transport/stream_kind.h"

namespace gatehouse::transport {

class StreamReader final : private Exchange::User, private MessageSink {
 public:
  StreamReader(Link& link, StreamKind kind);

  void start();
  // No callback and no message comes after.
  void stop();

 private:
  enum class State : uint8_t { kWaiting, kOpening, kRefused, kReading, kStopped };

  // Exchange::User
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_done() override;
  void on_failed(const Status& why) override;
  // MessageSink
  bool on_frame(raft::Message message) override;

  void open();
  void lost(const Status& why);

  Link& link_;
  const StreamKind kind_;
  State state_ = State::kWaiting;
  Exchange exchange_;
  env::Timer redial_;
  std::variant<MessageDecoder, AppendDecoder> decoder_;
  std::string url_;           // of the attempt under way
  uint64_t attempt_ms_ = 0;   // when it began
  int refused_with_ = 0;      // kRefused: the status,
  std::string refusal_text_;  // and the start of the body
};

}  // namespace gatehouse::transport
