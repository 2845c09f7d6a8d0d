// Unary: the frame of a unary method that works on bytes and answers later.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/rpc/server.h"
#include "common/rpc/typed.h"
#include "member/api/context.h"
#include "member/api/errors.h"
#include "member/apply/outcome.h"

namespace gatehouse::api {

class Unary : public rpc::ServerHandler, private RequestLog::Finishing {
 public:
  Unary(rpc::ServerCall& call, Context& context) : call_(call), context_(context) {}

  void on_message(std::string_view message) final { request_.assign(message); }
  void on_half_close() final { run(); }
  Status too_late() const final {
    return proposal_ != 0 ? timed_out() : rpc::ServerHandler::too_late();
  }
  void on_cancel(const Status&) final { abandon(); }
  ~Unary() override { abandon(); }

 protected:
  // The request is whole, in request().
  virtual void run() = 0;

  const std::string& request() const { return request_; }
  rpc::ServerCall& call() { return call_; }
  Context& context() { return context_; }

  void fail(const Status& status) { finish(status); }
  // The header and the fields after it.
  void answer(int64_t revision, std::string_view fields) {
    respond(context_.header.response(revision, fields));
  }
  void respond(std::string_view response) {
    response_bytes_ = response.size();
    call_.send(response);
    finish(Status());
  }
  size_t response_bytes() const { return response_bytes_; }
  // For the log, when it was slow.
  RequestStats stats() const override { return {}; }

  // Proposes; the outcome is the answer.
  void propose(apply::Kind kind, std::string_view body) {
    apply::Request request;
    request.kind = kind;
    request.body = body;
    proposal_ = context_.lane.propose(request, [this](apply::Outcome outcome) {
      proposal_ = 0;
      on_outcome(std::move(outcome));
    });
  }
  virtual void on_outcome(apply::Outcome outcome) {
    if (!outcome.status.ok()) return fail(outcome.status);
    answer(outcome.revision, outcome.fields);
  }

  // on_readable() once the store may be read linearizably, which may be now.
  void read_index() {
    if (context_.lane.readable_now()) return on_readable();
    read_ = context_.lane.read_index([this](const Status& status) {
      read_ = 0;
      if (status.ok()) return on_readable();
      on_unreadable();
      fail(status);
    });
  }
  virtual void on_readable() {}
  virtual void on_unreadable() {}  // before it fails

 private:
  const std::string& remote() const final { return call_.peer().address; }
  void finish(const Status& status) {
    context_.request_log.begin_finish(*this);
    call_.finish(status);
    context_.request_log.end_finish();
  }
  void abandon() {
    if (proposal_ != 0) context_.lane.cancel(std::exchange(proposal_, 0));
    if (read_ != 0) context_.lane.cancel_read(std::exchange(read_, 0));
  }

  rpc::ServerCall& call_;
  Context& context_;
  std::string request_;
  uint64_t proposal_ = 0;
  uint64_t read_ = 0;
  size_t response_bytes_ = 0;
};

// Registers a handler class whose constructor takes (ServerCall&, Context&).
template <typename Handler>
void add_method(rpc::Server& server, Context& context, std::string service, std::string name,
                rpc::MethodKind kind = rpc::MethodKind::kUnary) {
  server.add(rpc::Method{std::move(service), std::move(name), kind},
             [&context](rpc::ServerCall& call) -> std::unique_ptr<rpc::ServerHandler> {
               return std::make_unique<Handler>(call, context);
             });
}

}  // namespace gatehouse::api
