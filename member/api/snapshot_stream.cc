#include "member/api/snapshot_stream.h"

#include <algorithm>
#include <utility>

#include "common/codec/proto_fields.h"
#include "common/codec/sha256.h"

namespace gatehouse::api {

namespace {

// Without a header, as in etcd 3.7.
std::string piece_message(uint64_t remaining, std::string_view blob, std::string_view version) {
  std::string message;
  message.reserve(blob.size() + 64);
  codec::append_uint64_field(message, 2, remaining);
  codec::append_bytes_field(message, 3, blob);
  codec::append_bytes_field(message, 4, version);
  return message;
}

Status gone() { return Status(StatusCode::kCanceled, "context canceled"); }

}  // namespace

void SnapshotStream::on_half_close() {
  pipe_ = std::make_shared<Pipe>();
  const auto result = std::make_shared<Status>();
  // The thread reaches this call only by tasks on its loop, which ask whether it is still there.
  env::Executor& executor = call_.executor();
  auto work = [pipe = pipe_, result, &executor, this, &backend = context_.backend,
               version = context_.cluster.members()->version] {
    const auto push = [&](std::string message) {
      std::unique_lock lock(pipe->mutex);
      pipe->room.wait(lock, [&] { return pipe->pieces.size() < kMaxPieces || pipe->abandoned; });
      if (pipe->abandoned) return gone();
      pipe->pieces.push_back(std::move(message));
      if (std::exchange(pipe->told, true)) return Status();
      lock.unlock();
      executor.post([pipe, this] {
        if (!pipe->abandoned) send_pieces();
      });
      return Status();
    };
    codec::Sha256 sha;
    uint64_t done = 0;
    *result = backend.snapshot([&](uint64_t total, std::string_view bytes) {
      while (!bytes.empty()) {
        const std::string_view blob = bytes.substr(0, kPieceBytes);
        bytes.remove_prefix(blob.size());
        done += blob.size();
        sha.update(blob);
        GATEHOUSE_RETURN_IF_ERROR(push(piece_message(total - done, blob, version)));
      }
      return Status();
    });
    if (result->ok()) {
      const codec::Sha256::Digest digest = sha.finish();
      const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
      *result = push(piece_message(0, bytes, version));
    }
  };
  context_.operations.run_aside(context_.lane, std::move(work), [pipe = pipe_, result, this] {
    if (pipe->abandoned) return;
    result_ = result;
    send_pieces();
  });
}

void SnapshotStream::send_pieces() {
  if (pipe_ == nullptr) return;
  for (;;) {
    std::string message;
    {
      const std::lock_guard lock(pipe_->mutex);
      pipe_->told = false;
      if (pipe_->pieces.empty()) break;
      if (!call_.can_send()) {
        pipe_->told = true;  // on_can_send() looks
        return;
      }
      message = std::move(pipe_->pieces.front());
      pipe_->pieces.pop_front();
    }
    pipe_->room.notify_one();
    call_.send(message);
  }
  if (result_ == nullptr) return;
  const Status result = *result_;
  abandon();
  call_.finish(result);
}

void SnapshotStream::abandon() {
  if (pipe_ == nullptr) return;
  {
    const std::lock_guard lock(pipe_->mutex);
    pipe_->abandoned = true;
  }
  pipe_->room.notify_one();
  pipe_.reset();
}

}  // namespace gatehouse::api
