#include "proxy/proxy.h"

#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/version.h"
#include "common/env/service.h"
#include "common/env/watchdog.h"
#include "common/httpio/connection_log.h"
#include "common/httpio/server.h"
#include "common/loop/event_loop.h"
#include "common/loop/loop_threads.h"
#include "common/loop/signals.h"
#include "proxy/discovery.h"
#include "proxy/settings.h"
#include "proxy/worker.h"

namespace gatehouse::proxy {

namespace {

// Requests of one surface on one loop.
class Router final : public http::RequestHandler {
 public:
  Router(Worker& worker, Worker::Surface surface) : worker_(worker), surface_(surface) {}
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    return worker_.start(stream, surface_);
  }

 private:
  Worker& worker_;
  const Worker::Surface surface_;
};

// One worker for each loop. Made and destroyed on the loops' own threads.
class Workers {
 public:
  Workers(loop::LoopThreads& threads, Shared& shared, const WorkerOptions& options)
      : threads_(threads), workers_(threads.size()) {
    on_each([&](size_t i) {
      WorkerOptions own = options;
      own.upstream.tell_health = i == 0;
      own.feeds_mirrors = i == 0;
      workers_[i] = std::make_unique<Worker>(threads_[i], shared, own);
    });
  }
  ~Workers() {
    on_each([&](size_t i) { workers_[i].reset(); });
  }

  // The worker of the loop that asks.
  Worker& on(const env::Executor& executor) {
    size_t i = 0;
    while (&threads_[i] != &executor) ++i;
    return *workers_[i];
  }

 private:
  template <typename F>
  void on_each(F task) {
    for (size_t i = 0; i < threads_.size(); ++i) {
      std::promise<void> done;
      threads_[i].post([&] {
        task(i);
        done.set_value();
      });
      done.get_future().wait();
    }
  }

