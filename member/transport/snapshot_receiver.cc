#include "member/transport/snapshot_receiver.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "common/codec/fixed.h"
#include "member/transport/answers.h"
#include "member/transport/framing.h"
#include "member/transport/message_codec.h"
#include "member/transport/removal.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

class SnapshotReceiver final : public http::StreamHandler {
 public:
  SnapshotReceiver(Shared& shared, http::ServerStream& stream)
      : shared_(shared),
        stream_(stream),
        cluster_id_(to_hex(shared.self().cluster_id)),
        self_(std::make_shared<SnapshotReceiver*>(this)),
        stall_(shared.executor, [this] { look_for_stall(); }),
        started_ms_(shared.executor.now_ms()),
        heard_ms_(started_ms_) {
    gathered_.expect(sizeof(uint64_t));
    stall_.arm(shared.options.io_timeout_ms);
  }

  ~SnapshotReceiver() override {
    if (state_ != State::kDone) over(false);
    *self_ = nullptr;
  }

  void on_body(std::string_view bytes) override {
    heard_ms_ = shared_.executor.now_ms();
    const size_t all = bytes.size();
    size_t left = all;
    while (state_ == State::kLength || state_ == State::kMessage) {
      const bool whole = gathered_.take(bytes);
      stream_.consumed(left - bytes.size());
      left = bytes.size();
      if (!whole) return;
      if (state_ == State::kLength) {
        take_length();
      } else {
        take_message();
      }
    }
    if (state_ != State::kDatabase) return;
    bytes_ += bytes.size();
    waiting_.append(bytes);
    write_on();
  }

  void on_end(const http::Headers&) override {
    if (state_ == State::kLength || state_ == State::kMessage) {
      fail(400, "error reading raft message");
      return;
    }
    ended_ = true;
    stall_.cancel();
    write_on();
  }

  void on_abort(const http::Abort& abort) override {
    if (state_ == State::kDone) return;
    LOG_WARN_LIMITED(shared_.logger, "a snapshot stopped coming", {"from", to_hex(message_.from)},
                     {"bytes", bytes_}, {"error", abort.status});
    over(false);
  }

 private:
  enum class State : uint8_t { kLength, kMessage, kDatabase, kFinishing, kDone };

  void take_length() {
    const uint64_t length = codec::load_big_endian<uint64_t>(gathered_.whole().data());
    if (length > kMaxSnapshotMessageBytes) {
      fail(400, "error unmarshalling raft message");
      return;
    }
    state_ = State::kMessage;
    gathered_.expect(length);
  }

  void take_message() {
    Result<raft::Message> message = decode_message(gathered_.whole());
    gathered_.expect(0);
    if (!message.ok()) {
      LOG_WARN_LIMITED(shared_.logger, "refused a snapshot: its message makes no sense",
                       {"error", message.status()});
      fail(400, "error unmarshalling raft message");
      return;
    }
    message_ = *std::move(message);
    if (const Peer* peer = shared_.peer(message_.from)) metrics_ = peer->link().metrics();
    metrics_.snapshot_receiving.add();
    receiving_ = true;
    if (message_.type != raft::MessageType::kSnapshot || message_.snapshot == nullptr) {
      fail(400, "wrong raft message type");
      return;
    }
    // Before the database: it may be large.
    if (const std::optional<PeerPortHooks::Answer> no = refusal(shared_.judge(message_))) {
      answer(stream_, *no, cluster_id_);
      over(false);
      return;
    }
    if (shared_.snapshots_receiving >= kMaxSnapshotsReceived) {
      fail(500, "too many snapshots are being received");
      return;
    }
    Result<std::unique_ptr<SnapshotSink>> sink = shared_.handler.accept_snapshot(message_);
    if (!sink.ok()) {
      fail(500, sink.status().message());
      return;
    }
    sink_ = *std::move(sink);
    ++shared_.snapshots_receiving;
    state_ = State::kDatabase;
    LOG_INFO(shared_.logger, "receiving a snapshot", {"from", to_hex(message_.from)},
             {"index", message_.snapshot->index});
  }

