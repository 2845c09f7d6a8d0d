#include "member/snapshot_port.h"

#include <utility>

#include "member/replica/snapshot_transfer.h"

namespace gatehouse::member {

void SnapshotPort::open(raft::Message message,
                        UniqueFunction<void(Result<transport::OutgoingSnapshot>)> ready) {
  struct Work {
    raft::Message message;
    UniqueFunction<void(Result<transport::OutgoingSnapshot>)> ready;
    Result<replica::OutgoingSnapshot> taken = internal_error("no snapshot was taken");
  };
  const auto work = std::make_shared<Work>();
  work->message = std::move(message);
  work->ready = std::move(ready);
  aside_.run(
      executor_, [work, &backend = backend_] { work->taken = replica::take_snapshot(backend); },
      [work, &executor = executor_] {
        if (!work->taken.ok()) return work->ready(work->taken.status());
        transport::OutgoingSnapshot out;
        out.message = std::move(work->message);
        out.message.snapshot = std::move(work->taken->snapshot);
        out.database = transport::read_on_thread(
            executor,
            [copy = std::move(work->taken->database)]() -> transport::SnapshotSource::Piece {
              return std::string(copy->next_piece());
            });
        work->ready(std::move(out));
      });
}

Result<std::unique_ptr<transport::SnapshotSink>> SnapshotPort::accept(
    const raft::Message& message) {
  const uint64_t index = message.snapshot->index;
  std::erase_if(coming_, [](const auto& each) { return each.second.expired(); });
  if (coming_.contains(index)) {
    return Status(StatusCode::kFailedPrecondition, "this snapshot is coming already");
  }
  auto incoming =
      replica::IncomingSnapshot::begin(files_, directory_, entropy_, message.snapshot);
  if (!incoming.ok()) return incoming.status();
  auto token = std::make_shared<int>();
  coming_[index] = token;
  return transport::write_on_thread(
      executor_, [token = std::move(token), incoming = std::move(*incoming),
                  &metrics = metrics_](std::string_view piece) {
        const Status taken = incoming->take(piece);
        if (piece.empty() && taken.ok()) {
          metrics.database_sync.observe(incoming->took().database_sync);
          metrics.database_save.observe(incoming->took().all);
        }
        return taken;
      });
}

}  // namespace gatehouse::member
