#include "member/transport/stream_writer.h"

#include <utility>

#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

// etcd's: three in the time after which a silent connection is given up.
constexpr uint64_t kHeartbeatsPerTimeout = 3;

constexpr size_t kKeptScratch = 256 * 1024;

}  // namespace

// The handler of the peer's GET. Its HTTP stream outlives it; the writer may go before it.
class StreamWriter::Attached final : public http::StreamHandler {
 public:
  Attached(StreamWriter& writer, http::ServerStream& stream)
      : writer_(&writer), stream_(stream) {}
  ~Attached() override {
    if (writer_ != nullptr) writer_->lost(unavailable("the stream was closed"));
  }

  http::ServerStream& stream() const { return stream_; }
  void detach() { writer_ = nullptr; }

  void on_body(std::string_view bytes) override { stream_.consumed(bytes.size()); }
  void on_end(const http::Headers&) override {}
  void on_writable() override {
    if (writer_ != nullptr) writer_->write_queued();
  }
  void on_abort(const http::Abort& abort) override {
    if (writer_ != nullptr) writer_->lost(abort.status);
  }

 private:
  StreamWriter* writer_;  // null once it let go
  http::ServerStream& stream_;
};

StreamWriter::StreamWriter(Link& link, StreamKind kind)
    : link_(link), kind_(kind), heartbeat_(link.shared().executor, [this] { beat(); }) {}

StreamWriter::~StreamWriter() { cut(); }

std::unique_ptr<http::StreamHandler> StreamWriter::attach(http::ServerStream& stream) {
  cut();
  encoder_ = AppendEncoder();
  accepted_bytes_ = drained_bytes_ = 0;
  drained_ms_ = link_.shared().executor.now_ms();
  auto attached = std::make_unique<Attached>(*this, stream);
  attached_ = attached.get();
  stream.send_head(200, {{"x-etcd-cluster-id", to_hex(link_.shared().self().cluster_id)},
                         {"x-server-version", link_.shared().self().server_version}});
  heartbeat_.arm(link_.shared().options.io_timeout_ms / kHeartbeatsPerTimeout);
  link_.reached(stream_name(kind_));
  return attached;
}

void StreamWriter::send(raft::Message message) {
  if (queue_.empty() && attached_->stream().unsent() < kMaxEncodedBytes) {
    write(message);
  } else if (queue_.size() < kMaxQueuedMessages) {
    queue_.push_back(std::move(message));
  } else {
    link_.metrics().sent_failures.add();
    link_.report_lost_messages();
    LOG_WARN_LIMITED(link_.shared().logger,
                     "dropped a message: the peer does not read what waits for it",
                     {"peer-id", link_.name()}, {"stream", stream_name(kind_)},
                     {"message-type", raft::message_name(message.type)});
  }
}

void StreamWriter::write(const raft::Message& message) {
  scratch_.clear();
  if (kind_ == StreamKind::kAppend) {
    encoder_.append(scratch_, message);
  } else {
    append_message_frame(scratch_, message);
  }
  attached_->stream().send_body(scratch_);
  accepted_bytes_ += scratch_.size();
  link_.metrics().sent_bytes.add(scratch_.size());
  if (scratch_.capacity() > kKeptScratch) std::string().swap(scratch_);
}

void StreamWriter::write_queued() {
  while (!queue_.empty() && attached_->stream().unsent() < kMaxEncodedBytes) {
    write(queue_.front());
    queue_.pop_front();
  }
}

void StreamWriter::beat() {
  const Shared& shared = link_.shared();
  const uint64_t now = shared.executor.now_ms();
  const uint64_t drained = accepted_bytes_ - attached_->stream().unsent();
  if (drained != drained_bytes_ || attached_->stream().unsent() == 0) drained_ms_ = now;
  drained_bytes_ = drained;
  if (now - drained_ms_ >= shared.options.io_timeout_ms) {
    Attached* stuck = attached_;
    lost(unavailable("i/o timeout: the peer does not read"));
    stuck->stream().abort(http::ErrorCode::kCancel);
    return;
  }
  if (kind_ == StreamKind::kAppend) {
    scratch_.clear();
    AppendEncoder::append_heartbeat(scratch_);
    attached_->stream().send_body(scratch_);
    accepted_bytes_ += scratch_.size();
    link_.metrics().sent_bytes.add(scratch_.size());
  } else {
    raft::Message heartbeat;  // from no member to no member
    heartbeat.type = raft::MessageType::kHeartbeat;
    write(heartbeat);
  }
  heartbeat_.arm(shared.options.io_timeout_ms / kHeartbeatsPerTimeout);
}

void StreamWriter::stop() { cut(); }

// Ends the stream on our side: nothing that happens to it is news any more.
void StreamWriter::cut() {
  heartbeat_.cancel();
  queue_.clear();
  if (attached_ == nullptr) return;
  Attached* old = std::exchange(attached_, nullptr);
  old->detach();
  old->stream().abort(http::ErrorCode::kCancel);
}

void StreamWriter::lost(const Status& why) {
  Attached* old = std::exchange(attached_, nullptr);
  old->detach();
  heartbeat_.cancel();
  queue_.clear();
  link_.metrics().sent_failures.add();
  link_.failed(stream_name(kind_), why);
  link_.report_lost_messages();
}

}  // namespace gatehouse::transport
