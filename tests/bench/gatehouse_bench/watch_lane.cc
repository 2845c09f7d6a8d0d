#include "tests/bench/gatehouse_bench/watch_lane.h"

#include <charconv>
#include <optional>

#include "common/rpc/wire.h"
#include "tests/bench/gatehouse_bench/request_template.h"
#include "tests/bench/gatehouse_bench/requests.h"
#include "tests/bench/gatehouse_bench/wire.h"

namespace gatehouse::bench {
namespace {

namespace field {
enum WatchResponse : uint32_t { kCreated = 3, kCanceled = 4, kCancelReason = 6, kEvents = 11 };
enum Event : uint32_t { kKeyValue = 2 };
enum KeyValue : uint32_t { kValue = 5 };
}  // namespace field

std::string_view bytes_of(std::string_view message, uint32_t number) {
  FieldReader fields(message);
  while (fields.next()) {
    if (fields.number() == number) return fields.bytes();
  }
  return {};
}

}  // namespace

bool WatchLane::start(httpio::ClientConnection& connection) {
  if (load_.phase == Phase::kStopped) return false;
  created_ = 0;
  decoder_ = rpc::MessageDecoder(kMaxAnswerBytes);
  status_ = Status();
  stream_ = connection.open(grpc_head(load_.options, load_.origin, kWatchPath), false, *this);
  const std::string create = watch_create_message(load_.options.keys);
  for (size_t i = 0; i < watchers_; ++i) stream_->send_body(create);
  return true;
}

void WatchLane::on_head(int, const http::Headers& headers) {
  if (const std::optional<Status> early = rpc::status_from(headers)) status_ = *early;
}

void WatchLane::on_body(std::string_view bytes) {
  stream_->consumed(bytes.size());
  rpc::MessageDecoder::Message message;
  rpc::MessageDecoder::Next next;
  while ((next = decoder_.next(bytes, message)) == rpc::MessageDecoder::Next::kMessage) {
    on_message(message.bytes);
  }
  if (next != rpc::MessageDecoder::Next::kError) return;
  stream_->cancel();
  over("bad answer", decoder_.error().message());
}

void WatchLane::on_message(std::string_view message) {
  const uint64_t now_us = load_.executor.now_us();
  bool canceled = false;
  std::string_view reason;
  FieldReader fields(message);
  while (fields.next()) {
    switch (fields.number()) {
      case field::kCreated:
        created_ += fields.varint() != 0 ? 1 : 0;
        break;
      case field::kCanceled:
        canceled = fields.varint() != 0;
        break;
      case field::kCancelReason:
        reason = fields.bytes();
        break;
      case field::kEvents:
        on_event(fields.bytes(), now_us);
        break;
    }
  }
  if (canceled) load_.recorder.failure("watch canceled", reason);
}

void WatchLane::on_event(std::string_view event, uint64_t now_us) {
  const std::string_view value = bytes_of(bytes_of(event, field::kKeyValue), field::kValue);
  uint64_t sent_us = 0;
  if (value.size() < Marks::kStampBytes) return;  // not of our writer
  const char* end = value.data() + Marks::kStampBytes;
  if (std::from_chars(value.data(), end, sent_us).ptr != end || sent_us > now_us) return;
  load_.recorder.success(now_us - sent_us, event.size());
  load_.delivered.fetch_add(1, std::memory_order_relaxed);
}

void WatchLane::on_end(const http::Headers& trailers) {
  if (const std::optional<Status> late = rpc::status_from(trailers)) status_ = *late;
  over(status_.ok() ? "stream ended" : status_code_name(status_.code()), status_.message());
}

void WatchLane::on_abort(const http::Abort& abort) { over("aborted", abort.status.message()); }

void WatchLane::over(std::string_view what, std::string_view message) {
  stream_ = nullptr;
  created_ = 0;
  load_.recorder.failure(what, message);
  client_.done(*this);
}

}  // namespace gatehouse::bench
