#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/http2.h"
#include "common/http/http2_core.h"
#include "common/http/http2_stream.h"

namespace gatehouse::http {

class Http2ClientStream final : public Http2Stream, public ClientStream {
 public:
  explicit Http2ClientStream(Http2Core& core) : Http2Stream(core) { fields_ = &head_in_; }

  // False where nghttp2 takes no more: memory.
  bool start(const RequestHead& head, bool end, ClientStreamHandler& handler);

  void send_body(std::string_view bytes) override;
  void send_end() override;
  size_t unsent() const override { return waiting(); }
  void consumed(size_t bytes) override { give_back(bytes); }
  void cancel(ErrorCode code) override;

 protected:
  void on_pseudo_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool end_stream) override;
  bool on_body(std::string_view bytes) override;
  void on_body_end() override;
  void on_writable() override;
  void on_closed(const Abort* abort) override;
  bool over() const override { return handler_ == nullptr; }
  void submit() override { submit_body(); }
  void recycle() override;

 private:
  ClientStreamHandler* handler_ = nullptr;  // null once it had its last callback
  int status_ = 0;
  bool head_told_ = false;
  Headers head_in_;
  Headers trailers_in_;
};

class Http2ClientSession final : public Http2SessionOf<Http2Client> {
 public:
  Http2ClientSession(SessionHost& host, const Http2ClientOptions& options)
      : Http2SessionOf(host, {.side = Side::kClient,
                              .stream_window_bytes = options.stream_window_bytes,
                              .connection_window_bytes = options.connection_window_bytes,
                              .max_frame_size = options.max_frame_size,
                              .max_header_list_bytes = options.max_header_list_bytes,
                              .max_continuations = options.max_continuations,
                              .max_queued_acks = options.max_queued_acks,
                              .max_concurrent_streams = options.initial_max_concurrent_streams,
                              .floods = options.floods,
                              .min_ping_interval_ms = 0,
                              .permit_pings_without_stream = true}) {}

  bool can_open() const override { return may_open(); }
  bool closing() const override { return takes_no_more(); }

  ClientStream* open(const RequestHead& head, bool end, ClientStreamHandler& handler) override {
    if (!may_open()) return nullptr;
    auto& stream = static_cast<Http2ClientStream&>(activate(0));
    if (!stream.start(head, end, handler)) {
      release(stream);
      return nullptr;
    }
    return &stream;
  }

 private:
  std::unique_ptr<Http2Stream> make_stream() override {
    return std::make_unique<Http2ClientStream>(*this);
  }
};

bool Http2ClientStream::start(const RequestHead& head, bool end, ClientStreamHandler& handler) {
  std::vector<nghttp2_nv>& fields = core_.fields_scratch();
  fields.push_back(borrow_field(":method", head.method));
  fields.push_back(borrow_field(":scheme", head.scheme));
  fields.push_back(borrow_field(":path", head.path));
  if (!head.authority.empty()) fields.push_back(borrow_field(":authority", head.authority));
  borrow_fields(head.headers, fields);
  // The head is not ours to keep: nghttp2 copies it.
  for (nghttp2_nv& field : fields) field.flags = NGHTTP2_NV_FLAG_NONE;
  const ng::DataProvider body = body_provider();
  id_ = ng::submit_request(core_.session(), fields.data(), fields.size(), end ? nullptr : &body,
                           static_cast<Http2Stream*>(this));
  if (id_ < 0) return false;
  ended_ = end;
  handler_ = &handler;
  core_.floods_.stream_opened();
  core_.wake();
  return true;
}

void Http2ClientStream::send_body(std::string_view bytes) {
  if (open_for_sending()) append_body(bytes);
}

void Http2ClientStream::send_end() {
  if (open_for_sending()) end_body();
}

void Http2ClientStream::cancel(ErrorCode code) {
  handler_ = nullptr;
  reset_silently(code);
}

void Http2ClientStream::on_pseudo_field(std::string_view name, std::string_view value) {
  // nghttp2 has checked that :status is three digits.
  if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), status_);
}

void Http2ClientStream::on_fields_end(bool) {
  if (oversized_) {
    return fail(ErrorCode::kEnhanceYourCalm, resource_exhausted("response headers too large"));
  }
  if (head_told_ || handler_ == nullptr) return;
  if (status_ < 200) {  // informational: the real head follows
    head_in_.clear();
    return;
  }
  head_told_ = true;
  fields_ = &trailers_in_;
  handler_->on_head(status_, head_in_);
}

bool Http2ClientStream::on_body(std::string_view bytes) {
  if (handler_ == nullptr || reset_wanted_) return false;
  handler_->on_body(bytes);
  return true;
}

void Http2ClientStream::on_body_end() {
  if (handler_ == nullptr || reset_wanted_) return;
  // What the server did not need of the request it will not get.
  if (!ended_ || !out_.empty()) reset_silently(ErrorCode::kNoError);
  std::exchange(handler_, nullptr)->on_end(trailers_in_);
}

void Http2ClientStream::on_writable() {
  if (handler_ != nullptr && open_for_sending()) handler_->on_writable();
}

void Http2ClientStream::on_closed(const Abort* abort) {
  if (handler_ != nullptr && abort != nullptr) std::exchange(handler_, nullptr)->on_abort(*abort);
}

void Http2ClientStream::recycle() {
  Http2Stream::recycle();
  fields_ = &head_in_;
  handler_ = nullptr;
  status_ = 0;
  head_told_ = false;
  head_in_.clear();
  trailers_in_.clear();
}

std::unique_ptr<Http2Client> make_http2_client(SessionHost& host,
                                               const Http2ClientOptions& options) {
  return std::make_unique<Http2ClientSession>(host, options);
}

}  // namespace gatehouse::http
