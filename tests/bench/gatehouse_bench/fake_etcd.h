// A server that answers as etcd does, as far as the load looks at answers: on memory streams, in
// virtual time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/http/http2.h"
#include "common/net/memory_network.h"

namespace gatehouse::bench {

class FakeEtcd final : private http::RequestHandler {
 public:
  FakeEtcd(env::Executor& executor, net::MemoryNetwork& network, const std::string& address);
  ~FakeEtcd();

  // What unary calls are answered with from now on.
  int http_status = 200;
  int grpc_status = 0;
  std::string grpc_message;
  size_t answer_bytes = 300;  // of the message, without its frame
  bool leases_expire = false;

  size_t unary_calls = 0;
  size_t keepalives = 0;
  std::map<std::string, int> puts;  // how often each key was put, alone or in a transaction

  size_t watchers() const;
  void cancel_watches(const std::string& reason);

 private:
  class Connection;
  class Call;

  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override;
  void put(std::string_view put_request);

  env::Executor& executor_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::set<Call*> calls_;
};

}  // namespace gatehouse::bench
