#include "common/net/memory_stream.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::net {

void MemoryConnection::send(int to, std::string bytes) {
  ends[to].executor->post([self = shared_from_this(), to, bytes = std::move(bytes)]() mutable {
    if (MemoryStream* stream = self->ends[to].stream) {
      stream->arrive(MemoryStream::Piece::Kind::kBytes, std::move(bytes));
    } else {
      // Nobody is there any more: what TCP answers with a reset.
      self->send_reset(1 - to);
    }
  });
}

void MemoryConnection::send_end(int to) {
  ends[to].executor->post([self = shared_from_this(), to] {
    MemoryStream* stream = self->ends[to].stream;
    if (stream != nullptr) stream->arrive(MemoryStream::Piece::Kind::kEnd, {});
  });
}

void MemoryConnection::send_reset(int to) {
  ends[to].executor->post([self = shared_from_this(), to] {
    MemoryStream* stream = self->ends[to].stream;
    if (stream != nullptr) stream->arrive(MemoryStream::Piece::Kind::kReset, {});
  });
}

void MemoryConnection::send_acknowledgement(int to, size_t bytes) {
  ends[to].executor->post([self = shared_from_this(), to, bytes] {
    if (MemoryStream* stream = self->ends[to].stream) stream->on_acknowledged(bytes);
  });
}

void MemoryConnection::poke() {
  for (End& end : ends) {
    end.executor->post([self = shared_from_this(), &end] {
      if (end.stream != nullptr) end.stream->arm();
    });
  }
}

MemoryStream::MemoryStream(std::shared_ptr<MemoryConnection> connection, int side,
                           std::string peer_address, uint64_t seed)
    : connection_(std::move(connection)),
      side_(side),
      executor_(*connection_->ends[side].executor),
      entropy_(seed),
      timer_(executor_, [this] { deliver(); }) {
  peer_.address = std::move(peer_address);
  connection_->ends[side_].stream = this;
  connection_->streams.fetch_add(1);
}

MemoryStream::~MemoryStream() {
  connection_->ends[side_].stream = nullptr;
  connection_->streams.fetch_sub(1);
  if (broken_) return;
  // As close(2): unread bytes make it a reset, else what was sent arrives and then the end.
  const bool unread = std::any_of(incoming_.begin(), incoming_.end(), [](const Piece& piece) {
    return piece.kind == Piece::Kind::kBytes;
  });
  if (unread) {
    connection_->send_reset(1 - side_);
  } else if (!end_sent_) {
    connection_->send_end(1 - side_);
  }
}

void MemoryStream::start(Sink& sink) {
  sink_ = &sink;
  arm();
}

void MemoryStream::resume_reading() {
  paused_ = false;
  arm();
}

void MemoryStream::write(std::string_view bytes) {
  CHECK_MSG(!finishing_, "a write after finish_writing()");
  if (broken_) return;
  queued_.append(bytes);
  send_queued();
}

void MemoryStream::finish_writing() {
  finishing_ = true;
  if (!broken_) send_queued();
}

void MemoryStream::send_queued() {
  const size_t window = connection_->options.window_bytes;
  const size_t room = window > unacknowledged_ ? window - unacknowledged_ : 0;
  const size_t n = std::min(room, unsent());
  if (n > 0) {
    connection_->send(1 - side_, queued_.substr(queued_taken_, n));
    queued_taken_ += n;
    unacknowledged_ += n;
    // Moved to the front only now and then: byte by byte it would cost the square of the size.
    if (2 * queued_taken_ >= queued_.size()) {
      queued_.erase(0, std::exchange(queued_taken_, 0));
    }
  }
  if (queued_.empty() && finishing_ && !std::exchange(end_sent_, true)) {
    connection_->send_end(1 - side_);
  }
}

void MemoryStream::on_acknowledged(size_t bytes) {
  unacknowledged_ -= bytes;
  if (broken_ || queued_.empty()) return;
  send_queued();
  if (queued_.empty() && sink_ != nullptr) sink_->on_drained();
}

void MemoryStream::arrive(Piece::Kind kind, std::string bytes) {
  if (broken_) return;
  const LinkOptions& options = connection_->options;
  const uint64_t jitter = options.jitter_ms == 0 ? 0 : entropy_.below(options.jitter_ms + 1);
  last_due_ms_ = std::max(last_due_ms_, executor_.now_ms() + options.delay_ms + jitter);
  incoming_.push_back({kind, last_due_ms_, std::move(bytes), 0});
  arm();
}

void MemoryStream::arm() {
  if (incoming_.empty() || sink_ == nullptr || connection_->cut.load()) return;
  // A reset is noticed even by who does not read.
  if (paused_ && incoming_.back().kind != Piece::Kind::kReset) return;
  const uint64_t now = executor_.now_ms();
  const uint64_t due = incoming_.front().due_ms;
  timer_.arm(due > now ? due - now : 0);
}

void MemoryStream::deliver() {
  if (incoming_.empty() || connection_->cut.load()) return;
  Piece& piece = incoming_.front();
  if (piece.kind == Piece::Kind::kReset) {
    broken_ = true;
    queued_.clear();
    queued_taken_ = 0;
    incoming_.clear();
    sink_->on_broken(unavailable("connection reset by peer"));
    return;
  }
  if (paused_) {
    if (incoming_.back().kind != Piece::Kind::kReset) return;
    incoming_.erase(incoming_.begin(), incoming_.end() - 1);
    return arm();
  }
  if (piece.kind == Piece::Kind::kBytes) {
    deliver_bytes(piece);
  } else {
    incoming_.pop_front();
    sink_->on_end();
  }
  arm();
}

void MemoryStream::deliver_bytes(Piece& piece) {
  const LinkOptions& options = connection_->options;
  const size_t left = piece.bytes.size() - piece.taken;
  size_t n = left;
  if (options.max_chunk_bytes < n || options.max_chunk_bytes < 64 * 1024) {
    n = std::min(n, 1 + static_cast<size_t>(entropy_.below(options.max_chunk_bytes)));
  }
  if (options.break_after_bytes) {
    n = std::min<size_t>(n, *options.break_after_bytes - delivered_);
  }
  // One piece a turn: whoever reads sees every boundary on its own.
  const std::string bytes = piece.bytes.substr(piece.taken, n);
  piece.taken += n;
  if (n == left) incoming_.pop_front();
  delivered_ += n;
  connection_->send_acknowledgement(1 - side_, n);
  if (n > 0) sink_->on_bytes(bytes);
  if (options.break_after_bytes && delivered_ >= *options.break_after_bytes) break_both();
}

void MemoryStream::break_both() {
  incoming_.clear();
  connection_->send_reset(side_);
  connection_->send_reset(1 - side_);
}

StreamPair make_memory_pair(env::Executor& a, env::Executor& b, const LinkOptions& options,
                            uint64_t seed, const std::string& address_of_a,
                            const std::string& address_of_b) {
  auto connection = std::make_shared<MemoryConnection>();
  connection->options = options;
  connection->from = address_of_a;
  connection->address = address_of_b;
  connection->ends[0].executor = &a;
  connection->ends[1].executor = &b;
  auto first = std::make_unique<MemoryStream>(connection, 0, address_of_b, seed);
  auto second = std::make_unique<MemoryStream>(connection, 1, address_of_a, ~seed);
  return {std::move(first), std::move(second)};
}

}  // namespace gatehouse::net
