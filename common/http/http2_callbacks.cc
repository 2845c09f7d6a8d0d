#include "common/http/http2_callbacks.h"

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/error_code.h"
#include "common/http/http2_core.h"

namespace gatehouse::http {

constexpr size_t kFrameHeaderBytes = 9;

// The C side: casts, and nothing else.
struct Http2Core::Callbacks {
  static Http2Core& core(void* user) { return *static_cast<Http2Core*>(user); }

  static std::string_view text(nghttp2_rcbuf* buffer) {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    core(user).on_begin_headers(*frame);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                    nghttp2_rcbuf* value, uint8_t, void* user) {
    return core(user).on_field(*frame, text(name), text(value));
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    core(user).on_frame_received(*frame);
    return 0;
  }
  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                  void* user) {
    core(user).on_data(id, {reinterpret_cast<const char*>(bytes), size});
    return 0;
  }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    if (Http2Stream* stream = core(user).find(frame->hd.stream_id)) {
      stream->invalid_ = nghttp2_strerror(error);
    }
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    core(user).on_frame_sent(*frame);
    return 0;
  }
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    core(user).on_frame_not_sent(*frame, error);
    return 0;
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* header, size_t size,
                       nghttp2_data_source* source, void* user) {
    Http2Core& self = core(user);
    self.on_data_sent(*static_cast<Http2Stream*>(source->ptr), header, size);
    return self.out_->size() >= self.budget_ ? NGHTTP2_ERR_PAUSE : 0;
  }
  static int stream_close(nghttp2_session*, int32_t id, uint32_t code, void* user) {
    core(user).on_stream_close(id, static_cast<ErrorCode>(code));
    return 0;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(table, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frame_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(table, send_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, stream_close);
    return table;
  }
};

const nghttp2_session_callbacks* http2_callbacks() {
  // Each session copies it; it lives as long as the process.
  static const nghttp2_session_callbacks* const table = Http2Core::callbacks();
  return table;
}

nghttp2_session_callbacks* Http2Core::callbacks() { return Callbacks::make(); }

Http2Stream* Http2Core::find(int32_t id) {
  if (recent_ != nullptr && recent_->id_ == id) return recent_;
  auto* stream = static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session(), id));
  if (stream != nullptr) recent_ = stream;
  return stream;
}

void Http2Core::on_begin_headers(const nghttp2_frame& frame) {
  const int32_t id = frame.hd.stream_id;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    floods_.stream_opened();
    nghttp2_session_set_stream_user_data(session(), id, &activate(id));
  } else if (Http2Stream* stream = find(id)) {
    stream->bulky_ = stream->bulky_ || stream->field_bytes_ >= kBulkyFieldBytes;
    stream->field_bytes_ = 0;
    stream->oversized_ = false;
  }
}

int Http2Core::on_field(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  Http2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  stream->field_bytes_ += name.size() + value.size() + 32;
  if (stream->field_bytes_ > options_.max_header_list_bytes) {
    stream->oversized_ = true;
    if (stream->field_bytes_ <= 4 * options_.max_header_list_bytes) return 0;
    // Too far to go on reading, even for an answer. With the RST_STREAM queued, nghttp2 adds none
    // of its own and decodes the rest of the block without telling.
    stream->failure_ = resource_exhausted(
        "headers exceed " + std::to_string(options_.max_header_list_bytes) + " bytes");
    check_submitted(nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, stream->id_,
                                              NGHTTP2_ENHANCE_YOUR_CALM));
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (name.front() == ':') {  // nghttp2 lets no empty name through
    stream->on_pseudo_field(name, value);
  } else {
    stream->fields_->add(name, value);
  }
  return 0;
}

void Http2Core::on_frame_received(const nghttp2_frame& frame) {
  if (rejected_) return;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA: {
      Http2Stream* stream = find(frame.hd.stream_id);
      if (stream == nullptr) return;
      const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
      if (frame.hd.type == NGHTTP2_HEADERS) {
        stream->remote_ended_ = end;
        stream->on_fields_end(end);
      } else if (!end && frame.hd.length == frame.data.padlen) {
        charge(floods_.on_empty_data(host_.now_ms()));
      }
      if (end) {
        stream->remote_ended_ = true;
        stream->on_body_end();
      }
      return;
    }
    case NGHTTP2_RST_STREAM:
      if (Http2Stream* stream = find(frame.hd.stream_id)) stream->reset_by_peer_ = true;
      return;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) charge(floods_.on_settings(host_.now_ms()));
      return;
    case NGHTTP2_PING:
      return on_ping_received(frame.ping);
    case NGHTTP2_GOAWAY:
      return on_goaway_received(frame.goaway);
    case NGHTTP2_WINDOW_UPDATE:
      return charge(floods_.on_window_update(host_.now_ms()));
    default:
      return;
  }
}

