#include "member/api/concurrency.h"

#include <charconv>

#include "common/env/byte_stream.h"

namespace gatehouse::api::concurrency {

namespace pb = etcdserverpb;

std::string queue_prefix(std::string_view name) { return std::string(name) + "/"; }

// The prefix ends in a slash, so the next key that does not begin with it ends in '0'.
std::string queue_end(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  return end;
}

std::string place_key(std::string_view prefix, int64_t lease) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, lease, 16);
  static_cast<void>(error);  // 16 digits and a sign fit
  return std::string(prefix).append(digits, end);
}

pb::RangeRequest first_in_queue(std::string_view prefix) {
  pb::RangeRequest request;
  request.set_key(std::string(prefix));
  request.set_range_end(queue_end(prefix));
  request.set_sort_order(pb::RangeRequest::ASCEND);
  request.set_sort_target(pb::RangeRequest::CREATE);
  request.set_limit(1);
  return request;
}

void if_created_at(pb::TxnRequest& txn, const std::string& key, int64_t revision) {
  pb::Compare& compare = *txn.add_compare();
  compare.set_target(pb::Compare::CREATE);
  compare.set_result(pb::Compare::EQUAL);
  compare.set_key(key);
  compare.set_create_revision(revision);
}

rpc::CallOptions options_for(const rpc::ServerCall& call) {
  rpc::CallOptions options;
  options.metadata = call.metadata();
  options.peer = &call.peer();
  return options;
}

Status as_told(const Status& inner) {
  // The client library knows a member's errors by their texts and makes values of them that have
  // no gRPC code; these two it does not know.
  constexpr std::string_view kUnknownToClients[] = {"etcdserver: request canceled",
                                                    "etcdserver: context deadline exceeded"};
  if (!inner.message().starts_with("etcdserver: ")) return inner;
  for (const std::string_view text : kUnknownToClients) {
    if (inner.message() == text) return inner;
  }
  return Status(StatusCode::kUnknown, inner.message());
}

// ---- Farewells

void Farewells::call(rpc::CallTarget& target, std::string_view path,
                     const rpc::CallOptions& options, const std::string& request) {
  const uint64_t id = next_++;
  calls_[id] = rpc::call_unary(target, path, options, request,
                               [this, id](const rpc::CallResult&, std::string_view) { drop(id); });
}

uint64_t Farewells::keep(std::unique_ptr<rpc::ClientCall> call) {
  const uint64_t id = next_++;
  calls_[id] = std::move(call);
  return id;
}

// ---- Join

// What the transaction's end finds, whoever still waits for it.
struct Join::Fate {
  Service& service;
  rpc::CallOptions options;
  env::PeerInfo peer;
  std::string key;
  Done done;             // empty once the one who waited has gone
  uint64_t farewell = 0;  // then

  void ended(const rpc::CallResult& result, const pb::TxnResponse& response) {
    if (done) {
      Done tell = std::move(done);
      done = nullptr;
      tell(result, response);
      return;
    }
    if (result.status.ok() && response.succeeded()) {
      pb::TxnRequest txn;
      if_created_at(txn, key, response.header().revision());
      txn.add_success()->mutable_request_delete_range()->set_key(key);
      options.peer = &peer;
      service.farewells.call(service.target, kTxn, options, rpc::serialize_message(txn));
    }
    service.farewells.drop(farewell);
  }
};

Join::Join(Service& service, const rpc::ServerCall& caller, const pb::TxnRequest& request,
           std::string key, Done done)
    : fate_(new Fate{service, options_for(caller), caller.peer(), std::move(key),
                     std::move(done)}) {
  call_ = rpc::call_unary_typed<pb::TxnResponse>(
      service.target, kTxn, fate_->options, request,
      [fate = fate_](const rpc::CallResult& result, const pb::TxnResponse& response) {
        fate->ended(result, response);
      });
}

Join::~Join() {
  if (!fate_->done) return;
  fate_->done = nullptr;
  fate_->farewell = fate_->service.farewells.keep(std::move(call_));
}

// ---- Watch

Watch::Watch(rpc::CallTarget& target, const rpc::CallOptions& options,
             const pb::WatchCreateRequest& request, OnEvents on_events, OnEnd on_end)
    : on_events_(std::move(on_events)), on_end_(std::move(on_end)) {
  pb::WatchRequest create;
  *create.mutable_create_request() = request;
  call_ = target.start(kWatch, options, *this);
  call_->send(rpc::serialize_message(create));
}

void Watch::on_message(std::string_view message) {
  pb::WatchResponse response;
  const Status parsed = rpc::parse_message(message, response);
  if (!parsed.ok()) return end(parsed);
  if (response.compact_revision() != 0) {
    return end(Status(StatusCode::kUnknown,
                      "etcdserver: mvcc: required revision has been compacted"));
  }
  if (response.canceled()) {
    // As the client library has it, which knows no reason but this one.
    return end(response.cancel_reason().empty()
                   ? Status(StatusCode::kUnknown,
                            "etcdserver: mvcc: required revision is a future revision")
                   : as_told(Status(StatusCode::kFailedPrecondition, response.cancel_reason())));
  }
  if (!response.created() || response.events_size() > 0) {
    // What is called may destroy this, and with it itself, unless it lives here.
    OnEvents on_events = std::move(on_events_);
    const Next next = on_events(response);
    if (next == Next::kEnough) return;
    on_events_ = std::move(on_events);
    if (next == Next::kLater) return;
  }
  call_->want_message();
}

void Watch::on_finish(const rpc::CallResult& result) {
  end(result.status.ok() ? Status(StatusCode::kUnknown, "lost watcher waiting for delete")
                         : as_told(result.status));
}

void Watch::end(const Status& why) {
  OnEnd on_end = std::move(on_end_);
  on_end(why);  // this may be gone
}

// ---- Turn

Turn::Turn(rpc::CallTarget& target, rpc::CallOptions options, std::string prefix,
           int64_t max_create_revision, Done done)
    : target_(target),
      options_(std::move(options)),
      prefix_(std::move(prefix)),
      max_create_revision_(max_create_revision),
      done_(std::move(done)) {
  look();
}

void Turn::look() {
  pb::RangeRequest request;
  request.set_key(prefix_);
  request.set_range_end(queue_end(prefix_));
  request.set_sort_order(pb::RangeRequest::DESCEND);
  request.set_sort_target(pb::RangeRequest::CREATE);
  request.set_limit(1);
  request.set_max_create_revision(max_create_revision_);
  range_ = rpc::call_unary_typed<pb::RangeResponse>(
      target_, kRange, options_, request,
      [this](const rpc::CallResult& result, const pb::RangeResponse& response) {
        if (result.status.ok() && response.kvs_size() > 0) {
          watch(response.kvs(0).key(), response.header().revision());
          return;
        }
        Done done = std::move(done_);
        done(result.status.ok() ? Status() : as_told(result.status));
      });
}

void Turn::watch(const std::string& key, int64_t revision) {
  pb::WatchCreateRequest request;
  request.set_key(key);
  request.set_start_revision(revision);
  watch_ = std::make_unique<Watch>(
      target_, options_, request,
      [this](const pb::WatchResponse& response) {
        for (const mvccpb::Event& event : response.events()) {
          if (event.type() != mvccpb::Event::DELETE) continue;
          watch_.reset();
          look();
          return Watch::Next::kEnough;
        }
        return Watch::Next::kMore;
      },
      [this](const Status& why) {
        Done done = std::move(done_);
        done(why);
      });
}

}  // namespace gatehouse::api::concurrency
