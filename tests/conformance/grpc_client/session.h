// What every part of the gRPC session shares: the channel, calls with a deadline, and the record of
// what came back, one line of JSON a step on standard output (grpc_session.py reads it).
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rpc.grpc.pb.h"

namespace gatehouse::conformance {

namespace pb = etcdserverpb;

// No step may hang: past this it is recorded as DEADLINE_EXCEEDED.
constexpr std::chrono::seconds kCallTimeout{20};
// Above the largest answer of the session, 3 MiB of previous values.
constexpr int kMaxReceiveBytes = 64 << 20;

using Setup = std::function<void(grpc::ClientContext&)>;

class Session {
 public:
  // Calls go to `endpoint`, over TLS with `tls`, the names of three PEM files, unless it is empty:
  // authority, certificate, key. `members` are those of the cluster, if there are several: before
  // each recorded call the session waits until all have applied the same, so that an answer does
  // not depend on which one gives it.
  Session(const std::string& endpoint, const std::vector<std::string>& members,
          const std::vector<std::string>& tls);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Metadata that every later call carries; an empty value removes it.
  void set_metadata(const std::string& key, const std::string& value);

  // A context with the deadline and the metadata of this session.
  std::unique_ptr<grpc::ClientContext> context() const;

  // What a server may tell of several revisions in one response is recorded as one for each, as if
  // it had been told at once. For servers that may be a moment behind.
  void tell_revisions_apart() { revisions_apart_ = true; }
  bool revisions_apart() const { return revisions_apart_; }

  void settle();
  bool has_several_members() const { return !members_.empty(); }

  // One unary call, recorded. `setup` may change the context, `response` of a failed call is left
  // out of the record.
  template <class Stub, class Request, class Response>
  Response call(std::string_view step, Stub& stub,
                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request, const Setup& setup = {}) {
    Response response;
    settle();
    auto context_ptr = context();
    if (setup) setup(*context_ptr);
    const grpc::Status status = (stub.*method)(context_ptr.get(), request, &response);
    record(step, status, status.ok() ? &response : nullptr, context_ptr.get());
    return response;
  }

  // `context` adds the metadata that the server sent.
  void record(std::string_view step, const grpc::Status& status,
              const google::protobuf::Message* response = nullptr,
              const grpc::ClientContext* context = nullptr);
  void record(std::string_view step, const std::vector<std::string>& jsons);
  void record(std::string_view step, std::string_view text);
  void record(std::string_view step, int64_t number) { record(step, std::to_string(number)); }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<std::unique_ptr<pb::Maintenance::Stub>> members_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  bool revisions_apart_ = false;
};

std::string to_json(const google::protobuf::Message& message);

// Polls until `condition` holds; false after kCallTimeout.
bool eventually(const std::function<bool()>& condition);

// The parts, in the order in which they run. Each leaves what the next ones read, so the order is
// fixed; main.cc names them.
void run_kv(Session& session);
void run_transactions(Session& session);
void run_range_rules(Session& session);
void run_bad_enums(Session& session);  // etcd 3.4 panics on these
void run_txn_rules(Session& session);
void run_compaction_rules(Session& session);
void run_watch(Session& session);
void run_watch_rules(Session& session);
void run_lease(Session& session);
void run_lease_rules(Session& session);
void run_lease_order(Session& session);
void run_lock_and_election(Session& session);
void run_membership(Session& session);
void run_maintenance(Session& session);
void run_transport(Session& session);
void run_auth(Session& session);
// These two run alone, each on a fresh cluster: `run_quota` on one with a quota of 16 MiB,
// `run_random` so that every byte of the store comes from the seed.
void run_quota(Session& session);
void run_random(Session& session, uint64_t seed, int operations);

}  // namespace gatehouse::conformance
