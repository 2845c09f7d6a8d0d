#include "member/api/watch.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/rpc/typed.h"
#include "member/mvcc/watch_stream.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {
namespace {

namespace pb = etcdserverpb;

Status no_leader() { return unavailable("etcdserver: no leader"); }
Status stopped() { return unavailable("etcdserver: server stopped"); }

// As Go prints a gRPC status.
std::string long_form(const Status& status) {
  return "rpc error: code = " + std::string(status_code_name(status.code())) +
         " desc = " + status.message();
}

mvcc::WatchRequest from_message(pb::WatchCreateRequest& message) {
  mvcc::WatchRequest request;
  request.key = std::move(*message.mutable_key());
  if (request.key.empty()) request.key.assign(1, '\0');
  request.end = std::move(*message.mutable_range_end());
  request.start = message.start_revision();
  request.watch_id = message.watch_id();
  for (const int filter : message.filters()) {
    if (filter == pb::WatchCreateRequest::NOPUT) request.shape.no_put = true;
    if (filter == pb::WatchCreateRequest::NODELETE) request.shape.no_delete = true;
  }
  request.shape.prev_kv = message.prev_kv();
  request.fragment = message.fragment();
  request.progress_notify = message.progress_notify();
  return request;
}

}  // namespace

class WatchCall final : public rpc::ServerHandler, private mvcc::WatchSink {
 public:
  WatchCall(rpc::ServerCall& call, WatchService& service)
      : call_(call),
        service_(service),
        wants_leader_(rpc::find(call.metadata(), "hasleader") == "true"),
        place_(service.streams_.insert(service.streams_.end(), this)) {
    if (service_.stopped_) {
      finish(stopped());
    } else if (wants_leader_ && service_.context_.has_leader && !service_.context_.has_leader()) {
      finish(no_leader());
    } else {
      stream_.emplace(service_.group_, static_cast<mvcc::WatchSink&>(*this));
      if (wants_leader_) service_.watch_leader();
    }
  }

  ~WatchCall() override { service_.streams_.erase(place_); }

  bool wants_leader() const { return wants_leader_ && stream_.has_value(); }

  // Watchers go now, the handler when the call lets it.
  void finish(const Status& status) {
    stream_.reset();
    call_.finish(status);
  }
  bool open() const { return stream_.has_value(); }

  // rpc::ServerHandler
  void on_message(std::string_view bytes) override {
    if (!stream_) return;
    const uint64_t begun = call_.executor().now_us();
    pb::WatchRequest message;
    if (const Status parsed = rpc::parse_message(bytes, message); !parsed.ok()) {
      finish(parsed);
      return;
    }
    serve(message);
    if (const mvcc::WatchMetrics* metrics = service_.group_.options().metrics; metrics != nullptr) {
      metrics->send_control.observe(static_cast<double>(call_.executor().now_us() - begun) / 1e6);
    }
    want_next();
  }

  // The client only says that it will create no more.
  void on_half_close() override {}

  void on_can_send() override {
    if (!stream_) return;
    stream_->on_can_send();
    if (std::exchange(reading_paused_, false)) want_next();
  }

  void on_cancel(const Status&) override { stream_.reset(); }

 private:
  // mvcc::WatchSink
  bool can_send() const override { return call_.can_send(); }
  void send(std::string_view response) override { call_.send(response); }

  // A client that does not read its answers gets no more requests served: they would pile up.
  void want_next() {
    if (call_.can_send()) {
      call_.want_message();
    } else {
      reading_paused_ = true;
    }
  }

  void serve(pb::WatchRequest& message) {
    switch (message.request_union_case()) {
      case pb::WatchRequest::kCreateRequest:
        create(*message.mutable_create_request());
        break;
      case pb::WatchRequest::kCancelRequest:
        stream_->cancel(message.cancel_request().watch_id());
        break;
      case pb::WatchRequest::kProgressRequest:
        stream_->request_progress();
        break;
      case pb::WatchRequest::REQUEST_UNION_NOT_SET:
        break;  // of a newer client
    }
  }

  void create(pb::WatchCreateRequest& message) {
    mvcc::WatchRequest request = from_message(message);
    // A negative start is refused before anybody asks who calls.
    if (request.start >= 0 && service_.context_.may_watch) {
      const Status may = service_.context_.may_watch(call_, request.key, request.end);
      if (!may.ok()) {
        stream_->refuse(long_form(may));
        return;
      }
    }
    stream_->create(std::move(request));
  }

  rpc::ServerCall& call_;
  WatchService& service_;
  const bool wants_leader_;
  const std::list<WatchCall*>::iterator place_;
  std::optional<mvcc::WatchStream> stream_;  // until the call has ended
  bool reading_paused_ = false;
};

WatchService::WatchService(mvcc::WatchGroup& group, WatchContext context)
    : group_(group),
      context_(std::move(context)),
      leader_timer_(group.executor(), [this] { look_at_leader(); }) {}

WatchService::~WatchService() { CHECK(streams_.empty()); }

void WatchService::shut_down() {
  stopped_ = true;
  leader_timer_.cancel();
  for (WatchCall* call : streams_) {
    if (call->open()) call->finish(stopped());
  }
}

void WatchService::watch_leader() {
  if (!context_.has_leader || leader_timer_.armed()) return;
  leaderless_ = 0;
  leader_timer_.arm(context_.election_timeout_ms);
}

void WatchService::look_at_leader() {
  leaderless_ = context_.has_leader() ? 0 : leaderless_ + 1;
  bool any = false;
  for (WatchCall* call : streams_) {
    if (!call->wants_leader()) continue;
    if (leaderless_ >= kLeaderlessTimeouts) {
      call->finish(no_leader());
    } else {
      any = true;
    }
  }
  if (any) leader_timer_.arm(context_.election_timeout_ms);
}

void add_watch(rpc::Server& server, WatchService& service) {
  server.add({"etcdserverpb.Watch", "Watch", rpc::MethodKind::kBidiStream},
             [&service](rpc::ServerCall& call) -> std::unique_ptr<rpc::ServerHandler> {
               return std::make_unique<WatchCall>(call, service);
             });
}

}  // namespace gatehouse::api
