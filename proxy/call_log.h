// CallLog: a line in the log for each gRPC call that ended (--experimental-enable-grpc-logging), in
// front of another observer.
#pragma once

#include <chrono>
#include <utility>

#include "common/log/log.h"
#include "common/rpc/server.h"

namespace gatehouse::proxy {

class CallLog final : public rpc::ServerObserver {
 public:
  // `next` outlives it.
  CallLog(rpc::ServerObserver& next, log::Logger logger)
      : next_(next), logger_(std::move(logger)) {}

  void on_call_started(const rpc::Method& method, const rpc::Metadata& metadata) override {
    next_.on_call_started(method, metadata);
  }
  void on_message_received(const rpc::Method& method, size_t bytes) override {
    next_.on_message_received(method, bytes);
  }
  void on_message_sent(const rpc::Method& method, size_t bytes) override {
    next_.on_message_sent(method, bytes);
  }
  void on_call_finished(const rpc::Method& method, StatusCode code, uint64_t duration_us) override {
    next_.on_call_finished(method, code, duration_us);
    LOG_INFO(logger_, "finished gRPC call", {"grpc.service", method.service},
             {"grpc.method", method.name}, {"grpc.code", status_code_name(code)},
             {"took", std::chrono::microseconds(duration_us)});
  }

 private:
  rpc::ServerObserver& next_;
  const log::Logger logger_;
};

}  // namespace gatehouse::proxy
