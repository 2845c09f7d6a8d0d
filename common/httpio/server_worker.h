// ServerWorker: the connections of one executor, what they share, and their end.
//
// HttpServer keeps one on each worker loop; tests and simulation use it alone, on a SimExecutor and
// streams of net::MemoryNetwork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/httpio/server_connection.h"
#include "common/httpio/server_observer.h"
#include "common/tls/context.h"

namespace gatehouse::httpio {

class ServerWorker {
 public:
  // All referred to must outlive it; the observer may be null.
  ServerWorker(env::Executor& executor, std::unique_ptr<http::RequestHandler> handler,
               const ServerConnectionOptions& options, TrafficCounters& counters,
               ServerObserver* observer);
  // Cuts what is left. Not inside a callback of one of its connections.
  ~ServerWorker();
  ServerWorker(const ServerWorker&) = delete;
  ServerWorker& operator=(const ServerWorker&) = delete;

  // Serves a connection. With `tls` the client must speak TLS, without it must not. After drain()
  // the connection is closed at once.
  void adopt(std::unique_ptr<env::ByteStream> stream,
             std::shared_ptr<const tls::Context> tls = nullptr);

  // Lets all connections finish. `done` comes once, from a later turn, when none is left; it may
  // destroy the worker.
  void drain(UniqueFunction<void()> done);

  // Ends all connections now.
  void close_all(const Status& why);

  size_t connections() const { return connections_.size(); }

 private:
  friend class ServerConnection;

  // The connection goes at the end of the turn.
  void remove(ServerConnection& connection);
  void tell_if_empty();

  env::Executor& executor_;
  const std::unique_ptr<http::RequestHandler> handler_;
  const ServerConnectionOptions options_;
  TrafficCounters& counters_;
  ServerObserver* const observer_;
  // What a turn's write is gathered in: connections write one after the other.
  std::string output_;
  std::vector<std::unique_ptr<ServerConnection>> connections_;
  bool draining_ = false;
  UniqueFunction<void()> drained_;
  env::Timer drained_timer_;
};

}  // namespace gatehouse::httpio
