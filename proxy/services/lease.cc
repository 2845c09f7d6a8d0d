#include "proxy/services/lease.h"

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"
#include "proxy/services/kv.h"

namespace gatehouse::services {

namespace {

constexpr std::string_view kPath = "/etcdserverpb.Lease/LeaseKeepAlive";

// Of LeaseKeepAliveRequest (1) or LeaseKeepAliveResponse (2).
bool parse_lease(std::string_view message, uint32_t number, int64_t& lease) {
  lease = 0;
  codec::ProtoFields fields(message);
  while (fields.next()) {
    if (fields.number() == number) lease = fields.int64();
  }
  return fields.ok();
}

}  // namespace

class KeepAliveCall final : public rpc::ServerHandler {
 public:
  KeepAliveCall(rpc::ServerCall& call, KeepAlives& all) : call_(call), all_(all) {}
  ~KeepAliveCall() override { all_.forget(*this); }

  void on_message(std::string_view message) override {
    int64_t lease = 0;
    if (!parse_lease(message, 1, lease)) {
      return finish(internal_error(
                        "grpc: error unmarshalling request: proto: cannot parse invalid "
                        "wire-format data"),
                    {});
    }
    lease_ = lease;
    waiting_ = true;
    all_.ask(lease, *this);
  }

  // A member goes on until it has answered what came before.
  void on_half_close() override {
    half_closed_ = true;
    if (!waiting_) finish(Status(), {});
  }

  void on_can_send() override {
    if (std::exchange(blocked_, false) && !waiting_) call_.want_message();
  }

  void on_cancel(const Status&) override { all_.forget(*this); }

 private:
  friend class KeepAlives;

  void answer(std::string_view response) {
    waiting_ = false;
    call_.send(response);
    if (half_closed_) return finish(Status(), {});
    if (call_.can_send()) {
      call_.want_message();
    } else {
      blocked_ = true;
    }
  }

  void finish(const Status& status, const rpc::Metadata& trailing) {
    waiting_ = false;
    call_.finish(status, trailing);
  }

  rpc::ServerCall& call_;
  KeepAlives& all_;
  int64_t lease_ = 0;
  bool waiting_ = false;  // in KeepAlives::waiting_, at place_
  bool half_closed_ = false;
  bool blocked_ = false;
  std::list<KeepAliveCall*>::iterator place_;
};

KeepAlives::KeepAlives(upstream::Upstream& upstream, UpstreamLimits limits,
                       const mirror::Metrics& metrics)
    : upstream_(upstream), limits_(limits), metrics_(metrics) {}

KeepAlives::~KeepAlives() { CHECK(waiting_.empty()); }

void KeepAlives::add_to(rpc::Server& server) {
  const Rpc rpc{"etcdserverpb.Lease", "LeaseKeepAlive", rpc::MethodKind::kBidiStream,
                upstream::Repeat::kUntilAnswered};
  server.add({std::string(rpc.service), std::string(rpc.name), rpc.kind},
             [this, pass_on = passthrough_factory(upstream_, rpc, limits_)](
                 rpc::ServerCall& call) -> std::unique_ptr<rpc::ServerHandler> {
               if (has_credentials(call) || rpc::find(call.metadata(), "hasleader")) {
                 return pass_on(call);
               }
               return std::make_unique<KeepAliveCall>(call, *this);
             });
}

void KeepAlives::ask(int64_t lease, KeepAliveCall& call) {
  metrics_.keepalives_in.add();
  std::list<KeepAliveCall*>& calls = waiting_[lease];
  call.place_ = calls.insert(calls.end(), &call);
  if (!stream_) {
    open();
  } else if (calls.size() == 1) {
    send(lease);
  }
}

void KeepAlives::open() {
  rpc::CallOptions options;
  options.max_receive_bytes = limits_.max_receive_bytes;
  stream_ = upstream_.start(kPath, {.stream = true, .repeat = upstream::Repeat::kNever},
                            std::move(options), *this);
  for (const auto& [lease, calls] : waiting_) send(lease);
}

void KeepAlives::send(int64_t lease) {
  metrics_.keepalives_out.add();
  std::string request;
  codec::append_int64_field(request, 1, lease);
  stream_->send(request);
}

void KeepAlives::forget(KeepAliveCall& call) {
  if (!std::exchange(call.waiting_, false)) return;
  const auto calls = waiting_.find(call.lease_);
  calls->second.erase(call.place_);
  // The answer that comes then is nobody's.
  if (calls->second.empty()) waiting_.erase(calls);
}

void KeepAlives::on_message(std::string_view response) {
  attempts_ = 0;
  int64_t lease = 0;
  if (parse_lease(response, 2, lease)) {
    if (const auto found = waiting_.find(lease); found != waiting_.end()) {
      const std::list<KeepAliveCall*> calls = std::move(found->second);
      waiting_.erase(found);
      for (KeepAliveCall* call : calls) call->answer(response);
    }
  }
  stream_->want_message();
}

void KeepAlives::on_finish(const rpc::CallResult& result) {
  const rpc::CallResult kept = result;
  stream_.reset();
  if (waiting_.empty()) return;
  if (kept.status.code() == StatusCode::kUnavailable && ++attempts_ < kMaxAttempts) return open();
  attempts_ = 0;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [lease, calls] : waiting) {
    for (KeepAliveCall* call : calls) call->finish(kept.status, kept.trailing);
  }
}

}  // namespace gatehouse::services
