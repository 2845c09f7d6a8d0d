// As much of an etcd as Lock and Election use, on one server in memory: keys with revisions, the
// transactions that compare a create revision, watches of a range, leases that can be revoked.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/env/executor.h"
#include "common/rpc/server.h"
#include "common/rpc/typed.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api::testing {

namespace pb = etcdserverpb;

class FakeEtcd {
 public:
  explicit FakeEtcd(rpc::Server& server) {
    rpc::add_unary<pb::RangeRequest, pb::RangeResponse>(
        server, "etcdserverpb.KV", "Range",
        [this](rpc::ServerCall& call, const pb::RangeRequest& request, pb::RangeResponse& response) {
          note(call);
          range(request, response);
          return refusal;
        });
    rpc::add_unary<pb::DeleteRangeRequest, pb::DeleteRangeResponse>(
        server, "etcdserverpb.KV", "DeleteRange",
        [this](rpc::ServerCall& call, const pb::DeleteRangeRequest& request,
               pb::DeleteRangeResponse& response) {
          note(call);
          remove({request.key()});
          response.mutable_header()->set_revision(revision);
          return Status();
        });
    rpc::add_unary<pb::LeaseGrantRequest, pb::LeaseGrantResponse>(
        server, "etcdserverpb.Lease", "LeaseGrant",
        [this](rpc::ServerCall&, const pb::LeaseGrantRequest& request, pb::LeaseGrantResponse& response) {
          granted_ttl = request.ttl();
          response.set_id(0xabc);
          return Status();
        });
    server.add({"etcdserverpb.KV", "Txn", rpc::MethodKind::kUnary}, [this](rpc::ServerCall& call) {
      return std::make_unique<Txn>(call, *this);
    });
    server.add({"etcdserverpb.Watch", "Watch", rpc::MethodKind::kBidiStream},
               [this](rpc::ServerCall& call) { return std::make_unique<Watcher>(call, *this); });
  }

  void put(const std::string& key, const std::string& value, int64_t lease) {
    mvccpb::KeyValue& kv = keys[key];
    ++revision;
    if (kv.key().empty()) {
      kv.set_key(key);
      kv.set_create_revision(revision);
    }
    kv.set_value(value);
    kv.set_lease(lease);
    kv.set_mod_revision(revision);
    kv.set_version(kv.version() + 1);
    mvccpb::Event event;
    *event.mutable_kv() = kv;
    tell(event);
  }

  void remove(const std::vector<std::string>& gone) {
    bool first = true;
    for (const std::string& key : gone) {
      if (keys.erase(key) == 0) continue;
      if (std::exchange(first, false)) ++revision;
      mvccpb::Event event;
      event.set_type(mvccpb::Event::DELETE);
      event.mutable_kv()->set_key(key);
      event.mutable_kv()->set_mod_revision(revision);
      tell(event);
    }
  }

