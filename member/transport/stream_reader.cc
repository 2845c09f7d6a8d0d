#include "member/transport/stream_reader.h"

#include <algorithm>

#include "member/transport/message_codec.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

// Members older than this have no stream we can read.
constexpr Version kOldestStreams{2, 1};

// Of the text that comes with a refusal.
constexpr size_t kMaxRefusalBytes = 256;

// What a dialer says where nobody listens (common/loop/connect.h).
constexpr std::string_view kConnectionRefused = "connection refused";

constexpr int kOk = 200;
constexpr int kGone = 410;

}  // namespace

StreamReader::StreamReader(Link& link, StreamKind kind)
    : link_(link),
      kind_(kind),
      exchange_(link.shared().executor, link.shared().dialer,
                {.dial_ms = link.shared().options.dial_timeout_ms,
                 .quiet_ms = link.shared().options.io_timeout_ms},
                *this),
      redial_(link.shared().executor, [this] { open(); }) {}

void StreamReader::start() { redial_.arm(0); }

void StreamReader::stop() {
  state_ = State::kStopped;
  redial_.cancel();
  exchange_.stop();
}

void StreamReader::open() {
  Shared& shared = link_.shared();
  state_ = State::kOpening;
  attempt_ms_ = shared.executor.now_ms();
  url_ = link_.url();
  if (kind_ == StreamKind::kAppend) {
    decoder_.emplace<AppendDecoder>(shared.self().id, link_.id());
  } else {
    decoder_.emplace<MessageDecoder>();
  }
  std::string path(stream_path(kind_));
  path.append("/").append(to_hex(shared.self().id));
  http::RequestHead head = link_.request("GET", std::move(path));
  head.headers.add("x-raft-to", link_.name());
  exchange_.start(url_, std::move(head));
}

void StreamReader::on_head(int status, const http::Headers& headers) {
  if (status != kOk) {
    state_ = State::kRefused;
    refused_with_ = status;
    refusal_text_.clear();
    if (status == kGone) link_.report_removed_self();
    return;
  }
  const std::optional<std::string_view> text = headers.get("x-server-version");
  const std::optional<Version> version = text ? parse_version(*text) : kUnstatedVersion;
  if (!version || *version < kOldestStreams) {
    exchange_.stop();
    lost(unavailable("the peer's version has no such stream"));
    return;
  }
  state_ = State::kReading;
  link_.reached(stream_name(kind_));
}

void StreamReader::on_body(std::string_view bytes) {
  if (state_ == State::kRefused) {
    if (refusal_text_.size() < kMaxRefusalBytes) {
      refusal_text_.append(bytes.substr(0, kMaxRefusalBytes));
    }
    return;
  }
  if (state_ != State::kReading) return;
  link_.metrics().received_bytes.add(bytes.size());
  const Status status =
      std::visit([&](auto& decoder) { return decoder.feed(bytes, *this); }, decoder_);
  if (status.ok() || state_ != State::kReading) return;
  link_.metrics().received_failures.add();
  LOG_WARN_LIMITED(link_.shared().logger, "closed a peer's stream: its bytes make no sense",
                   {"peer-id", link_.name()}, {"stream", stream_name(kind_)}, {"error", status});
  exchange_.stop();
  lost(status);
}

bool StreamReader::on_frame(raft::Message message) {
  if (!is_link_heartbeat(message)) link_.shared().deliver(std::move(message));
  // What the owner did about the message may have stopped this peer.
  return state_ == State::kReading;
}

void StreamReader::on_done() {
  if (state_ == State::kRefused) {
    while (!refusal_text_.empty() && refusal_text_.back() == '\n') refusal_text_.pop_back();
    LOG_WARN_LIMITED(link_.shared().logger, "a peer refused a stream", {"peer-id", link_.name()},
                     {"stream", stream_name(kind_)}, {"status", refused_with_},
                     {"reason", refusal_text_});
    lost(unavailable("refused with " + std::to_string(refused_with_) + " " + refusal_text_));
  } else {
    lost(unavailable("the peer ended the stream"));
  }
}

void StreamReader::on_failed(const Status& why) {
  const bool refused = state_ == State::kOpening && why.message().ends_with(kConnectionRefused);
  lost(why);
  if (refused) link_.refused();
}

void StreamReader::lost(const Status& why) {
  if (state_ == State::kStopped) return;
  const bool read = state_ == State::kReading;
  state_ = State::kWaiting;
  if (read) link_.metrics().received_failures.add();
  link_.url_failed(url_);
  link_.failed(stream_name(kind_), why);
  const Shared& shared = link_.shared();
  const uint64_t since = shared.executor.now_ms() - attempt_ms_;
  redial_.arm(shared.options.redial_ms - std::min(since, shared.options.redial_ms));
}

}  // namespace gatehouse::transport
