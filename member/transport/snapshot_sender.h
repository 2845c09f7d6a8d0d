// SnapshotSender: one snapshot at a time to one peer: the message, then the database behind it, as
// fast as the peer takes it.
//
//   kIdle --send()--> kPreparing --open_snapshot--> kSending --end--> kAwaiting --204--> kIdle
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "member/raft/types.h"
#include "member/transport/exchange.h"
#include "member/transport/link.h"
#include "member/transport/snapshot.h"

namespace gatehouse::transport {

class SnapshotSender final : private Exchange::User {
 public:
  explicit SnapshotSender(Link& link);
  ~SnapshotSender();

  // Its fate is told by Handler::report_snapshot. Refused while one is under way to this peer, or
  // kMaxSnapshotsSent to all.
  void send(raft::Message message);
  void stop();

 private:
  enum class State : uint8_t { kIdle, kPreparing, kSending, kAwaiting };

  // Exchange::User
  void on_opened() override;
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_writable() override;
  void on_done() override;
  void on_failed(const Status& why) override;

  void prepared(Result<OutgoingSnapshot> snapshot);
  void read_on();
  void got(SnapshotSource::Piece piece);
  void finish(const Status& result);
  void reset();

  Link& link_;
  Exchange exchange_;
  State state_ = State::kIdle;
  // Callbacks of others find here whether they still concern the transfer under way.
  std::shared_ptr<SnapshotSender*> transfer_;
  OutgoingSnapshot snapshot_;
  bool reading_ = false;
  std::string url_;
  uint64_t started_ms_ = 0;
  uint64_t bytes_ = 0;
  int status_ = 0;
  std::string answer_;
};

}  // namespace gatehouse::transport
