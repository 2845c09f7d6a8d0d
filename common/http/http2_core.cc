#include "common/http/http2_core.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/http/error_code.h"
#include "common/http/http2_callbacks.h"

namespace gatehouse::http {

namespace {

constexpr uint8_t kKeepalivePing[8] = {'k', 'e', 'e', 'p', 'a', 'l', 'i', 'v'};
constexpr uint8_t kDrainPing[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

// RFC 9113 section 6.8, as bytes: the one frame we must be able to send when nghttp2 is past it.
std::string goaway_frame(int32_t last_stream_id, ErrorCode code, std::string_view debug) {
  std::string frame;
  const auto put = [&frame](uint32_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) frame.push_back(static_cast<char>(number >> (8 * i)));
  };
  put(static_cast<uint32_t>(8 + debug.size()), 3);
  put(NGHTTP2_GOAWAY, 1);
  put(0, 1);
  put(0, 4);
  put(static_cast<uint32_t>(last_stream_id), 4);
  put(static_cast<uint32_t>(code), 4);
  frame.append(debug);
  return frame;
}

}  // namespace

Http2Core::Http2Core(SessionHost& host, const Options& options)
    : host_(host),
      options_(options),
      floods_(options.floods, options.min_ping_interval_ms, options.permit_pings_without_stream),
      last_received_ms_(host.now_ms()) {
  const bool server = options.side == Side::kServer;
  nghttp2_option* library = nullptr;
  CHECK(nghttp2_option_new(&library) == 0);
  nghttp2_option_set_no_auto_window_update(library, 1);
  nghttp2_option_set_no_closed_streams(library, 1);
  nghttp2_option_set_max_outbound_ack(library, options.max_queued_acks);
  nghttp2_option_set_max_continuations(library, options.max_continuations);
  // FloodGuard counts resets, by our clock and with a verdict that says so.
  nghttp2_option_set_stream_reset_rate_limit(library, UINT64_MAX, UINT64_MAX);
  if (!server) {
    nghttp2_option_set_peer_max_concurrent_streams(library, options.max_concurrent_streams);
  }
  nghttp2_session* session = nullptr;
  const nghttp2_session_callbacks* callbacks = http2_callbacks();
  const int made = server ? nghttp2_session_server_new2(&session, callbacks, this, library)
                          : nghttp2_session_client_new2(&session, callbacks, this, library);
  nghttp2_option_del(library);
  CHECK(made == 0);
  session_.reset(session);

  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options.max_header_list_bytes)},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.max_frame_size},
      // No priority tree: nothing for a peer to build, nothing for us to walk.
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  if (server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  CHECK_MSG(
      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0,
      "HTTP/2 options out of range");
  CHECK_MSG(nghttp2_session_set_local_window_size(
                session, NGHTTP2_FLAG_NONE, 0,
                static_cast<int32_t>(options.connection_window_bytes)) == 0,
            "HTTP/2 options out of range");
}

Http2Core::~Http2Core() = default;

void Http2Core::feed_bytes(std::string_view bytes) {
  if (finished_ || bytes.empty()) return;
  last_received_ms_ = host_.now_ms();
  inside_ = true;
  const ng::ssize read =
      ng::mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (read < 0) after_library_error(static_cast<int>(read));
  if (nghttp2_session_get_outbound_queue_size(session_.get()) >
      kMaxQueuedFrames + 4 * active_.size()) {
    reject(ErrorCode::kEnhanceYourCalm, "asks for more than it reads");
  }
  settle();
  inside_ = false;
  if (!queued_.empty() || !goodbye_.empty() || window_update_due() ||
      nghttp2_session_want_write(session_.get()) != 0) {
    wake();
  }
}

void Http2Core::take_bytes(std::string& out, size_t budget) {
  awake_ = false;
  if (!finished_) {
    inside_ = true;
    out_ = &out;
    budget_ = budget;
    settle();
    while (!finished_ && !rejected_ && out.size() < budget) {
      if (connection_consumed_ > 0) {
        check_submitted(nghttp2_session_consume_connection(session_.get(), connection_consumed_));
        connection_consumed_ = 0;
      }
      flush_queued();
      ng::ssize taken = 0;
      const uint8_t* bytes = nullptr;
      while (out.size() < budget && (taken = ng::mem_send(session_.get(), &bytes)) > 0) {
        out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(taken));
      }
      if (taken < 0) after_library_error(static_cast<int>(taken));
      if (queued_.empty()) break;
    }
    settle();
    out_ = nullptr;
    inside_ = false;
  }
  out.append(goodbye_);
  goodbye_.clear();
}

