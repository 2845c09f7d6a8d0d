// The connection of an HTTP/2 session, server or client: nghttp2 between bytes and streams, flood
// budgets, keepalive, GOAWAY and the end of it all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/exchange.h"
#include "common/http/flood_guard.h"
#include "common/http/http2.h"
#include "common/http/http2_stream.h"
#include "common/http/nghttp2_api.h"

namespace gatehouse::http {

class Http2Core {
 public:
  Http2Core(const Http2Core&) = delete;
  Http2Core& operator=(const Http2Core&) = delete;

 protected:
  enum class Side : uint8_t { kServer, kClient };

  // What server and client options have in common.
  struct Options {
    Side side;
    uint32_t stream_window_bytes;
    uint32_t connection_window_bytes;
    uint32_t max_frame_size;
    size_t max_header_list_bytes;
    uint32_t max_continuations;
    uint32_t max_queued_acks;
    uint32_t max_concurrent_streams;  // of the peer; of ours until its SETTINGS came, for a client
    FloodBudgets floods;
    uint64_t min_ping_interval_ms;
    bool permit_pings_without_stream;
  };

  Http2Core(SessionHost& host, const Options& options);
  virtual ~Http2Core();

  // ---- Session and Http2Liveness, for the sessions to pass on

  void feed_bytes(std::string_view bytes);
  void take_bytes(std::string& out, size_t budget);
  void end_by(const Status& why);  // connection_lost
  void peer_ended();
  void start_drain();
  void start_keepalive_ping();
  bool keepalive_unanswered() const { return keepalive_unanswered_; }
  uint64_t quiet_ms() const { return host_.now_ms() - last_received_ms_; }
  size_t stream_count() const { return active_.size(); }

  // ---- for the sessions

  virtual std::unique_ptr<Http2Stream> make_stream() = 0;
  // A stream of the pool or a new one, active from now on.
  Http2Stream& activate(int32_t id);
  void release(Http2Stream& stream);
  // A client may open a stream now; it will never again.
  bool may_open() const;
  bool takes_no_more() const;
  nghttp2_session* session() const { return session_.get(); }

  bool finished_ = false;
  Status why_;

 private:
  friend class Http2Stream;
  friend class Http2ServerStream;
  friend class Http2ClientStream;
  friend const nghttp2_session_callbacks* http2_callbacks();
  struct Callbacks;
  static nghttp2_session_callbacks* callbacks();

  // Streams kept for reuse; what a spike made beyond it is freed.
  static constexpr size_t kMaxIdleStreams = 64;
  // A stream that held header blocks larger than this is not kept: an idle connection would else
  // hold the memory of what was once sent to it.
  static constexpr size_t kBulkyFieldBytes = 4096;
  // Frames that wait because the peer asks (for RST_STREAM, acknowledgements, responses) and does
  // not read: this many and 4 for each stream end the connection before they fill the memory.
  static constexpr size_t kMaxQueuedFrames = 20000;

  // ---- for streams

  // The stream has something to submit.
  void enqueue(Http2Stream& stream);
  std::vector<nghttp2_nv>& fields_scratch() {
    fields_.clear();
    return fields_;
  }
  // What streams gave back is worth telling nghttp2, which updates the window by halves.
  bool window_update_due() const {
    return connection_consumed_ >= options_.connection_window_bytes / 8;
  }
  // Out of memory is the one way a submit can fail.
  void check_submitted(int result);

  // ---- for nghttp2's callbacks

  Http2Stream* find(int32_t id);
  void on_begin_headers(const nghttp2_frame& frame);
  int on_field(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  void on_frame_received(const nghttp2_frame& frame);
  void on_data(int32_t id, std::string_view bytes);
  void on_frame_sent(const nghttp2_frame& frame);
  void on_frame_not_sent(const nghttp2_frame& frame, int error);
  void on_data_sent(Http2Stream& stream, const uint8_t* frame_header, size_t bytes);
  void on_stream_close(int32_t id, ErrorCode code);
  void on_ping_received(const nghttp2_ping& ping);
  void on_goaway_received(const nghttp2_goaway& goaway);

  // ---- the end

  void charge(const char* spent);
  // Ends the connection because of the peer: GOAWAY with the text is the last that is sent.
  void reject(ErrorCode code, std::string_view text);
  void after_library_error(int error);
  void flush_queued();
  void settle();
  void finish(Status why);
  Abort abort_for(const Http2Stream& stream, ErrorCode code) const;
  std::string_view peer_name() const {
    return options_.side == Side::kServer ? "client" : "server";
  }
  void wake();

  SessionHost& host_;
  const Options options_;
  ng::SessionPtr session_;
  FloodGuard floods_;

  std::vector<std::unique_ptr<Http2Stream>> active_;
  std::vector<std::unique_ptr<Http2Stream>> idle_;
  std::vector<Http2Stream*> queued_;  // null where a queued stream closed
  std::vector<nghttp2_nv> fields_;
  Http2Stream* recent_ =
      nullptr;  // of the last callback: most that come in a row are of one stream

  size_t connection_consumed_ = 0;  // given back by streams, not yet told to nghttp2
  int32_t last_sent_id_ = 0;        // of the HEADERS that left
  uint64_t last_received_ms_;
  std::string* out_ = nullptr;  // during take_bytes
  size_t budget_ = 0;
  bool inside_ = false;  // in feed_bytes or take_bytes: the driver is with us already
  bool awake_ = false;   // told the host, which has not taken output since

  bool keepalive_unanswered_ = false;
  bool draining_ = false;
  bool drain_answered_ = false;
  bool goaway_submitted_ = false;
  bool rejected_ = false;
  std::string goodbye_;      // a last GOAWAY, past nghttp2
  Status own_verdict_;       // why we ended the connection
  Status peer_verdict_;      // the peer's GOAWAY with an error
  std::string goaway_text_;  // the peer's GOAWAY, in words
};

// Http2Core as a Session: what both sides pass on.
template <typename Interface>
class Http2SessionOf : public Interface, public Http2Core {
 public:
  using Http2Core::Http2Core;

  void feed(std::string_view bytes) final { feed_bytes(bytes); }
  void take_output(std::string& out, size_t budget) final { take_bytes(out, budget); }
  void peer_finished() final { peer_ended(); }
  void connection_lost(const Status& why) final { end_by(why); }
  void drain() final { start_drain(); }
  bool finished() const final { return finished_; }
  const Status& why_finished() const final { return why_; }
  size_t active_streams() const final { return stream_count(); }
  void send_keepalive_ping() final { start_keepalive_ping(); }
  bool keepalive_ping_unanswered() const final { return keepalive_unanswered(); }
  uint64_t ms_since_received() const final { return quiet_ms(); }
};

}  // namespace gatehouse::http
