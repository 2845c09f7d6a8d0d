#include <string>
#include <utility>

#include "common/transcode/envelope.h"
#include "common/transcode/headers.h"
#include "common/transcode/json_splitter.h"
#include "common/gateway/exchange.h"
#include "common/web/answer.h"

namespace gatehouse::gateway {

namespace {

using transcode::Streaming;

// Watching goes on after the client has said all it wants to say: "curl -d" ends its body at once
// and listens. (A keep-alive stream ends when all that was asked is answered.)
bool outlives_its_request(const transcode::Route& route) {
  return route.grpc_path == "/etcdserverpb.Watch/Watch";
}

class Stream final : public http::StreamHandler {
 public:
  // Lines that wait for a slow client; the member is asked for no more until they are gone.
  static constexpr size_t kMaxUnsentBytes = 256 * 1024;

  explicit Stream(Context context)
      : context_(std::move(context)),
        splitter_(context_.limits.max_body_bytes),
        from_member_(*this),
        call_(context_.info.target.start(context_.info.route.grpc_path, context_.options,
                                         from_member_)) {
    context_.info.in_flight.add();
  }
  ~Stream() override { context_.info.in_flight.sub(); }

  void on_body(std::string_view bytes) override {
    if (rest_) return rest_->on_body(bytes);
    if (!call_) {
      context_.stream.consumed(bytes.size());
      return;
    }
    waiting_.append(bytes);
    send_waiting();
  }

  void on_end(const http::Headers& trailers) override {
    if (rest_) return rest_->on_end(trailers);
    body_ended_ = true;
    send_waiting();
  }

  void on_writable() override {
    if (std::exchange(member_waits_, false) && call_) call_->want_message();
  }

  void on_abort(const http::Abort&) override { call_.reset(); }

 private:
  struct FromMember final : rpc::ClientHandler {
    explicit FromMember(Stream& owner) : self(owner) {}
    void on_message(std::string_view message) override { self.on_message(message); }
    void on_can_send() override { self.send_waiting(); }
    void on_finish(const rpc::CallResult& result) override { self.finish(result.status); }
    Stream& self;
  };

  // Requests go to the member as fast as it takes them; what waits is not given back to the
  // client's window.
  void send_waiting() {
    std::string_view rest = waiting_;
    while (call_ && call_->can_send()) {
      std::string json;
      const Result<bool> whole = splitter_.next(rest, json);
      if (!whole.ok()) return fail(whole.status());
      if (!*whole) break;
      // What follows the one request of a server stream is ignored, as in a unary call.
      if (context_.info.route.streaming == Streaming::kServerStream && sent_any_) continue;
      const Result<std::string> request =
          context_.transcoder.json_to_proto(context_.info.route, json);
      if (!request.ok()) return fail(request.status());
      const Status size = rpc::check_send_size(request->size(), context_.limits.max_send_bytes);
      if (!size.ok()) return fail(size);
      call_->send(*request);
      sent_any_ = true;
    }
    const size_t done = waiting_.size() - rest.size();
    waiting_.erase(0, done);
    if (done > 0) context_.stream.consumed(done);
    if (body_ended_ && waiting_.empty()) end_request();
  }

  void end_request() {
    if (!call_ || std::exchange(request_ended_, true)) return;
    const Status status = splitter_.finish();
    if (!status.ok()) return fail(status);
    if (context_.info.route.streaming == Streaming::kServerStream && !sent_any_) {
      call_->send("");  // an empty body is an empty message
    }
    if (!outlives_its_request(context_.info.route)) call_->half_close();
  }

  void on_message(std::string_view message) {
    std::string line;
    const Status status =
        transcode::append_result_line(context_.transcoder, context_.info.route, message, line);
    if (!status.ok()) return fail(status);
    send_head_once();
    context_.stream.send_body(line);
    if (context_.stream.unsent() <= kMaxUnsentBytes) {
      call_->want_message();
    } else {
      member_waits_ = true;
    }
  }

  void send_head_once() {
    if (std::exchange(head_sent_, true)) return;
    http::Headers headers;
    context_.cors.add_to(headers, context_.stream.request());
    headers.add("content-type", "application/json");
    for (const auto& [name, value] : transcode::response_headers({})) headers.add(name, value);
    context_.stream.send_head(200, headers);
    context_.info.count(200);
  }

  void fail(const Status& status) {
    call_.reset();
    finish(status);
  }

  void finish(const Status& status) {
    call_.reset();
    std::string line;
    if (!status.ok()) transcode::append_error_line(status, line);
    if (!status.ok() && !head_sent_) {
      const web::Answer answer = error_answer(status, std::move(line));
      if (body_ended_) {
        web::send(context_.stream, answer, context_.cors);
      } else {
        context_.stream.consumed(std::exchange(waiting_, {}).size());
        rest_ = web::answer_now(context_.stream, answer, context_.cors);
      }
      context_.info.count(transcode::http_status(status.code()));
      return;
    }
    send_head_once();
    if (!line.empty()) context_.stream.send_body(line);
    context_.stream.send_end();
  }

  const Context context_;
  transcode::JsonSplitter splitter_;
  FromMember from_member_;
  std::unique_ptr<rpc::ClientCall> call_;
  std::unique_ptr<http::StreamHandler> rest_;  // after an early error: reads what still comes
  std::string waiting_;
  bool body_ended_ = false;
  bool request_ended_ = false;
  bool sent_any_ = false;
  bool head_sent_ = false;
  bool member_waits_ = false;
};

}  // namespace

std::unique_ptr<http::StreamHandler> start_stream(Context context) {
  return std::make_unique<Stream>(std::move(context));
}

}  // namespace gatehouse::gateway
