// HttpServer: HTTP/1.1 and HTTP/2, clear or TLS, on any number of addresses, over worker loops.
//
//   HttpServer server(loop, threads.loops(), [&](env::Executor& e) { return make_router(e); }, {});
//   auto address = server.listen(*parse_address("https://:2379"), &certificates);
//   …
//   server.drain(5'000, [&] { loop.stop(); });
//
// Thread: that of `loop`, unless a function says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/http/exchange.h"
#include "common/httpio/server_connection.h"
#include "common/httpio/server_observer.h"
#include "common/loop/event_loop.h"
#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/tls/reloading_context.h"

namespace gatehouse::httpio {

struct HttpServerOptions {
  ServerConnectionOptions connection;
  net::ListenerOptions listener;
  // How often certificate files are looked at.
  uint64_t tls_check_interval_ms = 5'000;
};

class HttpServer {
 public:
  // Called once for each worker, on its thread, before its first connection; destroyed there after
  // its last.
  using HandlerFactory = std::function<std::unique_ptr<http::RequestHandler>(env::Executor&)>;

  // `workers` may contain `loop`, which must be running or run later. The observer may be null; it
  // and the loops must outlive the server.
  HttpServer(loop::EventLoop& loop, const std::vector<loop::EventLoop*>& workers,
             HandlerFactory factory, const HttpServerOptions& options,
             ServerObserver* observer = nullptr);
  // After drain() has said it is done.
  ~HttpServer();

  // Listens on one more address and returns it with the port the kernel chose where it was 0. With
  // `tls` (which must outlive the server) clients must speak TLS, without they must not: plain HTTP
  // on a TLS port is answered 400 in clear text, as Go does. Each connection gets tls->current().
  Result<net::Address> listen(const net::Address& address, tls::ReloadingContext* tls = nullptr);

  // Stops accepting, lets requests under way finish (GOAWAY, Connection: close), closes what is
  // left after deadline_ms. `done` comes once, from a later turn: no connection and no handler is
  // left, the server may be destroyed, also from inside it. All its loops must be running until
  // then. Calling it again may shorten the
  // deadline.
  void drain(uint64_t deadline_ms, UniqueFunction<void()> done);

  // Any thread.
  Traffic traffic() const;

 private:
  struct Worker;
  struct Port;

  void stop_workers();
  void force_close();
  void check_certificates();

  loop::EventLoop& loop_;
  const HttpServerOptions options_;
  ServerObserver* const observer_;
  std::vector<std::shared_ptr<Worker>> workers_;  // shared with tasks on their way
  std::vector<std::unique_ptr<Port>> ports_;
  size_t workers_left_ = 0;  // that have connections, while draining
  bool draining_ = false;
  uint64_t drain_deadline_ms_ = 0;
  std::vector<UniqueFunction<void()>> drained_;
  env::Timer drain_timer_;
  env::Timer tls_timer_;
};

}  // namespace gatehouse::httpio
