// What Lock and Election have in common. Both stand in a queue that is made of ordinary keys: each
// who waits has a key `<name>/<lease in hex>`, and the oldest of these (the lowest create revision)
// has its turn.
//
//   door/1389   create revision 7    <- holds the lock, or leads
//   door/138a   create revision 9    waits until no key of a revision below 9 is left
//
// They are clients of KV, Watch and Lease like any other. Errors are what etcd's in-process client
// makes of a member's answer: the same text, but its code is lost and becomes Unknown.
//
// Thread: that of the call that is served.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "common/rpc/typed.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api::concurrency {

// Of a lease that is made because the caller named none; nobody renews it.
inline constexpr int64_t kLeaseSeconds = 60;

// "<name>/", and the end of the range of keys that begin with it.
std::string queue_prefix(std::string_view name);
std::string queue_end(std::string_view prefix);
// "<prefix><lease>" as Go's %x writes an int64.
std::string place_key(std::string_view prefix, int64_t lease);

// The range request for the key of the lowest create revision, who has its turn.
etcdserverpb::RangeRequest first_in_queue(std::string_view prefix);

// `if create_revision(key) = revision`: of an empty transaction.
void if_created_at(etcdserverpb::TxnRequest& txn, const std::string& key, int64_t revision);

// Inner calls are made with the caller's metadata (its token) and on its behalf. Its deadline ends
// them from outside, as its cancellation does.
rpc::CallOptions options_for(const rpc::ServerCall& call);

// How a failure of an inner call is told to the caller.
Status as_told(const Status& inner);

inline constexpr std::string_view kRange = "/etcdserverpb.KV/Range";
inline constexpr std::string_view kTxn = "/etcdserverpb.KV/Txn";
inline constexpr std::string_view kDeleteRange = "/etcdserverpb.KV/DeleteRange";
inline constexpr std::string_view kLeaseGrant = "/etcdserverpb.Lease/LeaseGrant";
inline constexpr std::string_view kWatch = "/etcdserverpb.Watch/Watch";

// Calls that outlive the one that made them: who is cancelled while it waits still gives up its
// place. Destroying it cancels them.
class Farewells {
 public:
  // Nobody waits for the answer.
  void call(rpc::CallTarget& target, std::string_view path, const rpc::CallOptions& options,
            const std::string& request);

  // Keeps a call that is under way until drop(), which the call's own callback may do.
  uint64_t keep(std::unique_ptr<rpc::ClientCall> call);
  void drop(uint64_t id) { calls_.erase(id); }

 private:
  std::unordered_map<uint64_t, std::unique_ptr<rpc::ClientCall>> calls_;
  uint64_t next_ = 0;
};

// What the calls of one service work with; all that is referred to outlives them.
struct Service {
  rpc::CallTarget& target;
  Farewells farewells;
};

// Takes a place in the queue by a transaction whose first success is the put of `key`.
class Join {
 public:
  using Done = UniqueFunction<void(const rpc::CallResult& result,
                                   const etcdserverpb::TxnResponse& response)>;

  // `done` comes once, unless this is destroyed; it may destroy this.
  Join(Service& service, const rpc::ServerCall& caller, const etcdserverpb::TxnRequest& request,
       std::string key, Done done);
  // Before `done`: the transaction goes on, for it cannot be called back, and the key that it makes
  // is deleted again. (etcd leaves such a key behind.)
  ~Join();
  Join(const Join&) = delete;
  Join& operator=(const Join&) = delete;

 private:
  struct Fate;
  std::shared_ptr<Fate> fate_;
  std::unique_ptr<rpc::ClientCall> call_;
};

// A watch of one range. Destroying it ends it; it may be destroyed within its callbacks.
class Watch final : private rpc::ClientHandler {
 public:
  enum class Next : uint8_t {
    kMore,
    kLater,   // not before want()
    kEnough,  // the watch was destroyed
  };
  using OnEvents = UniqueFunction<Next(const etcdserverpb::WatchResponse& response)>;
  using OnEnd = UniqueFunction<void(const Status& why)>;  // why is never OK

  Watch(rpc::CallTarget& target, const rpc::CallOptions& options,
        const etcdserverpb::WatchCreateRequest& request, OnEvents on_events, OnEnd on_end);

  void want() { call_->want_message(); }

 private:
  void on_message(std::string_view message) override;
  void on_finish(const rpc::CallResult& result) override;
  void end(const Status& why);

  OnEvents on_events_;
  OnEnd on_end_;
  std::unique_ptr<rpc::ClientCall> call_;
};

// Waits until no key below `prefix` with a create revision of `max_create_revision` or less is
// left: looks for the youngest of them, watches it go, and looks again.
class Turn {
 public:
  using Done = UniqueFunction<void(const Status& status)>;

  // `done` comes once, from a later turn, unless this is destroyed; it may destroy this.
  Turn(rpc::CallTarget& target, rpc::CallOptions options, std::string prefix,
       int64_t max_create_revision, Done done);

 private:
  void look();
  void watch(const std::string& key, int64_t revision);

  rpc::CallTarget& target_;
  const rpc::CallOptions options_;
  const std::string prefix_;
  const int64_t max_create_revision_;
  Done done_;
  std::unique_ptr<rpc::ClientCall> range_;
  std::unique_ptr<Watch> watch_;
};

// The handler of a method with one request.
template <typename Request>
class Served : public rpc::ServerHandler {
 public:
  Served(rpc::ServerCall& the_call, Service& the_service) : call(the_call), service(the_service) {}
  void on_message(std::string_view message) final {
    parsed_ = rpc::parse_message(message, request);
  }
  void on_half_close() final {
    if (parsed_.ok()) {
      run();
    } else {
      call.finish(parsed_);
    }
  }
  // What the call had under way ends with its handler.
  void on_cancel(const Status&) override {}

 protected:
  virtual void run() = 0;

  template <typename Response>
  void answer(const Response& response) {
    rpc::send_message(call, response);
    call.finish(Status());
  }

  // One inner call at a time. `done`: void(const Response&), for a good answer; a failure ends the
  // call.
  template <typename Response, typename InnerRequest, typename Done>
  void ask(std::string_view path, const InnerRequest& inner, Done done) {
    inner_ = rpc::call_unary_typed<Response>(
        service.target, path, options_for(call), inner,
        [this, done = std::move(done)](const rpc::CallResult& result, const Response& response) {
          if (result.status.ok()) {
            done(response);
          } else {
            call.finish(as_told(result.status));
          }
        });
  }

  // `done`: void(int64_t lease), the one given or, for 0, a new one.
  template <typename Done>
  void with_lease(int64_t lease, Done done) {
    if (lease != 0) return done(lease);
    etcdserverpb::LeaseGrantRequest grant;
    grant.set_ttl(kLeaseSeconds);
    ask<etcdserverpb::LeaseGrantResponse>(
        kLeaseGrant, grant,
        [done = std::move(done)](const etcdserverpb::LeaseGrantResponse& granted) {
          done(granted.id());
        });
  }

  rpc::ServerCall& call;
  Service& service;
  Request request;

 private:
  Status parsed_;
  std::unique_ptr<rpc::ClientCall> inner_;
};

}  // namespace gatehouse::api::concurrency
