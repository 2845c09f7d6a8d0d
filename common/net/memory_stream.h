// The connections of MemoryNetwork: two ends that talk by tasks posted to each other's executor, so
// that each end is touched by its own thread only. Not for other rooms.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "common/env/byte_stream.h"
#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "common/net/memory_network.h"

namespace gatehouse::net {

class MemoryStream;

// One connection. Shared by its two streams, the tasks on their way and (weakly) the network.
struct MemoryConnection : std::enable_shared_from_this<MemoryConnection> {
  struct End {
    env::Executor* executor;
    MemoryStream* stream = nullptr;  // null once destroyed; touched on the executor only
  };

  LinkOptions options;
  std::string from;     // as dialed
  std::string address;  // as listened on
  End ends[2];
  // Nothing is delivered while set: a cable pulled.
  std::atomic<bool> cut{false};
  // Streams that live.
  std::atomic<int> streams{0};

  void send(int to, std::string bytes);
  void send_end(int to);
  void send_reset(int to);
  void send_acknowledgement(int to, size_t bytes);
  // After `cut` was cleared.
  void poke();
};

class MemoryStream final : public env::ByteStream {
 public:
  MemoryStream(std::shared_ptr<MemoryConnection> connection, int side, std::string peer_address,
               uint64_t seed);
  ~MemoryStream() override;

  void start(Sink& sink) override;
  void write(std::string_view bytes) override;
  size_t unsent() const override { return queued_.size() - queued_taken_; }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  void finish_writing() override;
  const env::PeerInfo& peer() const override { return peer_; }

 private:
  friend struct MemoryConnection;

  // What arrived, or will at due_ms.
  struct Piece {
    enum class Kind : uint8_t { kBytes, kEnd, kReset } kind;
    uint64_t due_ms;
    std::string bytes;
    size_t taken = 0;  // of bytes, already delivered
  };

  void arrive(Piece::Kind kind, std::string bytes);
  void on_acknowledged(size_t bytes);
  void deliver();
  void deliver_bytes(Piece& piece);
  void arm();
  void send_queued();
  void break_both();

  std::shared_ptr<MemoryConnection> connection_;
  const int side_;
  env::Executor& executor_;
  env::PeerInfo peer_;
  env::SeededEntropy entropy_;
  env::Timer timer_;
  Sink* sink_ = nullptr;
  bool paused_ = false;
  bool broken_ = false;
  bool finishing_ = false;
  bool end_sent_ = false;
  std::string queued_;         // beyond the window
  size_t queued_taken_ = 0;    // of queued_, already sent
  size_t unacknowledged_ = 0;  // sent, and not read by the peer
  std::deque<Piece> incoming_;
  uint64_t last_due_ms_ = 0;
  uint64_t delivered_ = 0;
};

}  // namespace gatehouse::net