  loop::LoopThreads& threads_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

size_t thread_count(const Options& options) {
  if (options.threads > 0) return options.threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

void add_traffic_metrics(metrics::Registry& registry, const httpio::HttpServer& server) {
  registry.computed_counter("gatehouse_proxy_client_received_bytes_total",
                            "Bytes received from clients, as on the wire.",
                            [&] { return double(server.traffic().bytes_received); });
  registry.computed_counter("gatehouse_proxy_client_sent_bytes_total",
                            "Bytes sent to clients, as on the wire.",
                            [&] { return double(server.traffic().bytes_sent); });
  registry.computed_counter("gatehouse_proxy_client_connections_total",
                            "Connections accepted from clients.",
                            [&] { return double(server.traffic().connections_opened); });
  registry.computed_gauge("gatehouse_proxy_client_connections",
                          "Connections from clients that are open.",
                          [&] { return double(server.traffic().open()); });
  registry.computed_counter("gatehouse_proxy_client_handshake_failures_total",
                            "Connections refused for their TLS, or the want of it.",
                            [&] { return double(server.traffic().handshakes_failed); });
}

void add_mirror_metrics(metrics::Registry& registry, const mirror::Mirrors& mirrors) {
  registry.computed_gauge("etcd_grpc_proxy_cache_keys_total", "Total number of keys/ranges cached",
                          [&] {
                            size_t keys = 0;
                            for (const auto& mirror : mirrors.all()) {
                              keys += mirror->store.view()->tree.size();
                            }
                            return double(keys);
                          });
  registry.computed_gauge("gatehouse_proxy_cache_bytes", "Memory of the mirrors, about.",
                          [&] { return double(mirrors.bytes()); });
  for (const auto& mirror : mirrors.all()) {
    const metrics::Labels labels{{"prefix", mirror->prefix()}};
    registry.computed_gauge(
        "gatehouse_proxy_cache_revision", "The revision that a mirror has.",
        [&mirror] { return double(mirror->store.revision()); }, labels);
    registry.computed_gauge(
        "gatehouse_proxy_cache_serving", "Whether a mirror answers reads (1) or members do (0).",
        [&mirror] { return mirror->serving() ? 1.0 : 0.0; }, labels);
  }
}

}  // namespace

Status run(const Options& options, const log::Logger& logger) {
  loop::EventLoop loop;

  Result<std::vector<std::string>> endpoints = find_endpoints(options, logger);
  if (!endpoints.ok()) return endpoints.status();
  Shared shared(logger, max_body_bytes(options), mirrors_options(options));
  GATEHOUSE_RETURN_IF_ERROR(load_member_tls(options, *endpoints, shared));
  Result<std::unique_ptr<tls::ReloadingContext>> client_tls = load_client_tls(options);
  if (!client_tls.ok()) return client_tls.status();

  shared.registry.add_process_metrics();
  shared.registry
      .gauge_family("gatehouse_proxy_build_info", "1 for the version that runs.", {"version"})
      .with({kVersion})
      .set(1);

  add_mirror_metrics(shared.registry, shared.mirrors);

  loop::LoopThreads threads("proxy", thread_count(options));
  Workers workers(threads, shared, worker_options(options, *endpoints));
  httpio::ConnectionLog connection_log(logger);
  const auto router = [&](Worker::Surface surface) {
    return [&workers, surface](env::Executor& executor) -> std::unique_ptr<http::RequestHandler> {
      return std::make_unique<Router>(workers.on(executor), surface);
    };
  };
  httpio::HttpServer server(loop, threads.loops(), router(Worker::Surface::kAll),
                            server_options(options), &connection_log);
  httpio::HttpServer admin_server(loop, threads.loops(), router(Worker::Surface::kAdmin),
                                  server_options(options), &connection_log);
  add_traffic_metrics(shared.registry, server);

  const auto log_untold = [&logger](const Status& told) {
    if (!told.ok()) {
      LOG_WARN(logger, "the supervisor was not told", {"error", told.message()});
    }
  };
  Status failed;
  size_t serving = 2;  // servers that have not drained
  bool draining = false;
  const auto drain = [&] {
    if (std::exchange(draining, true)) return;
    log_untold(env::notify_supervisor("STOPPING=1"));
    shared.shutting_down = true;
    shared.health.shut_down();
    const auto deadline_ms = static_cast<uint64_t>(options.drain_timeout.count());
    for (httpio::HttpServer* each : {&server, &admin_server}) {
      each->drain(deadline_ms, [&] {
        if (--serving == 0) loop.stop();
      });
    }
  };

  for (const net::Address& address : options.listen_addresses) {
    Result<net::Address> bound = server.listen(address, client_tls->get());
    if (!bound.ok()) {
      failed = bound.status();
      break;
    }
    LOG_INFO(logger, "listening for gRPC and REST requests from clients",
             {"address", bound->to_string()}, {"tls", *client_tls != nullptr});
  }
  if (failed.ok() && options.metrics_address) {
    Result<net::Address> bound = admin_server.listen(*options.metrics_address, client_tls->get());
    if (bound.ok()) {
      LOG_INFO(logger, "listening for metrics requests", {"address", bound->to_string()});
    } else {
      failed = bound.status();
    }
  }

  loop::SignalWatcher signals(loop, {SIGTERM, SIGINT}, [&](int signal) {
    LOG_INFO(logger, "received signal; shutting down",
             {"signal", signal == SIGTERM ? "terminated" : "interrupt"},
             {"in-flight-limit", options.drain_timeout});
    drain();
  });
  if (failed.ok()) {
    LOG_INFO(logger, "started gRPC proxy", {"address", options.listen_addr},
             {"endpoints", *endpoints}, {"threads", threads.size()});
    log_untold(env::notify_supervisor("READY=1"));
  } else {
    drain();
  }
  const std::vector<loop::EventLoop*> loops = threads.loops();
  const env::Watchdog watchdog(loop, {loops.begin(), loops.end()}, log_untold);
  loop.run();
  if (failed.ok()) LOG_INFO(logger, "stopped gRPC proxy");
  return failed;
}

}  // namespace gatehouse::proxy
