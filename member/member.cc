#include "member/member.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/env/disk_file_system.h"
#include "common/env/entropy.h"
#include "common/env/service.h"
#include "common/env/watchdog.h"
#include "common/httpio/connection_log.h"
#include "common/loop/loop_threads.h"
#include "common/loop/signals.h"
#include "member/api/errors.h"
#include "member/cluster_metrics.h"
#include "member/corruption_check.h"
#include "member/join.h"
#include "member/membership/ids.h"
#include "member/membership/initial_cluster.h"
#include "member/membership/release.h"
#include "member/metrics.h"
#include "member/mvcc/metrics.h"
#include "member/operations.h"
#include "member/peers.h"
#include "member/replica/convert.h"
#include "member/replica/force_new_cluster.h"
#include "member/schema/meta.h"
#include "member/settings.h"
#include "member/srv_bootstrap.h"
#include "member/version.h"
#include "member/worker.h"

namespace gatehouse::member {

namespace {

// How long calls under way may take once the member is to end; watches are ended at once.
constexpr uint64_t kDrainMs = 2'000;

// A sync of the log that takes longer is told of.
constexpr std::chrono::seconds kSlowSync{1};

uint64_t steady_ms() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

// Event loops, one of which is the replica's: a request that comes in there reaches the log without a
// thread being woken, which on small machines is most of what it costs.
size_t loop_count() {
  return std::max(1u, std::thread::hardware_concurrency());
}

// Runs on the loop's thread, and waits for it.
template <typename F>
void run_on(loop::EventLoop& loop, F task) {
  std::promise<void> done;
  loop.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

// Requests of one surface on one loop.
class SurfaceHandler final : public http::RequestHandler {
 public:
  SurfaceHandler(Worker& worker, admin::Surface surface) : worker_(worker), surface_(surface) {}
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    return worker_.start(stream, surface_);
  }

 private:
  Worker& worker_;
  const admin::Surface surface_;
};

class Member {
 public:
  Member(const Options& options, const log::Logger& logger)
      : options_(options),
        logger_(logger),
        connection_log_(logger) {}
  ~Member() { tear_down(); }

  Status start();
  Ended serve();

 private:
  loop::EventLoop& replica_loop() { return (*loops_)[0]; }
  Status choose_initial_members(replica::StorageOptions& storage);
  void observe(replica::StorageOptions& storage);
  Status open_state();
  Status start_replica();
  void check_for_corruption();
  void start_workers();
  Status listen();
  void add_listeners(httpio::HttpServer& server, const std::vector<Url>& urls,
                     tls::ReloadingContext* tls, Status& status);
  replica::Replica::Hooks replica_hooks();
  replica::Replica::State state() {
    return {*storage_.backend, *store_, *lessor_, alarms_, *cluster_, *feed_, quota_bytes(options_)};
  }
  void tell_supervisor(const char* state) { log_untold(env::notify_supervisor(state)); }
  void log_untold(const Status& told);
  void on_ready();
  // From any thread: the member cannot go on.
  void fail(const Status& why);
  void drain();
  void drain_servers();
  void tear_down();

  const Options& options_;
  const log::Logger logger_;
  env::DiskFileSystem files_;
  env::SystemEntropy entropy_;
  loop::EventLoop loop_;  // signals and listeners
  metrics::Registry registry_;
  Metrics metrics_{registry_};
  const ClusterMetrics cluster_metrics_{registry_};
  const replica::Metrics replica_metrics_{registry_};
  const lease::Metrics lease_metrics_{registry_};
  const mvcc::Metrics mvcc_metrics_{registry_};
  const mvcc::WatchMetrics watch_metrics_{registry_};
  const admin::Metrics admin_metrics_{registry_};
  const gateway::Metrics gateway_metrics_{registry_, "gatehouse_rest"};

  std::unique_ptr<membership::Cluster> cluster_;
  alarm::AlarmStore alarms_;
  std::unique_ptr<lease::Lessor> lessor_;
  replica::Storage storage_;
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<mvcc::WatchFeed> feed_;
  std::vector<membership::Member> initial_members_;
  std::unique_ptr<tls::ReloadingContext> client_tls_;
  std::unique_ptr<tls::ReloadingContext> peer_tls_;
  std::unique_ptr<tls::ReloadingContext> dialing_tls_;

