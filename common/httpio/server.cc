#include "common/httpio/server.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/httpio/server_worker.h"

namespace gatehouse::httpio {

// One worker loop. `connections` lives on that loop's thread only, from its first task to its last.
struct HttpServer::Worker {
  loop::EventLoop& loop;
  TrafficCounters counters{};
  std::unique_ptr<ServerWorker> connections{};
};

// One address listened on.
struct HttpServer::Port final : net::Listener::Handler {
  Port(HttpServer& server_in, tls::ReloadingContext* tls_in) : server(server_in), tls(tls_in) {}

  HttpServer& server;
  tls::ReloadingContext* const tls;
  std::unique_ptr<net::Listener> listener;

  void on_stream(size_t worker, std::unique_ptr<env::ByteStream> stream) override {
    server.workers_[worker]->connections->adopt(std::move(stream),
                                                tls == nullptr ? nullptr : tls->current());
  }

  void on_accept_paused(const Status& why) override {
    if (server.observer_ != nullptr) server.observer_->on_accept_paused(why);
  }
};

HttpServer::HttpServer(loop::EventLoop& loop, const std::vector<loop::EventLoop*>& workers,
                       HandlerFactory factory, const HttpServerOptions& options,
                       ServerObserver* observer)
    : loop_(loop),
      options_(options),
      observer_(observer),
      drain_timer_(loop, [this] { force_close(); }),
      tls_timer_(loop, [this] { check_certificates(); }) {
  CHECK_MSG(!workers.empty(), "a server without workers");
  for (loop::EventLoop* worker_loop : workers) {
    auto worker = std::shared_ptr<Worker>(new Worker{*worker_loop});
    workers_.push_back(worker);
    worker_loop->post([this, worker, factory] {
      worker->connections = std::make_unique<ServerWorker>(
          worker->loop, factory(worker->loop), options_.connection, worker->counters, observer_);
    });
  }
}

HttpServer::~HttpServer() {
  CHECK_MSG(draining_ && workers_left_ == 0, "a server destroyed before it was drained");
}

Result<net::Address> HttpServer::listen(const net::Address& address, tls::ReloadingContext* tls) {
  CHECK_MSG(!draining_, "listen() after drain()");
  auto port = std::make_unique<Port>(*this, tls);
  std::vector<loop::EventLoop*> loops;
  for (const auto& worker : workers_) loops.push_back(&worker->loop);
  Result<std::unique_ptr<net::Listener>> listener =
      net::Listener::listen(loop_, address, std::move(loops), *port, options_.listener);
  if (!listener.ok()) return listener.status();
  port->listener = *std::move(listener);
  net::Address bound = port->listener->address();
  ports_.push_back(std::move(port));
  if (tls != nullptr && !tls_timer_.armed()) tls_timer_.arm(options_.tls_check_interval_ms);
  return bound;
}

void HttpServer::check_certificates() {
  std::vector<tls::ReloadingContext*> seen;
  for (const auto& port : ports_) {
    if (port->tls == nullptr || std::count(seen.begin(), seen.end(), port->tls) != 0) continue;
    seen.push_back(port->tls);
    const Result<bool> changed = port->tls->check_files();
    if (observer_ == nullptr || (changed.ok() && !*changed)) continue;
    observer_->on_tls_reloaded(changed.status());
  }
  tls_timer_.arm(options_.tls_check_interval_ms);
}

void HttpServer::drain(uint64_t deadline_ms, UniqueFunction<void()> done) {
  drained_.push_back(std::move(done));
  const uint64_t deadline = loop_.now_ms() + deadline_ms;
  if (!draining_ || deadline < drain_deadline_ms_) {
    drain_deadline_ms_ = deadline;
    drain_timer_.arm(deadline_ms);
  }
  if (std::exchange(draining_, true)) return;
  tls_timer_.cancel();
  // The ports stay: connections may be on their way to the workers.
  for (const auto& port : ports_) port->listener.reset();
  stop_workers();
}

void HttpServer::stop_workers() {
  workers_left_ = workers_.size();
  for (const std::shared_ptr<Worker>& worker : workers_) {
    worker->loop.post([this, worker] {
      worker->connections->drain([this, worker] {
        worker->connections.reset();
        loop_.post([this] {
          if (--workers_left_ > 0) return;
          drain_timer_.cancel();
          // The last of them may destroy this server.
          std::vector<UniqueFunction<void()>> drained = std::move(drained_);
          for (UniqueFunction<void()>& done : drained) done();
        });
      });
    });
  }
}

void HttpServer::force_close() {
  for (const std::shared_ptr<Worker>& worker : workers_) {
    // By now the server may be gone when the task runs.
    worker->loop.post([worker] {
      if (worker->connections != nullptr) {
        worker->connections->close_all(unavailable("the server is shutting down"));
      }
    });
  }
}

Traffic HttpServer::traffic() const {
  Traffic sum;
  for (const auto& worker : workers_) sum.add(worker->counters);
  return sum;
}

}  // namespace gatehouse::httpio
