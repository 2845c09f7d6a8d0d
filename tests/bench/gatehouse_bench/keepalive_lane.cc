#include "tests/bench/gatehouse_bench/keepalive_lane.h"

#include <optional>

#include "common/rpc/wire.h"
#include "tests/bench/gatehouse_bench/requests.h"
#include "tests/bench/gatehouse_bench/wire.h"

namespace gatehouse::bench {
namespace {

// LeaseGrantResponse and LeaseKeepAliveResponse have these in common.
constexpr uint32_t kIdField = 2;
constexpr uint32_t kTtlField = 3;

}  // namespace

bool KeepaliveLane::start(httpio::ClientConnection& connection) {
  granting_ = lease_ == 0;
  if (load_.phase == Phase::kStopped) return false;
  if (!granting_ && load_.phase != Phase::kRunning) return false;
  decoder_ = rpc::MessageDecoder(kMaxAnswerBytes);
  status_ = Status();
  const std::string_view path = granting_ ? kLeaseGrantPath : kKeepalivePath;
  stream_ = connection.open(grpc_head(load_.options, load_.origin, path), false, *this);
  if (granting_) {
    stream_->send_body(lease_grant_message(load_.options.lease_ttl_s));
    stream_->send_end();
  } else {
    send();
  }
  return true;
}

void KeepaliveLane::send() {
  started_us_ = load_.executor.now_us();
  stream_->send_body(request_);
}

void KeepaliveLane::on_head(int, const http::Headers& headers) {
  if (const std::optional<Status> early = rpc::status_from(headers)) status_ = *early;
}

void KeepaliveLane::on_body(std::string_view bytes) {
  stream_->consumed(bytes.size());
  rpc::MessageDecoder::Message message;
  rpc::MessageDecoder::Next next;
  while ((next = decoder_.next(bytes, message)) == rpc::MessageDecoder::Next::kMessage) {
    on_message(message.bytes);
  }
  if (next != rpc::MessageDecoder::Next::kError) return;
  stream_->cancel();
  stream_ = nullptr;
  fail("bad answer", decoder_.error().message());
  client_.done(*this);
}

void KeepaliveLane::on_message(std::string_view message) {
  uint64_t id = 0;
  uint64_t ttl = 0;
  FieldReader fields(message);
  while (fields.next()) {
    if (fields.number() == kIdField) id = fields.varint();
    if (fields.number() == kTtlField) ttl = fields.varint();
  }
  if (granting_) {
    lease_ = id;
    request_ = keepalive_message(id);
    return;
  }
  if (ttl == 0) {
    fail("lease expired", "the answer has no TTL");
  } else {
    load_.recorder.success(load_.executor.now_us() - started_us_, message.size());
  }
  if (load_.phase == Phase::kRunning) send();
}

void KeepaliveLane::on_end(const http::Headers& trailers) {
  if (const std::optional<Status> late = rpc::status_from(trailers)) status_ = *late;
  stream_ = nullptr;
  if (!status_.ok()) {
    fail(status_code_name(status_.code()), status_.message());
  } else if (!granting_) {
    fail("stream ended", "the server ended a keep-alive stream");
  }
  client_.done(*this);
}

void KeepaliveLane::on_abort(const http::Abort& abort) {
  stream_ = nullptr;
  fail("aborted", abort.status.message());
  client_.done(*this);
}

void KeepaliveLane::fail(std::string_view what, std::string_view message) {
  load_.recorder.failure(what, message);
}

}  // namespace gatehouse::bench
