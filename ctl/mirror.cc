// make-mirror: all keys as of one revision, then every change after it, in order.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/kv.h"
#include "ctl/methods.h"
#include "ctl/watcher.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

constexpr int64_t kPageKeys = 1000;
constexpr std::chrono::seconds kTellEvery{30};

Exit destination_tls(const Invocation& in, Credentials& tls) {
  const std::string& certificate = in.flags.text("dest-cert");
  const std::string& key = in.flags.text("dest-key");
  const std::string& ca = in.flags.text("dest-cacert");
  if (certificate.empty() != key.empty()) {
    return bad_arguments("KeyFile and CertFile must both be present[key: " + key +
                         ", cert: " + certificate + "]");
  }
  if (!certificate.empty()) {
    CTL_RETURN_IF_FAILED(read_file(certificate, tls.certificate));
    CTL_RETURN_IF_FAILED(read_file(key, tls.key));
    CTL_RETURN_IF_FAILED(check_key_pair(tls.certificate, tls.key));
  }
  if (!ca.empty()) CTL_RETURN_IF_FAILED(read_file(ca, tls.ca));
  tls.use = !certificate.empty() || !ca.empty() || !in.flags.boolean("dest-insecure-transport");
  return {};
}

Exit connect_destination(const Invocation& in, const ClientOptions& source,
                         std::unique_ptr<Client>& client) {
  ClientOptions options = source;
  options.endpoints = {in.words[0]};
  options.tls = {};
  options.token.clear();
  CTL_RETURN_IF_FAILED(destination_tls(in, options.tls));
  const std::string& user = in.flags.text("dest-user");
  const size_t colon = user.find(':');
  options.user = user.substr(0, colon);
  options.password = in.flags.text("dest-password");
  if (!user.empty() && options.password.empty()) {
    options.password = colon == std::string::npos ? ask_password("Destination Password: ")
                                                  : user.substr(colon + 1);
  }
  Result<std::unique_ptr<Client>> connected = Client::connect(std::move(options));
  if (!connected.ok()) return failed(connected.status(), kExitBadConnection);
  client = std::move(*connected);
  return {};
}

// Tells the number of keys every 30 s, for as long as it lives.
class Teller {
 public:
  explicit Teller(const std::atomic<uint64_t>& keys)
      : thread_([this, &keys] {
          std::unique_lock lock(mutex_);
          while (!end_.wait_for(lock, kTellEvery, [this] { return ended_; })) {
            std::printf("%llu\n", static_cast<unsigned long long>(keys.load()));
            std::fflush(stdout);
          }
        }) {}
  ~Teller() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    end_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread thread_;
};

class Mirror {
 public:
  Mirror(Invocation& in, Client& source, Client& destination)
      : source_(source),
        destination_(destination),
        prefix_(in.flags.text("prefix")),
        new_prefix_(in.flags.text("dest-prefix")),
        renames_(in.flags.boolean("no-dest-prefix") || !new_prefix_.empty()),
        max_ops_(in.flags.unsigned_integer("max-txn-ops")) {}

  // The keys as of now; the revision that was, for what comes after.
  Exit copy_all(int64_t& revision) {
    std::string key = prefix_;
    std::string end;
    prefix_range(key, end);
    pb::RangeRequest request;
    request.set_key(key);
    request.set_range_end(end);
    request.set_limit(kPageKeys);
    while (true) {
      pb::RangeResponse page;
      CTL_RETURN_IF_ERROR(source_.call(rpc::kRange, request, &page));
      if (request.revision() == 0) request.set_revision(page.header().revision());
      for (const mvccpb::KeyValue& pair : page.kvs()) {
        pb::PutRequest put;
        put.set_key(renamed(pair.key()));
        put.set_value(pair.value());
        pb::PutResponse response;
        CTL_RETURN_IF_ERROR(destination_.call(rpc::kPut, put, &response));
        ++keys_;
      }
      if (!page.more() || page.kvs().empty()) break;
      request.set_key(page.kvs().rbegin()->key() + std::string(1, '\0'));
    }
    revision = request.revision();
    return {};
  }

  // Changes of one revision of the source are one transaction, unless they are too many.
  Exit follow(int64_t from_revision) {
    std::string key = prefix_;
    std::string end;
    prefix_range(key, end);
    pb::WatchCreateRequest create;
    create.set_key(key);
    create.set_range_end(end);
    create.set_start_revision(from_revision);
    Watcher watcher(source_);
    watcher.add(create, 0);
    Exit exit;
    const Status status = watcher.run([&](size_t, const pb::WatchResponse& response) {
      exit = apply(response);
      return exit.ok();
    });
    CTL_RETURN_IF_FAILED(exit);
    CTL_RETURN_IF_ERROR(status);
    return {};
  }

  const std::atomic<uint64_t>& keys() const { return keys_; }

 private:
  std::string renamed(const std::string& key) const {
    return renames_ ? new_prefix_ + key.substr(std::min(prefix_.size(), key.size())) : key;
  }

  Exit apply(const pb::WatchResponse& response) {
    if (response.canceled()) {
      return {kExitInterrupted, response.compact_revision() != 0
                                    ? "etcdserver: mvcc: required revision has been compacted"
                                    : response.cancel_reason()};
    }
    pb::TxnRequest txn;
    int64_t revision = 0;
    for (const mvccpb::Event& event : response.events()) {
      const bool full = static_cast<uint64_t>(txn.success_size()) >= max_ops_;
      if (full || event.kv().mod_revision() != revision) CTL_RETURN_IF_FAILED(send(txn));
      revision = event.kv().mod_revision();
      add(event, txn);
    }
    return send(txn);
  }

  void add(const mvccpb::Event& event, pb::TxnRequest& txn) const {
    pb::RequestOp& op = *txn.add_success();
    if (event.type() == mvccpb::Event::PUT) {
      op.mutable_request_put()->set_key(renamed(event.kv().key()));
      op.mutable_request_put()->set_value(event.kv().value());
    } else {
      op.mutable_request_delete_range()->set_key(renamed(event.kv().key()));
    }
  }

  Exit send(pb::TxnRequest& txn) {
    if (txn.success_size() == 0) return {};
    pb::TxnResponse response;
    CTL_RETURN_IF_ERROR(destination_.call(rpc::kTxn, txn, &response));
    keys_ += static_cast<uint64_t>(txn.success_size());
    txn.Clear();
    return {};
  }

  Client& source_;
  Client& destination_;
  const std::string prefix_;
  const std::string new_prefix_;
  const bool renames_;
  const uint64_t max_ops_;
  std::atomic<uint64_t> keys_{0};
};

}  // namespace

Exit run_make_mirror(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("make-mirror takes one destination argument");
  if (!in.flags.text("dest-prefix").empty() && in.flags.boolean("no-dest-prefix")) {
    return bad_arguments(
        "`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  std::unique_ptr<Client> destination;
  CTL_RETURN_IF_FAILED(connect_destination(in, in.client().options(), destination));
  Mirror mirror(in, in.client(), *destination);
  const Teller teller(mirror.keys());
  int64_t next = in.flags.integer("rev");
  if (next == 0) {
    CTL_RETURN_IF_FAILED(mirror.copy_all(next));
    ++next;
  }
  return mirror.follow(next);
}

}  // namespace gatehouse::ctl