void Http2Core::flush_queued() {
  // Streams may queue themselves again meanwhile, at the back. None closes: that takes mem_send.
  for (size_t i = 0; i < queued_.size(); ++i) {
    Http2Stream* stream = queued_[i];
    if (stream == nullptr) continue;
    stream->queue_position_ = Http2Stream::kNowhere;
    if (std::exchange(stream->writable_due_, false)) stream->on_writable();
    if (std::exchange(stream->reset_wanted_, false)) {
      check_submitted(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream->id_,
                                                static_cast<uint32_t>(stream->reset_code_)));
      continue;
    }
    if (stream->consumed_unsaid_ > 0) {
      check_submitted(nghttp2_session_consume_stream(session_.get(), stream->id_,
                                                     std::exchange(stream->consumed_unsaid_, 0)));
    }
    stream->submit();
  }
  queued_.clear();
}

Http2Stream& Http2Core::activate(int32_t id) {
  std::unique_ptr<Http2Stream> stream;
  if (idle_.empty()) {
    stream = make_stream();
  } else {
    stream = std::move(idle_.back());
    idle_.pop_back();
  }
  stream->id_ = id;
  stream->position_ = active_.size();
  active_.push_back(std::move(stream));
  recent_ = active_.back().get();
  return *recent_;
}

void Http2Core::release(Http2Stream& stream) {
  if (recent_ == &stream) recent_ = nullptr;
  if (stream.queue_position_ != Http2Stream::kNowhere) queued_[stream.queue_position_] = nullptr;
  stream.queue_position_ = Http2Stream::kNowhere;
  const size_t position = stream.position_;
  std::unique_ptr<Http2Stream> owned = std::move(active_[position]);
  if (position + 1 != active_.size()) {
    active_[position] = std::move(active_.back());
    active_[position]->position_ = position;
  }
  active_.pop_back();
  if (idle_.size() < kMaxIdleStreams && !owned->bulky_ && owned->field_bytes_ < kBulkyFieldBytes) {
    owned->recycle();
    idle_.push_back(std::move(owned));
  }
}

void Http2Core::enqueue(Http2Stream& stream) {
  if (stream.closed_ || stream.queue_position_ != Http2Stream::kNowhere) return;
  stream.queue_position_ = queued_.size();
  queued_.push_back(&stream);
  if (!inside_) wake();
}

void Http2Core::wake() {
  if (inside_ || std::exchange(awake_, true)) return;
  host_.wake();
}

void Http2Core::check_submitted(int result) {
  if (result == 0) return;
  own_verdict_ = resource_exhausted(std::string("HTTP/2: ") + nghttp2_strerror(result));
  rejected_ = true;
}

bool Http2Core::may_open() const {
  return !takes_no_more() &&
         active_.size() < nghttp2_session_get_remote_settings(
                              session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Http2Core::takes_no_more() const {
  return finished_ || rejected_ || draining_ ||
         nghttp2_session_check_request_allowed(session_.get()) == 0;
}

void Http2Core::start_drain() {
  if (finished_) return;
  if (options_.side == Side::kServer) {
    if (draining_) {
      drain_answered_ = true;  // asked twice: no more patience
    } else {
      // RFC 9113 section 6.8: announce, and give what is on its way a round trip to arrive.
      check_submitted(nghttp2_submit_shutdown_notice(session_.get()));
      check_submitted(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kDrainPing));
    }
  }
  draining_ = true;
  wake();
}

void Http2Core::start_keepalive_ping() {
  if (finished_ || std::exchange(keepalive_unanswered_, true)) return;
  check_submitted(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kKeepalivePing));
  wake();
}