  // One write at a time; the sender is held back by what is not yet consumed.
  void write_on() {
    if (state_ != State::kDatabase || writing_ > 0) return;
    if (!waiting_.empty()) {
      writing_ = waiting_.size();
      sink_->write(std::exchange(waiting_, {}), [self = self_](Status status) {
        if (*self != nullptr) (*self)->written(status);
      });
    } else if (ended_) {
      state_ = State::kFinishing;
      sink_->finish([self = self_](Status status) {
        if (*self != nullptr) (*self)->finished(status);
      });
    }
  }

  void written(const Status& status) {
    if (state_ != State::kDatabase) return;
    const size_t bytes = std::exchange(writing_, 0);
    if (!status.ok() || shared_.stopped) {
      fail(status.ok() ? 503 : 500, status.ok() ? "the member is stopping" : status.message());
      return;
    }
    heard_ms_ = shared_.executor.now_ms();  // it could not send while we wrote
    if (!ended_) stream_.consumed(bytes);
    metrics_.received_bytes.add(bytes);
    write_on();
  }

  void finished(const Status& status) {
    if (state_ != State::kFinishing) return;
    if (!status.ok()) {
      fail(500, status.message());
      return;
    }
    LOG_INFO(shared_.logger, "received a snapshot", {"from", to_hex(message_.from)},
             {"index", message_.snapshot->index}, {"bytes", bytes_},
             {"took", std::chrono::milliseconds(shared_.executor.now_ms() - started_ms_)});
    const Shared::Verdict verdict = shared_.deliver(std::move(message_));
    if (const std::optional<PeerPortHooks::Answer> no = refusal(verdict)) {
      answer(stream_, *no, cluster_id_);
      over(false);
      return;
    }
    answer(stream_, {.status = 204}, cluster_id_);
    over(true);
  }

  void look_for_stall() {
    const uint64_t limit = shared_.options.io_timeout_ms;
    const uint64_t now = shared_.executor.now_ms();
    const uint64_t quiet = writing_ > 0 ? 0 : now - heard_ms_;
    if (quiet < limit) {
      stall_.arm(limit - quiet);
      return;
    }
    LOG_WARN_LIMITED(shared_.logger, "a snapshot stopped coming", {"from", to_hex(message_.from)},
                     {"bytes", bytes_}, {"error", "i/o timeout"});
    over(false);
    stream_.abort(http::ErrorCode::kCancel);
  }

  void fail(int status, std::string_view text) {
    LOG_WARN_LIMITED(shared_.logger, "failed to receive a snapshot",
                     {"from", to_hex(message_.from)}, {"bytes", bytes_}, {"status", status},
                     {"error", text});
    refuse(stream_, status, text, cluster_id_);
    over(false);
  }

  void over(bool arrived) {
    if (std::exchange(state_, State::kDone) == State::kDone) return;
    stall_.cancel();
    std::string().swap(waiting_);
    if (sink_ != nullptr) {
      --shared_.snapshots_receiving;
      shared_.executor.destroy_later(std::move(sink_));  // this may be its own callback
    }
    if (!receiving_) return;
    metrics_.snapshot_receiving.sub();
    if (arrived) {
      metrics_.snapshot_received.add();
      metrics_.snapshot_receive_duration.observe(
          std::chrono::milliseconds(shared_.executor.now_ms() - started_ms_));
    } else {
      metrics_.snapshot_receive_failures.add();
      metrics_.received_failures.add();
    }
  }

  Shared& shared_;
  http::ServerStream& stream_;
  const std::string cluster_id_;
  // Null once this is gone, for callbacks that come late.
  const std::shared_ptr<SnapshotReceiver*> self_;
  State state_ = State::kLength;
  Gathered gathered_;
  raft::Message message_;
  PeerMetrics metrics_;  // of the sender, where it is a peer
  bool receiving_ = false;
  std::unique_ptr<SnapshotSink> sink_;
  std::string waiting_;  // bytes for the next write
  size_t writing_ = 0;   // bytes of the write under way
  bool ended_ = false;   // all bytes have come
  uint64_t bytes_ = 0;
  env::Timer stall_;
  const uint64_t started_ms_;
  uint64_t heard_ms_;
};

}  // namespace

std::unique_ptr<http::StreamHandler> receive_snapshot(Shared& shared,
                                                      http::ServerStream& stream) {
  return std::make_unique<SnapshotReceiver>(shared, stream);
}

}  // namespace gatehouse::transport