  void revoke(int64_t lease) {
    std::vector<std::string> gone;
    for (const auto& [key, kv] : keys) {
      if (kv.lease() == lease) gone.push_back(key);
    }
    remove(gone);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [key, kv] : keys) all.push_back(key);
    return all;
  }

  int64_t revision = 1;
  std::map<std::string, mvccpb::KeyValue> keys;
  int64_t granted_ttl = 0;
  uint64_t txn_delay_ms = 0;  // from its arrival to its being applied, come what may
  Status refusal;             // of ranges
  std::string metadata;       // "token@peer" of each call that differs from the one before
  size_t watching = 0;

 private:
  // Applied after a while even if the caller has gone: as a proposal is.
  class Txn final : public rpc::ServerHandler {
   public:
    Txn(rpc::ServerCall& call, FakeEtcd& etcd) : call_(call), etcd_(etcd) {}
    void on_message(std::string_view message) override {
      CHECK(rpc::parse_message(message, request_).ok());
    }
    void on_half_close() override {
      etcd_.note(call_);
      timer_ = std::make_unique<env::Timer>(call_.executor(), [this] { apply(); });
      timer_->arm(etcd_.txn_delay_ms);
    }
    void on_cancel(const Status&) override {
      if (timer_ != nullptr && timer_->armed()) apply();
    }

   private:
    void apply() {
      timer_->cancel();
      pb::TxnResponse response;
      etcd_.transact(request_, response);
      rpc::send_message(call_, response);
      call_.finish(Status());
    }
    rpc::ServerCall& call_;
    FakeEtcd& etcd_;
    pb::TxnRequest request_;
    std::unique_ptr<env::Timer> timer_;
  };

  class Watcher final : public rpc::ServerHandler {
   public:
    Watcher(rpc::ServerCall& call, FakeEtcd& etcd) : call_(call), etcd_(etcd) {
      ++etcd_.watching;
      etcd_.watchers_.push_back(this);
    }
    ~Watcher() override {
      --etcd_.watching;
      std::erase(etcd_.watchers_, this);
    }
    void on_message(std::string_view message) override {
      etcd_.note(call_);
      CHECK(rpc::parse_message(message, request_).ok());
      pb::WatchResponse created;
      created.set_created(true);
      created.mutable_header()->set_revision(etcd_.revision);
      rpc::send_message(call_, created);
      for (const mvccpb::Event& event : etcd_.history_) see(event);
    }
    void on_half_close() override {}
    void on_cancel(const Status&) override {}
    void see(const mvccpb::Event& event) {
      const pb::WatchCreateRequest& range = request_.create_request();
      const std::string& key = event.kv().key();
      const bool inside = range.range_end().empty() ? key == range.key()
                                                    : key >= range.key() && key < range.range_end();
      if (!inside || event.kv().mod_revision() < range.start_revision()) return;
      pb::WatchResponse response;
      response.mutable_header()->set_revision(event.kv().mod_revision());
      *response.add_events() = event;
      rpc::send_message(call_, response);
    }

   private:
    rpc::ServerCall& call_;
    FakeEtcd& etcd_;
    pb::WatchRequest request_;
  };

  void note(const rpc::ServerCall& call) {
    const std::string who =
        std::string(rpc::find(call.metadata(), "token").value_or("-")) + "@" + call.peer().address;
    if (!metadata.ends_with(who)) metadata += (metadata.empty() ? "" : " ") + who;
  }

  void tell(const mvccpb::Event& event) {
    history_.push_back(event);
    for (Watcher* watcher : watchers_) watcher->see(event);
  }

  void range(const pb::RangeRequest& request, pb::RangeResponse& response) const {
    response.mutable_header()->set_revision(revision);
    std::vector<const mvccpb::KeyValue*> found;
    for (const auto& [key, kv] : keys) {
      const bool inside = request.range_end().empty()
                              ? key == request.key()
                              : key >= request.key() && key < request.range_end();
      const int64_t most = request.max_create_revision();
      if (inside && (most == 0 || kv.create_revision() <= most)) found.push_back(&kv);
    }
    const bool down = request.sort_order() == pb::RangeRequest::DESCEND;
    std::sort(found.begin(), found.end(), [&](const auto* a, const auto* b) {
      return down ? a->create_revision() > b->create_revision()
                  : a->create_revision() < b->create_revision();
    });
    for (const mvccpb::KeyValue* kv : found) {
      if (request.limit() == 0 || response.kvs_size() < request.limit()) *response.add_kvs() = *kv;
    }
  }

  void transact(const pb::TxnRequest& request, pb::TxnResponse& response) {
    const auto found = keys.find(request.compare(0).key());
    const int64_t created = found == keys.end() ? 0 : found->second.create_revision();
    response.set_succeeded(created == request.compare(0).create_revision());
    for (const pb::RequestOp& op : response.succeeded() ? request.success() : request.failure()) {
      pb::ResponseOp& answer = *response.add_responses();
      if (op.has_request_put()) {
        put(op.request_put().key(), op.request_put().value(), op.request_put().lease());
        answer.mutable_response_put();
      } else if (op.has_request_delete_range()) {
        remove({op.request_delete_range().key()});
        answer.mutable_response_delete_range();
      } else {
        range(op.request_range(), *answer.mutable_response_range());
      }
    }
    response.mutable_header()->set_revision(revision);
  }

  std::vector<Watcher*> watchers_;
  std::vector<mvccpb::Event> history_;
};

}  // namespace gatehouse::api::testing