void Http2Core::on_ping_received(const nghttp2_ping& ping) {
  if ((ping.hd.flags & NGHTTP2_FLAG_ACK) == 0) {
    charge(floods_.on_ping(host_.now_ms(), !active_.empty()));
  } else if (std::equal(ping.opaque_data, ping.opaque_data + 8, kKeepalivePing)) {
    keepalive_unanswered_ = false;
  } else if (draining_ && std::equal(ping.opaque_data, ping.opaque_data + 8, kDrainPing)) {
    drain_answered_ = true;
  }
}

void Http2Core::on_goaway_received(const nghttp2_goaway& goaway) {
  const ErrorCode code = static_cast<ErrorCode>(goaway.error_code);
  goaway_text_ =
      "the " + std::string(peer_name()) + " ends the connection: GOAWAY " + error_code_name(code);
  if (goaway.opaque_data_len > 0) {
    goaway_text_ +=
        " \"" +
        printable({reinterpret_cast<const char*>(goaway.opaque_data), goaway.opaque_data_len}) +
        "\"";
  }
  if (code != ErrorCode::kNoError) peer_verdict_ = unavailable(goaway_text_);
}

void Http2Core::charge(const char* spent) {
  if (spent != nullptr) reject(ErrorCode::kEnhanceYourCalm, spent);
}

void Http2Core::reject(ErrorCode code, std::string_view text) {
  if (finished_ || std::exchange(rejected_, true)) return;
  own_verdict_ =
      unavailable("connection ended because of the " + std::string(peer_name()) + ": GOAWAY " +
                  error_code_name(code) + " \"" + std::string(text) + "\"");
  goodbye_ = goaway_frame(nghttp2_session_get_last_proc_stream_id(session_.get()), code, text);
}

void Http2Core::after_library_error(int error) {
  switch (error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return reject(ErrorCode::kProtocolError, "no HTTP/2 connection preface");
    case NGHTTP2_ERR_FLOODED:
      return reject(ErrorCode::kEnhanceYourCalm, "too many unread acknowledgements");
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return reject(ErrorCode::kEnhanceYourCalm, "too many CONTINUATION frames");
    default:
      return reject(ErrorCode::kInternalError, nghttp2_strerror(error));
  }
}

void Http2Core::peer_ended() {
  if (finished_) return;
  const bool expected =
      active_.empty() && (options_.side == Side::kServer || !goaway_text_.empty() || draining_);
  Status why;
  if (!peer_verdict_.ok()) {
    why = peer_verdict_;
  } else if (!expected) {
    why = unavailable("connection closed by the " + std::string(peer_name()));
  }
  finish(std::move(why));
}

void Http2Core::end_by(const Status& why) { finish(why); }

void Http2Core::settle() {
  if (finished_) return;
  if (rejected_) return finish(own_verdict_);
  if (options_.side == Side::kClient &&
      nghttp2_session_get_next_stream_id(session_.get()) > INT32_MAX) {
    draining_ = true;  // out of stream ids: the next request needs another connection
  }
  if (draining_ && !goaway_submitted_ &&
      (options_.side == Side::kServer ? drain_answered_ : active_.empty())) {
    goaway_submitted_ = true;
    check_submitted(nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                                          nghttp2_session_get_last_proc_stream_id(session_.get()),
                                          NGHTTP2_NO_ERROR, nullptr, 0));
  }
  if (nghttp2_session_want_read(session_.get()) == 0 &&
      nghttp2_session_want_write(session_.get()) == 0) {
    finish(own_verdict_.ok() ? peer_verdict_ : own_verdict_);
  }
}

void Http2Core::finish(Status why) {
  if (std::exchange(finished_, true)) return;
  why_ = std::move(why);
  while (!active_.empty()) {
    Http2Stream& stream = *active_.back();
    stream.closed_ = true;
    if (stream.silent_ || stream.over()) {
      stream.on_closed(nullptr);
    } else {
      Abort abort;
      abort.surely_not_processed = options_.side == Side::kClient && stream.id_ > last_sent_id_;
      abort.status = why_.ok() ? unavailable("connection closed") : why_;
      stream.on_closed(&abort);
    }
    release(stream);
  }
  idle_.clear();
}

}  // namespace gatehouse::http