void Http2Core::on_data(int32_t id, std::string_view bytes) {
  Http2Stream* stream = find(id);
  if (stream == nullptr || rejected_) return;
  stream->unconsumed_ += bytes.size();
  if (!stream->on_body(bytes)) stream->give_back(bytes.size());
}

void Http2Core::on_frame_sent(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      floods_.sent_headers();
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) last_sent_id_ = frame.hd.stream_id;
      break;
    case NGHTTP2_DATA:
      floods_.sent_data();
      break;
    case NGHTTP2_GOAWAY:
      if (frame.goaway.error_code != NGHTTP2_NO_ERROR && own_verdict_.ok()) {
        own_verdict_ =
            unavailable("the " + std::string(peer_name()) + " broke HTTP/2: " +
                        error_code_name(static_cast<ErrorCode>(frame.goaway.error_code)) + " \"" +
                        printable({reinterpret_cast<const char*>(frame.goaway.opaque_data),
                                   frame.goaway.opaque_data_len}) +
                        "\"");
      }
      return;
    default:
      return;
  }
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  Http2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->end_sent_ = true;
  // RFC 9113 section 8.1: a response that needs no more of the request ends the request.
  if (options_.side == Side::kServer && !stream->remote_ended_) {
    stream->reset_silently(ErrorCode::kNoError);
  }
}

void Http2Core::on_frame_not_sent(const nghttp2_frame& frame, int error) {
  // Other reasons are streams and connections that ended meanwhile; those are told as such.
  if (frame.hd.type != NGHTTP2_HEADERS || error != NGHTTP2_ERR_FRAME_SIZE_ERROR) return;
  if (Http2Stream* stream = find(frame.hd.stream_id)) {
    stream->fail(ErrorCode::kInternalError, resource_exhausted("headers to be sent exceed 64 KiB"));
  }
}

void Http2Core::on_data_sent(Http2Stream& stream, const uint8_t* frame_header, size_t bytes) {
  out_->append(reinterpret_cast<const char*>(frame_header), kFrameHeaderBytes);
  out_->append(stream.out_.front(bytes));
  stream.out_.drop(bytes);
  if (stream.above_low_water_ && stream.out_.size() <= ServerStream::kLowWater) {
    stream.above_low_water_ = false;
    stream.writable_due_ = true;
    enqueue(stream);
  }
}

void Http2Core::on_stream_close(int32_t id, ErrorCode code) {
  Http2Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->closed_ = true;
  connection_consumed_ += std::exchange(stream->unconsumed_, 0);
  if (stream->silent_ || stream->over()) {
    stream->on_closed(nullptr);
  } else {
    // Broken off by RST_STREAM, or by a frame that made us send one: what rapid reset is made of.
    if (options_.side == Side::kServer) charge(floods_.on_reset(host_.now_ms()));
    const Abort abort = abort_for(*stream, code);
    stream->on_closed(&abort);
  }
  release(*stream);
}

Abort Http2Core::abort_for(const Http2Stream& stream, ErrorCode code) const {
  Abort abort;
  abort.code = code;
  abort.by_peer_reset = stream.reset_by_peer_;
  const bool refused = code == ErrorCode::kRefusedStream;
  const std::string name = error_code_name(code);
  if (!stream.failure_.ok()) {
    abort.status = stream.failure_;
  } else if (stream.reset_by_peer_) {
    abort.status = Status(status_code_of(code),
                          "stream reset by the " + std::string(peer_name()) + ": " + name);
  } else if (refused && options_.side == Side::kClient) {
    abort.status = unavailable(goaway_text_.empty() ? "connection is closing" : goaway_text_);
  } else {
    abort.status = internal_error(
        "the " + std::string(peer_name()) + " broke HTTP/2, stream reset: " + name +
        (stream.invalid_ != nullptr ? std::string(" (") + stream.invalid_ + ")" : ""));
  }
  // Refused by the peer, above its GOAWAY, or refused by nghttp2 because it never left.
  abort.surely_not_processed = options_.side == Side::kClient && refused;
  return abort;
}

}  // namespace gatehouse::http
