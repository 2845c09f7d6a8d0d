#include "common/http/http2_stream.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/http/fields.h"
#include "common/http/http2_core.h"

namespace gatehouse::http {

static_assert(ServerStream::kLowWater == ClientStream::kLowWater);
constexpr size_t kLowWater = ServerStream::kLowWater;

void Http2Stream::append_body(std::string_view bytes) {
  if (bytes.empty()) return;
  out_.append(bytes);
  if (out_.size() > kLowWater) above_low_water_ = true;
  core_.enqueue(*this);
}

void Http2Stream::end_body() {
  ended_ = true;
  core_.enqueue(*this);
}

void Http2Stream::give_back(size_t bytes) {
  if (closed_) return;  // all of it went back when the stream closed
  CHECK_MSG(bytes <= unconsumed_, "consumed() of more than came");
  unconsumed_ -= bytes;
  core_.connection_consumed_ += bytes;
  if (!remote_ended_) {
    consumed_unsaid_ += bytes;
    // Smaller amounts wait for company: nghttp2 updates the window by halves.
    if (consumed_unsaid_ >= core_.options_.stream_window_bytes / 8) core_.enqueue(*this);
  }
  if (core_.window_update_due()) core_.wake();
}

void Http2Stream::reset_silently(ErrorCode code) {
  if (closed_ || silent_) return;
  silent_ = true;
  reset_wanted_ = true;
  reset_code_ = code;
  core_.enqueue(*this);
}

void Http2Stream::fail(ErrorCode code, Status why) {
  if (closed_ || silent_ || reset_wanted_) return;
  failure_ = std::move(why);
  reset_wanted_ = true;
  reset_code_ = code;
  core_.enqueue(*this);
}

void Http2Stream::recycle() {
  id_ = 0;
  fields_ = nullptr;
  field_bytes_ = 0;
  oversized_ = false;
  unconsumed_ = 0;
  consumed_unsaid_ = 0;
  out_.reset();
  trailers_out_.clear();
  failure_ = Status();
  invalid_ = nullptr;
  reset_code_ = ErrorCode::kNoError;
  reset_wanted_ = false;
  closed_ = false;
  silent_ = false;
  ended_ = false;
  end_sent_ = false;
  remote_ended_ = false;
  reset_by_peer_ = false;
  data_deferred_ = false;
  trailers_submitted_ = false;
  above_low_water_ = false;
  writable_due_ = false;
}

void Http2Stream::submit_body() {
  if (ended_ && out_.empty() && !trailers_out_.empty()) {
    // Straight away: what is left needs no window. nghttp2 drops the body's provider.
    submit_trailers();
  } else if (data_deferred_ && (ended_ || !out_.empty())) {
    data_deferred_ = false;
    core_.check_submitted(nghttp2_session_resume_data(core_.session(), id_));
  }
}

void Http2Stream::submit_trailers() {
  if (std::exchange(trailers_submitted_, true)) return;
  std::vector<nghttp2_nv>& fields = core_.fields_scratch();
  borrow_fields(trailers_out_, fields);
  core_.check_submitted(nghttp2_submit_trailer(core_.session(), id_, fields.data(), fields.size()));
}

ng::DataProvider Http2Stream::body_provider() {
  ng::DataProvider provider;
  provider.source.ptr = this;
  provider.read_callback = &Http2Stream::read_body;
  return provider;
}

// How much of the body goes into the next DATA frame; the bytes follow in Http2Core::on_data_sent.
ng::ssize Http2Stream::read_body(nghttp2_session*, int32_t, uint8_t*, size_t room, uint32_t* flags,
                                 nghttp2_data_source* source, void*) {
  Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
  const size_t waiting = stream.out_.size();
  if (waiting == 0 && !stream.ended_) {
    stream.data_deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  const size_t bytes = std::min(waiting, room);
  if (bytes == waiting && stream.ended_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream.trailers_out_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      stream.submit_trailers();
    }
  }
  return static_cast<ng::ssize>(bytes);
}

nghttp2_nv borrow_field(std::string_view name, std::string_view value) {
  // nghttp2 declares the pointers mutable but, with these flags, only reads through them.
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

void borrow_fields(const Headers& headers, std::vector<nghttp2_nv>& fields) {
  for (const Headers::Field& field : headers) {
    if (!is_connection_specific(field.name))
      fields.push_back(borrow_field(field.name, field.value));
  }
}

}  // namespace gatehouse::http
