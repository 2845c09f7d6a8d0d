// Maintenance.Snapshot: the database as it is now, in pieces, while the member goes on; the last
// piece is the SHA-256 of all before it.
//
// A thread reads the database and waits when the client is slow; the loop sends.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "common/rpc/server.h"
#include "member/api/context.h"

namespace gatehouse::api {

class SnapshotStream final : public rpc::ServerHandler {
 public:
  static constexpr size_t kPieceBytes = 32 * 1024;
  static constexpr size_t kMaxPieces = 32;  // read ahead of the client

  SnapshotStream(rpc::ServerCall& call, Context& context) : call_(call), context_(context) {}
  ~SnapshotStream() override { abandon(); }

  void on_message(std::string_view) override {}
  void on_half_close() override;
  void on_can_send() override { send_pieces(); }
  void on_cancel(const Status&) override { abandon(); }

 private:
  // Between the two threads; outlives both.
  struct Pipe {
    std::mutex mutex;
    std::condition_variable room;
    std::deque<std::string> pieces;  // whole SnapshotResponse messages
    bool told = false;               // the loop will look
    bool abandoned = false;
  };

  void send_pieces();
  void abandon();

  rpc::ServerCall& call_;
  Context& context_;
  std::shared_ptr<Pipe> pipe_;
  std::shared_ptr<Status> result_;  // once the thread is done
};

}  // namespace gatehouse::api
