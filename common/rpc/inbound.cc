#include "common/rpc/inbound.h"

#include <utility>

#include "common/base/check.h"
#include "common/rpc/gzip.h"

namespace gatehouse::rpc {

Inbound::Outcome Inbound::hand_out(MessageDecoder::Message& message, Sink& sink) {
  if (!message.compressed) {
    std::string holder;
    decoder_.move_out(message, holder);
    return sink.on_inbound(message.bytes) ? Outcome::kOk : Outcome::kStopped;
  }
  if (!gzip_) {
    error_ = internal_error("grpc: compressed flag set with identity or empty encoding");
    return Outcome::kFailed;
  }
  Result<std::string> unpacked = gzip_decompress(message.bytes, max_bytes_);
  if (!unpacked.ok()) {
    error_ = unpacked.status();
    return Outcome::kFailed;
  }
  return sink.on_inbound(*unpacked) ? Outcome::kOk : Outcome::kStopped;
}

Inbound::Outcome Inbound::pump(std::string_view& in, Sink& sink) {
  while (wanted_) {
    MessageDecoder::Message message;
    switch (decoder_.next(in, message)) {
      case MessageDecoder::Next::kNeedBytes:
        return Outcome::kOk;
      case MessageDecoder::Next::kError:
        error_ = decoder_.error();
        return Outcome::kFailed;
      case MessageDecoder::Next::kMessage:
        break;
    }
    wanted_ = false;
    const Outcome outcome = hand_out(message, sink);
    if (outcome != Outcome::kOk) return outcome;
  }
  return Outcome::kOk;
}

Inbound::Outcome Inbound::feed(std::string_view piece, Sink& sink, size_t& credit) {
  CHECK(!pumping_);
  credit = 0;
  pumping_ = true;
  if (has_backlog()) {
    // Held on the stack: a message may be a view of it and outlive this object.
    std::string held = std::move(backlog_);
    held.append(piece);
    std::string_view in(held);
    in.remove_prefix(backlog_at_);
    const size_t before = in.size();
    const Outcome outcome = pump(in, sink);
    if (outcome == Outcome::kStopped) return outcome;
    pumping_ = false;
    credit = outcome == Outcome::kFailed ? before : before - in.size();
    backlog_at_ += credit;
    if (backlog_at_ == held.size()) {
      backlog_.clear();
      backlog_at_ = 0;
      return outcome;
    }
    backlog_ = std::move(held);
    if (backlog_at_ > backlog_.size() / 2) {
      backlog_.erase(0, backlog_at_);
      backlog_at_ = 0;
    }
    return outcome;
  }
  std::string_view in = piece;
  const Outcome outcome = pump(in, sink);
  if (outcome == Outcome::kStopped) return outcome;
  pumping_ = false;
  if (outcome == Outcome::kFailed) in = {};
  credit = piece.size() - in.size();
  backlog_.assign(in);
  return outcome;
}

size_t Inbound::drop_backlog() {
  const size_t dropped = backlog_bytes();
  backlog_ = std::string();
  backlog_at_ = 0;
  return dropped;
}

}  // namespace gatehouse::rpc
