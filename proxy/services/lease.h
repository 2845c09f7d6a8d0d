// Lease.LeaseKeepAlive, many clients' streams on one upstream stream a loop.
//
// A keep-alive goes to the members when a client sends one, never otherwise: the lease of a client
// that fell silent ends on time. Those for a lease that is being renewed this moment share that
// answer. A client's requests are answered one after the other, in order.
//
// When the upstream stream breaks, what is unanswered is sent again over a new one, twice; then, or
// for another error than Unavailable, the clients that wait get the error as the end of their stream.
// Streams with a token or "hasleader" are passed on by themselves.
//
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "proxy/mirror/metrics.h"
#include "proxy/services/passthrough.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::services {

class KeepAliveCall;

class KeepAlives final : private rpc::ClientHandler {
 public:
  static constexpr int kMaxAttempts = 3;

  // Both outlive it.
  KeepAlives(upstream::Upstream& upstream, UpstreamLimits limits, const mirror::Metrics& metrics);
  ~KeepAlives();  // after all its calls

  void add_to(rpc::Server& server);

 private:
  friend class KeepAliveCall;

  void ask(int64_t lease, KeepAliveCall& call);
  void send(int64_t lease);
  void open();
  void forget(KeepAliveCall& call);

  // rpc::ClientHandler
  void on_message(std::string_view response) override;
  void on_finish(const rpc::CallResult& result) override;

  upstream::Upstream& upstream_;
  const UpstreamLimits limits_;
  const mirror::Metrics& metrics_;
  std::unique_ptr<rpc::ClientCall> stream_;
  int attempts_ = 0;  // streams in a row that broke before an answer
  std::unordered_map<int64_t, std::list<KeepAliveCall*>> waiting_;  // by lease; none is empty
};

}  // namespace gatehouse::services
