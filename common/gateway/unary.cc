#include <chrono>
#include <string>
#include <utility>

#include "common/transcode/envelope.h"
#include "common/transcode/headers.h"
#include "common/gateway/exchange.h"
#include "common/web/answer.h"

namespace gatehouse::gateway {

namespace {

class Unary final : public http::StreamHandler {
 public:
  explicit Unary(Context context)
      : context_(std::move(context)), started_us_(context_.executor.now_us()) {
    context_.info.in_flight.add();
  }
  ~Unary() override { context_.info.in_flight.sub(); }

  void on_body(std::string_view bytes) override {
    if (rest_) return rest_->on_body(bytes);
    context_.stream.consumed(bytes.size());
    if (body_.size() + bytes.size() > context_.limits.max_body_bytes) {
      const Status status = body_too_large(context_.limits.max_body_bytes);
      rest_ = web::answer_now(context_.stream, error_answer(status, transcode::error_body(status)),
                              context_.cors);
      count(transcode::http_status(status.code()));
      return;
    }
    body_.append(bytes);
  }

  void on_end(const http::Headers& trailers) override {
    if (rest_) return rest_->on_end(trailers);
    Result<std::string> request = context_.transcoder.json_to_proto(context_.info.route, body_);
    body_ = {};
    if (!request.ok()) {
      fail(request.status());
      return;
    }
    const Status size = rpc::check_send_size(request->size(), context_.limits.max_send_bytes);
    if (!size.ok()) {
      fail(size);
      return;
    }
    call_ = rpc::call_unary(context_.info.target, context_.info.route.grpc_path, context_.options,
                            *request,
                            [this](const rpc::CallResult& result, std::string_view response) {
                              on_answer(result, response);
                            });
  }

  // The client went: so does its call.
  void on_abort(const http::Abort&) override { call_.reset(); }

 private:
  void on_answer(const rpc::CallResult& result, std::string_view response) {
    if (!result.status.ok()) {
      fail(result.status);
      return;
    }
    web::Answer answer;
    const Status status =
        context_.transcoder.proto_to_json(context_.info.route, response, answer.body);
    if (!status.ok()) {
      fail(status);
      return;
    }
    for (const auto& [name, value] : transcode::response_headers({})) {
      answer.headers.add(name, value);
    }
    web::send(context_.stream, answer, context_.cors);
    count(answer.status);
  }

  void fail(const Status& status) {
    web::send(context_.stream, error_answer(status, transcode::error_body(status)),
              context_.cors);
    count(transcode::http_status(status.code()));
  }

  void count(int status) {
    body_ = {};
    context_.info.count(status);
    const uint64_t us = context_.executor.now_us() - started_us_;
    context_.info.duration.observe(std::chrono::microseconds(us));
  }

  const Context context_;
  const uint64_t started_us_;
  std::string body_;
  std::unique_ptr<http::StreamHandler> rest_;  // once the body is too large: reads what still comes
  std::unique_ptr<rpc::ClientCall> call_;
};

}  // namespace

std::unique_ptr<http::StreamHandler> start_unary(Context context) {
  return std::make_unique<Unary>(std::move(context));
}

web::Answer error_answer(const Status& status, std::string body) {
  web::Answer answer;
  answer.status = transcode::http_status(status.code());
  answer.body = std::move(body);
  // No Grpc-Metadata-* here: a call that fails has no initial metadata, and etcd sends none either.
  if (status.code() == StatusCode::kUnauthenticated) {
    answer.headers.add("www-authenticate", status.message());
  }
  return answer;
}

Status body_too_large(size_t limit) {
  return resource_exhausted("request body larger than max (" + std::to_string(limit) + " bytes)");
}

}  // namespace gatehouse::gateway
