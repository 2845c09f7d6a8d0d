// StreamWriter: our end of one stream that a peer holds open here. Without one attached it takes
// nothing.
//
// Messages are encoded at once while the connection takes them; a peer that reads slower finds them
// queued as they are, sharing their entries with the log, so that its slowness costs no memory.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "member/transport/framing.h"
#include "member/transport/link.h"
#include "member/transport/stream_kind.h"

namespace gatehouse::transport {

class StreamWriter {
 public:
  // Encoded bytes that wait for the connection, above which messages wait instead.
  static constexpr size_t kMaxEncodedBytes = 1024 * 1024;

  StreamWriter(Link& link, StreamKind kind);
  ~StreamWriter();

  // Answers the request with 200 and keeps it. What was attached before is cut.
  std::unique_ptr<http::StreamHandler> attach(http::ServerStream& stream);
  bool attached() const { return attached_ != nullptr; }

  // While attached. Dropped and reported when the queue is full.
  void send(raft::Message message);
  void stop();

 private:
  class Attached;

  void write(const raft::Message& message);
  void write_queued();
  void beat();
  void cut();
  void lost(const Status& why);

  Link& link_;
  const StreamKind kind_;
  Attached* attached_ = nullptr;  // owned by its HTTP stream
  AppendEncoder encoder_;
  std::deque<raft::Message> queue_;
  std::string scratch_;
  env::Timer heartbeat_;
  uint64_t accepted_bytes_ = 0;  // by the attached stream
  uint64_t drained_bytes_ = 0;   // of these, at the last look
  uint64_t drained_ms_ = 0;      // when that last grew, or nothing waited
};

}  // namespace gatehouse::transport
