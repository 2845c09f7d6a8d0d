#include "tests/bench/gatehouse_bench/unary_lane.h"

#include <utility>

#include "common/rpc/wire.h"

namespace gatehouse::bench {

bool UnaryLane::start(httpio::ClientConnection& connection) {
  if (load_.phase != Phase::kRunning) return false;
  const std::optional<uint64_t> number = load_.keys.next();
  if (!number) return false;
  started_us_ = load_.executor.now_us();
  answer_bytes_ = 0;
  http_status_ = 0;
  head_status_.reset();
  error_body_.clear();
  stream_ = connection.open(load_.plan.head, false, *this);
  stream_->send_body(load_.plan.body.fill(load_.plan.first_key(*number), started_us_));
  stream_->send_end();
  ++load_.under_way;
  return true;
}

void UnaryLane::on_head(int status, const http::Headers& headers) {
  http_status_ = status;
  if (load_.rest) return;
  head_status_ = rpc::status_from(headers);
}

void UnaryLane::on_body(std::string_view bytes) {
  answer_bytes_ += bytes.size();
  if (http_status_ != 200 && error_body_.size() < kKeptErrorBytes) {
    error_body_.append(bytes.substr(0, kKeptErrorBytes - error_body_.size()));
  }
  stream_->consumed(bytes.size());
}

void UnaryLane::on_end(const http::Headers& trailers) {
  judge(trailers);
  finish();
}

void UnaryLane::on_abort(const http::Abort& abort) {
  load_.recorder.failure("aborted", abort.status.message());
  finish();
}

void UnaryLane::judge(const http::Headers& trailers) {
  Recorder& recorder = load_.recorder;
  if (http_status_ != 200) {
    return recorder.failure("HTTP " + std::to_string(http_status_), error_body_);
  }
  if (!load_.rest) {
    std::optional<Status> status = rpc::status_from(trailers);
    if (!status) status = std::move(head_status_);
    if (!status) return recorder.failure("no grpc-status", "neither in trailers nor in the head");
    if (!status->ok()) return recorder.failure(status_code_name(status->code()), status->message());
  }
  if (answer_bytes_ < load_.plan.least_answer_bytes) {
    return recorder.failure("short answer", std::to_string(answer_bytes_) + " bytes instead of " +
                                                std::to_string(load_.plan.least_answer_bytes) +
                                                " or more: are the keys there?");
  }
  recorder.success(load_.executor.now_us() - started_us_, answer_bytes_);
}

void UnaryLane::finish() {
  stream_ = nullptr;
  --load_.under_way;
  client_.done(*this);
}

}  // namespace gatehouse::bench
