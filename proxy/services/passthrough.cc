#include "proxy/services/passthrough.h"

#include <memory>
#include <utility>

namespace gatehouse::services {

namespace {

// What all calls of one RPC share.
struct Route {
  upstream::Upstream& upstream;
  const std::string path;
  const upstream::CallKind kind;
  const bool changes;  // done twice it does more than once
  const UpstreamLimits limits;
  const Transform transform;
  const Observer observer;
};

// A member's words for a call of which nobody knows whether it was carried out.
Status timed_out() { return unavailable("etcdserver: request timed out"); }

// Back-pressure: each side is asked for its next message only once the other side has room for it,
// so what is held here is one window each way, however slow one of the two is.
class Passthrough final : public rpc::ServerHandler {
 public:
  Passthrough(rpc::ServerCall& call, const Route& route) : downstream_(*this, call), route_(route) {
    // A stream's headers may be an answer of their own, so it does not wait for the first message.
    if (route_.kind.stream) open();
  }

  void on_message(std::string_view message) override {
    const Status size = rpc::check_send_size(message.size(), route_.limits.max_send_bytes);
    if (!size.ok()) {
      call_.reset();
      downstream_.call.finish(size);
      return;
    }
    if (!call_) open();
    call_->send(message);
    if (!route_.kind.stream) return;
    if (call_->can_send()) {
      downstream_.call.want_message();
    } else {
      client_waits_ = true;
    }
  }

  void on_half_close() override {
    if (call_) call_->half_close();
  }

  void on_can_send() override {
    if (std::exchange(member_waits_, false) && call_) call_->want_message();
  }

  Status too_late() const override {
    return route_.changes ? timed_out() : rpc::ServerHandler::too_late();
  }

  void on_cancel(const Status&) override { call_.reset(); }

 private:
  // The member's side of the pair.
  struct Downstream final : rpc::ClientHandler {
    Downstream(Passthrough& owner, rpc::ServerCall& server_call) : self(owner), call(server_call) {}

    void on_initial_metadata(const rpc::Metadata& metadata) override {
      if (!metadata.empty() || self.route_.kind.stream) call.send_initial_metadata(metadata);
    }
    void on_message(std::string_view message) override {
      if (self.route_.observer) self.route_.observer(call, message);
      if (self.route_.transform) {
        call.send(self.route_.transform(message));
      } else {
        call.send(message);
      }
      if (call.can_send()) {
        self.call_->want_message();
      } else {
        self.member_waits_ = true;
      }
    }
    void on_can_send() override {
      if (std::exchange(self.client_waits_, false)) call.want_message();
    }
    void on_finish(const rpc::CallResult& result) override {
      const bool late = result.status.code() == StatusCode::kDeadlineExceeded;
      call.finish(late ? self.too_late() : result.status, result.trailing);
    }

    Passthrough& self;
    rpc::ServerCall& call;
  };

  void open() {
    call_ = route_.upstream.start(route_.path, route_.kind,
                                  onward_options(downstream_.call, route_.limits), downstream_);
  }

  Downstream downstream_;
  const Route& route_;
  std::unique_ptr<rpc::ClientCall> call_;
  bool client_waits_ = false;  // for room towards the member
  bool member_waits_ = false;  // for room towards the client
};

}  // namespace

void add_passthrough(rpc::Server& server, upstream::Upstream& upstream, const Rpc& rpc,
                     UpstreamLimits limits, Transform transform, Observer observer) {
  server.add({std::string(rpc.service), std::string(rpc.name), rpc.kind},
             passthrough_factory(upstream, rpc, limits, std::move(transform), std::move(observer)));
}

rpc::Server::HandlerFactory passthrough_factory(upstream::Upstream& upstream, const Rpc& rpc,
                                                UpstreamLimits limits, Transform transform,
                                                Observer observer) {
  const rpc::Method method{std::string(rpc.service), std::string(rpc.name), rpc.kind};
  const upstream::CallKind kind{rpc.kind != rpc::MethodKind::kUnary, rpc.repeat};
  // The services of locks and elections find what an earlier call of the same lease has left.
  const bool changes = !kind.stream && kind.repeat == upstream::Repeat::kNever &&
                       rpc.service.starts_with("etcdserverpb.");
  // Shared with nobody but the factory, which std::function wants copyable.
  auto route = std::make_shared<const Route>(
      Route{upstream, method.path(), kind, changes, limits, std::move(transform), std::move(observer)});
  return [route](rpc::ServerCall& call) { return std::make_unique<Passthrough>(call, *route); };
}

rpc::CallOptions onward_options(const rpc::ServerCall& call, UpstreamLimits limits) {
  rpc::CallOptions options;
  options.metadata = call.metadata();
  options.deadline_ms = call.deadline_ms();
  options.max_receive_bytes = limits.max_receive_bytes;
  return options;
}

}  // namespace gatehouse::services