  std::unique_ptr<loop::LoopThreads> loops_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<replica::Replica> replica_;
  std::atomic<replica::Replica*> replica_seen_{nullptr};  // for threads that outlive a start
  std::unique_ptr<wal::LogWriter> log_writer_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<replica::Aside> aside_ = std::make_unique<replica::Aside>();
  std::unique_ptr<CorruptionCheck> corruption_check_;

  std::optional<transcode::Transcoder> transcoder_;
  std::optional<web::Cors> cors_;
  rpc::HealthService health_;
  std::optional<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  httpio::ConnectionLog connection_log_;
  std::vector<std::unique_ptr<httpio::HttpServer>> servers_;

  Ended ended_;
  bool draining_ = false;
  size_t servers_left_ = 0;
};

// Asks others where need be; nothing is written before that has gone well.
Status Member::choose_initial_members(replica::StorageOptions& storage) {
  const std::string log = storage.wal_directory.empty()
                              ? env::join_path(storage.data_directory, "member/wal")
                              : storage.wal_directory;
  const Result<bool> restart = wal::exists(files_, log);
  if (!restart.ok()) return restart.status();
  Result<membership::InitialCluster> initial =
      membership::parse_initial_cluster(options_.initial_cluster);
  if (*restart) {
    // The log knows who it is; flags count as long as there is nothing in it. DNS is not asked
    // again: one whose start ended that early learns from the others, as a new member does.
    if (options_.new_cluster && options_.discovery_srv.empty() && initial.ok() &&
        initial->contains(options_.name)) {
      storage.initial_members =
          membership::initial_members(*initial, options_.initial_cluster_token);
    }
    initial_members_ = storage.initial_members;
    return Status();
  }
  if (!options_.discovery_srv.empty()) initial = discover_by_srv(options_, logger_);
  if (!initial.ok()) return initial.status();
  if (options_.new_cluster) {
    GATEHOUSE_RETURN_IF_ERROR(membership::check_new_cluster(
        *initial, options_.name, url_texts(options_.initial_advertise_peer_urls), resolve_url));
    storage.initial_members =
        membership::initial_members(*initial, options_.initial_cluster_token);
    GATEHOUSE_RETURN_IF_ERROR(check_not_bootstrapped(
        options_, *initial,
        membership::member_id(initial->at(options_.name), options_.initial_cluster_token),
        dialing_tls_.get()));
  } else {
    GATEHOUSE_RETURN_IF_ERROR(membership::check_existing_cluster(*initial, options_.name));
    Result<RunningCluster> running = find_running_cluster(options_, *initial, dialing_tls_.get());
    if (!running.ok()) return running.status();
    storage.joined_cluster = running->id;
    storage.initial_members = std::move(running->members);
  }
  initial_members_ = storage.initial_members;
  return Status();
}

void Member::observe(replica::StorageOptions& storage) {
  storage.backend.on_commit = [this](const backend::CommitTimes& times) {
    metrics_.backend_commit.observe(times.total);
    metrics_.backend_spill.observe(times.spill);
    metrics_.backend_write.observe(times.write);
  };
  storage.backend.on_snapshot = [this](std::chrono::nanoseconds took) {
    metrics_.snapshot.observe(took);
  };
  storage.backend.on_defragment = [this](std::chrono::nanoseconds took) {
    metrics_.defragment.observe(took);
  };
  storage.wal.on_sync = [this](std::chrono::nanoseconds took) {
    metrics_.wal_sync.observe(took);
    if (took > kSlowSync) {
      LOG_WARN(logger_, "slow fdatasync", {"took", took}, {"expected-duration", kSlowSync});
    }
  };
  storage.wal.on_write = [this](uint64_t bytes, std::chrono::nanoseconds took) {
    metrics_.wal_bytes.add(static_cast<int64_t>(bytes));
    metrics_.wal_write.observe(took);
  };
}

Status Member::open_state() {
  replica::StorageOptions storage = storage_options(options_);
  GATEHOUSE_RETURN_IF_ERROR(choose_initial_members(storage));
  observe(storage);
  Result<replica::Storage> opened = replica::open_storage(files_, storage, logger_);
  if (!opened.ok()) return opened.status();
  storage_ = std::move(*opened);
  const auto reader = storage_.backend->read();
  std::string_view auth_revision;
  if (!reader->get(backend::Bucket::kAuth, schema::kAuthRevision, auth_revision)) {
    // As etcd: the store of users begins at its first revision, outside of the log.
    storage_.backend->writer().put(backend::Bucket::kAuth, schema::kAuthRevision,
                                   schema::encode_number(1));
    storage_.backend->writer().end();
  }
  cluster_ = std::make_unique<membership::Cluster>(storage_.identity.node_id,
                                                   storage_.identity.cluster_id,
                                                   static_cast<size_t>(options_.max_learners));
  GATEHOUSE_RETURN_IF_ERROR(cluster_->restore(*reader));
  GATEHOUSE_RETURN_IF_ERROR(
      replica::convert_membership(files_, storage_, *cluster_, logger_));
  GATEHOUSE_RETURN_IF_ERROR(
      membership::check_not_newer("cluster", cluster_->members()->version, kEtcdVersion));
  GATEHOUSE_RETURN_IF_ERROR(
      membership::check_not_newer("storage", storage_.storage_version, kEtcdVersion));
  replica::set_configuration(storage_, *cluster_->members());
  if (options_.force_new_cluster && !storage_.first_start) {
    GATEHOUSE_RETURN_IF_ERROR(
        replica::force_new_cluster(storage_, *cluster_->members(), logger_));
  }

  lease::Options lease_options;
  lease_options.minimum_ttl =
      lease::minimum_ttl(static_cast<uint64_t>(options_.election_ticks()),
                         static_cast<uint64_t>(options_.heartbeat_interval.count()));
  if (options_.gates.lease_checkpoint) {
    lease_options.checkpoint_interval_ms = lease::kCheckpointIntervalMs;
  }
  lease_options.metrics = lease_metrics_;
  lessor_ = std::make_unique<lease::Lessor>(lease_options, steady_ms);
  GATEHOUSE_RETURN_IF_ERROR(lessor_->restore(*reader));
  GATEHOUSE_RETURN_IF_ERROR(alarms_.restore(*reader));
  alarms_.on_change([this](const alarm::Alarm& alarm, bool on) { metrics_.set_alarm(alarm, on); });
  cluster_->on_version([this](const std::string& version) {
    metrics_.set_cluster_version(version);
    LOG_INFO(logger_, "enabled capabilities for version",
             {"cluster-version", version.substr(0, version.rfind('.'))});
  });

  mvcc::StoreOptions store;
  store.compaction_batch = options_.compaction_batch_limit;
  store.compaction_sleep_ms = static_cast<uint64_t>(options_.compaction_sleep_interval.count());
  store.leases = lessor_.get();
  store.metrics = &mvcc_metrics_;
  store.logger = logger_;
  store.wake_writer = [this] {
    if (replica::Replica* replica = replica_seen_.load()) replica->wake_writer();
  };
  Result<std::unique_ptr<mvcc::Store>> made = mvcc::Store::open(*storage_.backend, store);
  if (!made.ok()) return made.status();
  store_ = std::move(*made);
  if (options_.gates.initial_corrupt_check) {
    GATEHOUSE_RETURN_IF_ERROR(CorruptionCheck::at_start(
        [this](int64_t revision) { return store_->hash_kv(revision); }, logger_));
  }
  feed_ = std::make_unique<mvcc::WatchFeed>(store_->view()->revision(), &watch_metrics_);
  return Status();
}

replica::Replica::Hooks Member::replica_hooks() {
  replica::Replica::Hooks hooks;
  hooks.on_ready = [this] { loop_.post([this] { on_ready(); }); };
  hooks.on_fatal = [this](const Status& why) { fail(why); };
  hooks.lowest_version = [this] { return peers_->versions().lowest(); };
  hooks.on_leases_expired = [this](size_t count) { metrics_.leases_expired.add(count); };
  hooks.on_members_changed = [this] { peers_->follow_members(); };
  hooks.on_leader_changed = [this] {
    metrics_.leader_changes.add();
    peers_->on_leader_changed();
  };
  hooks.on_restoring = [this](bool under_way) { cluster_metrics_.snapshot_applying.set(under_way); };
  hooks.entropy = [this] { return entropy_.next(); };
  hooks.run_aside = [this](std::function<void()> work, std::function<void()> then) {
    aside_->run(replica_loop(), std::move(work), std::move(then));
  };
  return hooks;
}

Status Member::start_replica() {
  loops_ = std::make_unique<loop::LoopThreads>("member", loop_count());
  loop::EventLoop& loop = replica_loop();
  operations_ = std::make_unique<Operations>(loop, *cluster_, options_.strict_reconfig_check);
  const size_t lanes = loop_count();
  wal::WriterCallbacks callbacks;
  callbacks.on_durable = [this](uint64_t sequence) {
    if (replica::Replica* replica = replica_seen_.load()) replica->on_durable(sequence);
  };
  callbacks.on_failed = [this](const Status& why) {
    fail(why.with_context("the write-ahead log"));
  };
  log_writer_ = std::make_unique<wal::ThreadWriter>(std::move(storage_.log), std::move(callbacks));
  Status status;
  run_on(loop, [&] {
    const Peers::Rooms rooms{*cluster_,         *store_, *lessor_,
                             *storage_.backend, files_,  storage_.snap_directory};
    peers_ = std::make_unique<Peers>(loop, options_, rooms,
                                     dialing_tls_.get(), registry_, cluster_metrics_, logger_);
    replica::ReplicaOptions options = replica_options(options_);
    options.metrics = replica_metrics_;
    auto made = replica::Replica::create(loop, files_, options, storage_,
                                         *log_writer_, *peers_, state(), lanes, replica_hooks(),
                                         logger_);
    if (!made.ok()) {
      status = made.status();
      return;
    }
    replica_ = std::move(*made);
    peers_->set_replica(replica_.get());
    operations_->set_replica(replica_.get(), peers_.get());
    replica_seen_ = replica_.get();
    if (storage_.first_start) peers_->begin_with(initial_members_);
    peers_->follow_members();
    status = peers_->listen(options_.listen_peer_urls, peer_tls_.get());
  });
  return status;
}

void Member::check_for_corruption() {
  if (options_.corrupt_check_interval.count() == 0) return;
  CorruptionCheck::Hooks hooks;
  hooks.hash = [this](int64_t revision) { return store_->hash_kv(revision); };
  hooks.run_aside = [this](std::function<void()> work, std::function<void()> then) {
    operations_->run_aside(std::move(work), std::move(then));
  };
  hooks.is_leader = [this] { return replica_->progress().is_leader.load(); };
  hooks.raise_corrupt = [this] { replica_->raise_corrupt(); };
  corruption_check_ = std::make_unique<CorruptionCheck>(
      replica_loop(), static_cast<uint64_t>(options_.corrupt_check_interval.count()),
      std::move(hooks), logger_);
}

void Member::start_workers() {
  const size_t count = loops_->size();
  const WorkerOptions options = worker_options(options_);
  transcoder_.emplace(options.gateway.max_body_bytes);
  cors_.emplace(options.access.origins);
  shared_.emplace(Shared{logger_, registry_, metrics_, replica_metrics_, admin_metrics_,
                         gateway_metrics_, watch_metrics_,
                         *transcoder_, *cors_, health_, *replica_, state(), *operations_,
                         storage_.identity.cluster_id, storage_.identity.node_id,
                         std::string(kEtcdVersion)});
  workers_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    run_on((*loops_)[i], [&] {
      workers_[i] = std::make_unique<Worker>((*loops_)[i], *shared_, options, i);
    });
  }
}

void Member::add_listeners(httpio::HttpServer& server, const std::vector<Url>& urls,
                           tls::ReloadingContext* tls, Status& status) {
  for (const Url& url : urls) {
    if (!status.ok()) return;
    const Result<net::Address> bound = server.listen(url.address(), url.tls() ? tls : nullptr);
    if (!bound.ok()) status = bound.status();
  }
}

Status Member::listen() {
  const auto server_for = [this](admin::Surface surface) -> httpio::HttpServer& {
    const auto factory = [this, surface](env::Executor& executor)
        -> std::unique_ptr<http::RequestHandler> {
      size_t i = 0;
      while (&(*loops_)[i] != &executor) ++i;
      return std::make_unique<SurfaceHandler>(*workers_[i], surface);
    };
    servers_.push_back(std::make_unique<httpio::HttpServer>(
        loop_, loops_->loops(), factory, client_server_options(options_),
        &connection_log_));
    return *servers_.back();
  };
  Status status;
  const bool split = !options_.listen_client_http_urls.empty();
  add_listeners(server_for(split ? admin::Surface::kGrpcOnly : admin::Surface::kAll),
                options_.listen_client_urls, client_tls_.get(), status);
  if (split) {
    add_listeners(server_for(admin::Surface::kHttpOnly), options_.listen_client_http_urls,
                  client_tls_.get(), status);
  }
  if (!options_.listen_metrics_urls.empty()) {
    add_listeners(server_for(admin::Surface::kMetrics), options_.listen_metrics_urls,
                  client_tls_.get(), status);
  }
  return status;
}

Status Member::start() {
  if (options_.memory_mlock) GATEHOUSE_RETURN_IF_ERROR(env::lock_memory());
  std::vector<Url> client_urls = options_.listen_client_urls;
  for (const auto* more : {&options_.listen_client_http_urls, &options_.listen_metrics_urls}) {
    client_urls.insert(client_urls.end(), more->begin(), more->end());
  }
  auto client_tls = listener_tls(options_, options_.client_tls, client_urls, "client");
  if (!client_tls.ok()) return client_tls.status();
  client_tls_ = std::move(*client_tls);
  auto peer_tls = listener_tls(options_, options_.peer_tls, options_.listen_peer_urls, "peer");
  if (!peer_tls.ok()) return peer_tls.status();
  peer_tls_ = std::move(*peer_tls);
  auto dialing = dialing_tls(options_);
  if (!dialing.ok()) return dialing.status();
  dialing_tls_ = std::move(*dialing);

  GATEHOUSE_RETURN_IF_ERROR(open_state());
  GATEHOUSE_RETURN_IF_ERROR(start_replica());
  registry_.add_process_metrics();
  add_server_metrics(registry_, *replica_, state(),
                     {storage_.identity.node_id, std::string(kEtcdVersion), quota_bytes(options_),
                      options_.gates});
  start_workers();
  GATEHOUSE_RETURN_IF_ERROR(listen());
  LOG_INFO(logger_, "now serving peer/client/metrics",
           {"local-member-id", schema::id_text(storage_.identity.node_id)},
           {"initial-advertise-peer-urls", url_texts(options_.initial_advertise_peer_urls)},
           {"listen-peer-urls", url_texts(options_.listen_peer_urls)},
           {"advertise-client-urls", url_texts(options_.advertise_client_urls)},
           {"listen-client-urls", url_texts(options_.listen_client_urls)},
           {"listen-metrics-urls", url_texts(options_.listen_metrics_urls)});
  run_on(replica_loop(), [this] {
    replica_->start();
    check_for_corruption();
  });
  return Status();
}

void Member::log_untold(const Status& told) {
  if (!told.ok()) LOG_WARN(logger_, "the supervisor was not told", {"error", told.message()});
}

void Member::on_ready() {
  if (draining_) return;
  LOG_INFO(logger_, "published local member to cluster through raft",
           {"local-member-id", schema::id_text(storage_.identity.node_id)},
           {"cluster-id", schema::id_text(storage_.identity.cluster_id)});
  LOG_INFO(logger_, "ready to serve client requests");
  for (const Url& url : options_.listen_client_urls) {
    if (url.tls()) {
      LOG_INFO(logger_, "serving client traffic securely", {"traffic", "grpc+http"},
               {"address", url.address().to_string()});
    } else {
      LOG_WARN(logger_, "serving client traffic insecurely; this is strongly discouraged!",
               {"traffic", "grpc+http"}, {"address", url.address().to_string()});
    }
  }
  tell_supervisor("READY=1");
}

Ended Member::serve() {
  loop::SignalWatcher signals(loop_, {SIGTERM, SIGINT}, [this](int signal) {
    LOG_INFO(logger_, "received signal; shutting down",
             {"signal", signal == SIGTERM ? "terminated" : "interrupt"});
    if (ended_.signal == 0) ended_.signal = signal;
    drain();
  });
  const std::vector<loop::EventLoop*> loops = loops_->loops();
  const env::Watchdog watchdog(loop_, {loops.begin(), loops.end()},
                               [this](const Status& told) { log_untold(told); });
  loop_.run();
  return ended_;
}

void Member::fail(const Status& why) {
  loop_.post([this, why] {
    if (draining_) return;
    if (why.code() == StatusCode::kAborted) {
      // As etcd, which ends without an error then: nobody is to start it again.
      LOG_WARN(logger_, "server error", {"error", why.message()});
      LOG_WARN(logger_, "data-dir used by this member must be removed",
               {"data-dir", options_.data_dir});
    } else {
      if (ended_.status.ok()) ended_.status = why;
      LOG_ERROR(logger_, "the member has to end", {"error", why.message()});
    }
    drain();
  });
}

void Member::drain() {
  if (std::exchange(draining_, true)) return;
  tell_supervisor("STOPPING=1");
  health_.shut_down();
  // Leadership first, and the clients' calls go on meanwhile. A member that cannot write hands over
  // nothing: the others find out by themselves.
  if (!ended_.status.ok()) return drain_servers();
  operations_->hand_over([this] { loop_.post([this] { drain_servers(); }); });
}

void Member::drain_servers() {
  const Status stopped = api::stopped();
  for (size_t i = 0; i < workers_.size(); ++i) {
    (*loops_)[i].post([worker = workers_[i].get(), stopped] { worker->end_streams(); });
  }
  servers_left_ = servers_.size();
  // With a disk that failed nothing under way will be answered.
  const uint64_t deadline_ms = ended_.status.ok() ? kDrainMs : 0;
  for (const auto& server : servers_) {
    server->drain(deadline_ms, [this] {
      if (--servers_left_ == 0) loop_.stop();
    });
  }
}

void Member::tear_down() {
  // After a start that failed halfway, a port being in use, they still listen.
  if (!servers_.empty() && !std::exchange(draining_, true)) {
    drain_servers();
    loop_.run();
  }
  servers_.clear();
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i]) run_on((*loops_)[i], [&] { workers_[i]->stop(api::stopped()); });
  }
  replica_seen_ = nullptr;
  if (loops_ && peers_) {
    loop::EventLoop& loop = replica_loop();
    std::promise<void> stopped;
    loop.post([&] {
      corruption_check_.reset();
      peers_->set_replica(nullptr);
      if (replica_) replica_->stop();
      peers_->stop([&] { stopped.set_value(); });
    });
    stopped.get_future().wait();
  }
  aside_.reset();  // a snapshot that is being put in place is, before the state machine goes
  log_writer_.reset();  // writes what waits
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i]) run_on((*loops_)[i], [&] { workers_[i].reset(); });
  }
  operations_.reset();
  if (loops_) {
    run_on(replica_loop(), [&] {
      peers_.reset();
      replica_.reset();
    });
  }
  if (loops_) loops_->join();
  feed_.reset();
  store_.reset();
  storage_.backend.reset();  // commits
}

}  // namespace

Ended run(const Options& options, const log::Logger& logger) {
  Member member(options, logger);
  const Status started = member.start();
  if (!started.ok()) return {started, 0};
  return member.serve();
}

}  // namespace gatehouse::member
