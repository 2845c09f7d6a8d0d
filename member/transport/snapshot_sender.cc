#include "member/transport/snapshot_sender.h"

#include <utility>

#include "common/codec/fixed.h"
#include "member/transport/message_codec.h"
#include "member/transport/pipeline.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

// Bytes that wait for the network before the next piece is read.
constexpr size_t kEnoughWaiting = 256 * 1024;
constexpr size_t kMaxAnswerBytes = 1024;
// Without a byte taken: longer than the I/O timeout, as the receiver's disk may hold it up.
constexpr uint64_t kStallMs = 30'000;

}  // namespace

SnapshotSender::SnapshotSender(Link& link)
    : link_(link),
      exchange_(link.shared().executor, link.shared().dialer,
                {.dial_ms = link.shared().options.dial_timeout_ms,
                 .quiet_ms = kStallMs},
                *this) {}

SnapshotSender::~SnapshotSender() { stop(); }

void SnapshotSender::send(raft::Message message) {
  Shared& shared = link_.shared();
  if (state_ != State::kIdle || shared.snapshots_sending >= kMaxSnapshotsSent) {
    LOG_WARN_LIMITED(shared.logger, "dropped a snapshot: too many are under way",
                     {"peer-id", link_.name()}, {"under-way", shared.snapshots_sending});
    link_.report_snapshot(false);
    return;
  }
  ++shared.snapshots_sending;
  link_.metrics().snapshot_sending.add();
  state_ = State::kPreparing;
  started_ms_ = shared.executor.now_ms();
  bytes_ = 0;
  transfer_ = std::make_shared<SnapshotSender*>(this);
  // From a later turn: send() calls nobody back.
  shared.executor.post([transfer = transfer_, message = std::move(message)]() mutable {
    if (*transfer == nullptr) return;
    (*transfer)->link_.shared().handler.open_snapshot(
        std::move(message), [transfer](Result<OutgoingSnapshot> snapshot) {
          if (*transfer != nullptr) (*transfer)->prepared(std::move(snapshot));
        });
  });
}

void SnapshotSender::prepared(Result<OutgoingSnapshot> snapshot) {
  if (!snapshot.ok()) {
    finish(snapshot.status());
    return;
  }
  snapshot_ = *std::move(snapshot);
  state_ = State::kSending;
  status_ = 0;
  answer_.clear();
  const raft::Snapshot* const chosen = snapshot_.message.snapshot.get();
  LOG_INFO(link_.shared().logger, "sending a snapshot", {"peer-id", link_.name()},
           {"index", chosen != nullptr ? chosen->index : 0});
  http::RequestHead head = link_.request("POST", "/raft/snapshot");
  head.headers.add("content-type", "application/octet-stream");
  url_ = link_.url();
  exchange_.start(url_, std::move(head), {}, Exchange::Body::kStreamed);
}

void SnapshotSender::on_opened() {
  std::string head(sizeof(uint64_t), '\0');
  append_message(head, snapshot_.message);
  codec::store_big_endian<uint64_t>(head.data(), head.size() - sizeof(uint64_t));
  exchange_.send_body(head);
  read_on();
}

void SnapshotSender::read_on() {
  if (state_ != State::kSending || reading_ || exchange_.unsent() >= kEnoughWaiting) return;
  reading_ = true;
  snapshot_.database->read([transfer = transfer_](SnapshotSource::Piece piece) {
    if (*transfer != nullptr) (*transfer)->got(std::move(piece));
  });
}

void SnapshotSender::got(SnapshotSource::Piece piece) {
  reading_ = false;
  if (!piece.ok()) {
    finish(piece.status().with_context("reading the database"));
  } else if (piece->empty()) {
    state_ = State::kAwaiting;
    exchange_.send_end();
    exchange_.set_quiet_limit(link_.shared().options.snapshot_answer_timeout_ms);
    link_.shared().executor.destroy_later(std::move(snapshot_.database));
  } else {
    bytes_ += piece->size();
    link_.metrics().sent_bytes.add(piece->size());
    exchange_.send_body(*piece);
    read_on();
  }
}

void SnapshotSender::on_writable() { read_on(); }

void SnapshotSender::on_head(int status, const http::Headers&) {
  status_ = status;
  // The text that follows is short.
  exchange_.set_quiet_limit(link_.shared().options.io_timeout_ms);
}

void SnapshotSender::on_body(std::string_view bytes) {
  if (answer_.size() < kMaxAnswerBytes) answer_.append(bytes.substr(0, kMaxAnswerBytes));
}

void SnapshotSender::on_done() {
  Status verdict = judge_answer(link_, status_, answer_);
  if (verdict.ok() && state_ != State::kAwaiting) {
    verdict = unavailable("answered before the snapshot was sent");
  }
  finish(verdict);
}

void SnapshotSender::on_failed(const Status& why) { finish(why); }

void SnapshotSender::finish(const Status& result) {
  const Shared& shared = link_.shared();
  const uint64_t took_ms = shared.executor.now_ms() - started_ms_;
  const Status why = result;  // it may be the exchange's own
  reset();
  if (why.ok()) {
    link_.metrics().snapshot_sent.add();
    link_.metrics().snapshot_send_duration.observe(std::chrono::milliseconds(took_ms));
    LOG_INFO(shared.logger, "sent a snapshot", {"peer-id", link_.name()}, {"bytes", bytes_},
             {"took", std::chrono::milliseconds(took_ms)});
    link_.reached("snapshot");
    link_.report_snapshot(true);
    return;
  }
  link_.metrics().snapshot_send_failures.add();
  link_.metrics().sent_failures.add();
  LOG_WARN_LIMITED(shared.logger, "failed to send a snapshot", {"peer-id", link_.name()},
                   {"bytes", bytes_}, {"error", why});
  link_.url_failed(url_);
  link_.failed("snapshot", why);
  link_.report_lost_messages();
  link_.report_snapshot(false);
}

void SnapshotSender::reset() {
  *transfer_ = nullptr;
  transfer_.reset();
  state_ = State::kIdle;
  reading_ = false;
  exchange_.stop();
  link_.shared().executor.destroy_later(std::move(snapshot_.database));
  snapshot_.message = {};
  --link_.shared().snapshots_sending;
  link_.metrics().snapshot_sending.sub();
}

void SnapshotSender::stop() {
  if (state_ != State::kIdle) reset();
}

}  // namespace gatehouse::transport
