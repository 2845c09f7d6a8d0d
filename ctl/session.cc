#include "ctl/session.h"

#include <chrono>

#include "ctl/go_text.h"
#include "ctl/kv.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

constexpr std::chrono::milliseconds kRetryPause{200};

}  // namespace

Result<std::unique_ptr<Session>> Session::open(Client& client, int64_t ttl_s) {
  pb::LeaseGrantRequest request;
  request.set_ttl(ttl_s);
  pb::LeaseGrantResponse response;
  GATEHOUSE_RETURN_IF_ERROR(client.call(rpc::kLeaseGrant, request, &response));
  return std::unique_ptr<Session>(new Session(client, response.id(), response.ttl()));
}

Session::Session(Client& client, int64_t lease, int64_t ttl_s)
    : client_(client), lease_(lease), ttl_s_(ttl_s), keeper_([this] { keep(); }) {}

Session::~Session() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (keeping_) keeping_->cancel();
  }
  end_.notify_all();
  keeper_.join();
  pb::LeaseRevokeRequest request;
  request.set_id(lease_);
  pb::LeaseRevokeResponse response;
  // If this fails the lease ends by itself.
  if (!lost_) (void)client_.call(rpc::kLeaseRevoke, request, &response).ok();
}

// Renews every third of the time that the lease has; a stream that broke is tried again until that
// time has passed since the last answer.
void Session::keep() {
  const std::chrono::milliseconds pause(ttl_s_ * 1000 / 3);
  pb::LeaseKeepAliveRequest request;
  request.set_id(lease_);
  auto good_until = std::chrono::steady_clock::now() + std::chrono::seconds(ttl_s_);
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (!keeping_) keeping_ = client_.open(rpc::kLeaseKeepAlive, true);
    Stream* stream = keeping_.get();
    lock.unlock();
    pb::LeaseKeepAliveResponse response;
    const bool answered = stream->write(request) && stream->read(&response);
    lock.lock();
    if (ended_) break;
    if (answered && response.ttl() > 0) {
      good_until = std::chrono::steady_clock::now() + std::chrono::seconds(ttl_s_);
      end_.wait_for(lock, pause, [this] { return ended_; });
      continue;
    }
    if (answered || std::chrono::steady_clock::now() > good_until) {
      lost_ = true;
      lock.unlock();
      if (on_lost) on_lost();
      return;
    }
    keeping_.reset();
    end_.wait_for(lock, kRetryPause, [this] { return ended_; });
  }
}

Status Session::stand_in_line(const std::string& name, const std::string& value) {
  prefix_ = name + "/";
  key_ = prefix_ + hex(static_cast<uint64_t>(lease_));
  pb::TxnRequest txn;
  pb::Compare& compare = *txn.add_compare();
  compare.set_key(key_);
  compare.set_target(pb::Compare::CREATE);
  compare.set_create_revision(0);
  pb::PutRequest& put = *txn.add_success()->mutable_request_put();
  put.set_key(key_);
  put.set_value(value);
  put.set_lease(lease_);
  txn.add_failure()->mutable_request_range()->set_key(key_);
  pb::TxnResponse response;
  GATEHOUSE_RETURN_IF_ERROR(client_.call(rpc::kTxn, txn, &response));
  revision_ = response.header().revision();
  if (!response.succeeded()) {
    const pb::RangeResponse& found = response.responses(0).response_range();
    if (found.kvs_size() > 0) revision_ = found.kvs(0).create_revision();
  }
  return {};
}

Status Session::wait_for_turn() {
  while (true) {
    pb::RangeRequest request;
    request.set_key(prefix_);
    request.set_range_end(prefix_end(prefix_));
    request.set_limit(1);
    request.set_sort_order(pb::RangeRequest::DESCEND);
    request.set_sort_target(pb::RangeRequest::CREATE);
    request.set_max_create_revision(revision_ - 1);
    pb::RangeResponse before;
    GATEHOUSE_RETURN_IF_ERROR(client_.call(rpc::kRange, request, &before));
    if (before.kvs_size() == 0) return {};
    GATEHOUSE_RETURN_IF_ERROR(
        wait_for_deletion(before.kvs(0).key(), before.header().revision() + 1));
  }
}

Status Session::wait_for_deletion(const std::string& key, int64_t revision) {
  std::shared_ptr<Stream> stream = client_.open(rpc::kWatch, true);
  {
    const std::lock_guard lock(mutex_);
    watch_ = stream;
  }
  if (gave_up_) return Status(StatusCode::kCanceled, "context canceled");
  pb::WatchRequest request;
  pb::WatchCreateRequest& create = *request.mutable_create_request();
  create.set_key(key);
  create.set_start_revision(revision);
  create.add_filters(pb::WatchCreateRequest::NOPUT);
  stream->write(request);
  pb::WatchResponse response;
  while (stream->read(&response)) {
    // A history that is compacted has the deletion in it: look again.
    if (response.events_size() > 0 || response.canceled()) return {};
  }
  if (gave_up_) return Status(StatusCode::kCanceled, "context canceled");
  const Status status = stream->finish();
  return status.code() == StatusCode::kUnavailable ? Status() : status;
}

void Session::give_up() {
  gave_up_ = true;
  const std::lock_guard lock(mutex_);
  if (watch_) watch_->cancel();
}

Status Session::leave() {
  pb::DeleteRangeRequest request;
  request.set_key(key_);
  pb::DeleteRangeResponse response;
  return client_.call(rpc::kDeleteRange, request, &response);
}

}  // namespace gatehouse::ctl
