#include "tests/sim/process.h"

#include <chrono>
#include <utility>

#include "member/replica/snapshot_transfer.h"
#include "member/wal/log.h"
#include "member/wal/writer.h"

namespace gatehouse::sim {

namespace {

constexpr const char* kData = "/data";
constexpr const char* kWal = "/data/member/wal";
constexpr size_t kMapBytes = size_t{32} << 20;  // within what a simulated file may have

replica::StorageOptions storage_options(const Identity& identity, const Plan& plan) {
  replica::StorageOptions options;
  options.data_directory = kData;
  options.name = identity.name;
  options.initial_members = identity.founders;
  // Only when asked: see Process.
  options.backend.batch_interval = std::chrono::hours(24 * 365);
  options.backend.batch_limit = UINT32_MAX;
  options.backend.initial_map_bytes = kMapBytes;
  options.wal.segment_bytes = plan.segment_bytes;
  options.wal.prepare_ahead = false;
  return options;
}

replica::ReplicaOptions replica_options(const Identity& identity, const Plan& plan) {
  replica::ReplicaOptions options;
  options.pre_vote = plan.pre_vote;
  options.max_append_bytes = plan.append_bytes;
  options.snapshots.every = plan.snapshot_entries;
  options.snapshots.keep = plan.snapshot_keeps;
  options.snapshots.own_thread = false;
  options.keeper.name = identity.name;
  options.keeper.client_urls = {"http://" + identity.name + ":2379"};
  return options;
}

class HostEntropy final : public env::Entropy {
 public:
  explicit HostEntropy(Host& host) : host_(host) {}
  uint64_t next() override { return host_.random(); }

 private:
  Host& host_;
};

}  // namespace

// The log's writer, which tells the machine of what goes through it. Now and then it writes at
// once, as ThreadWriter does when its thread is idle.
class Process::Writer final : public wal::LogWriter {
 public:
  Writer(Host& host, wal::Log& log, env::Executor& executor, wal::WriterCallbacks callbacks)
      : host_(host),
        log_(log),
        on_failed_(callbacks.on_failed),
        inner_(log, executor,
               {[this, on_durable = callbacks.on_durable](uint64_t sequence) {
                  durable_ = sequence;
                  on_durable(sequence);
                },
                callbacks.on_failed}) {}

  bool append(wal::Batch batch, uint64_t sequence) override {
    host_.on_write(batch);
    const bool idle = durable_ == std::exchange(appended_, sequence);
    if (idle && batch.must_sync && batch.snapshots.empty() && batch.release_before == 0 &&
        host_.random() % 4 == 0) {
      log_.stage(batch.state ? &*batch.state : nullptr, batch.entries);
      const Status status = log_.write(/*must_sync=*/true);
      if (status.ok()) {
        durable_ = sequence;
        return true;
      }
      on_failed_(status);
      return false;
    }
    static_cast<void>(inner_.append(std::move(batch), sequence));
    host_.on_disk_work();
    return false;
  }

 private:
  Host& host_;
  wal::Log& log_;
  const std::function<void(const Status&)> on_failed_;
  wal::InlineWriter inner_;
  uint64_t appended_ = 0;
  uint64_t durable_ = 0;
};

Process::Process(Host& host, env::SimFileSystem& files, uint64_t now_ms)
    : host_(host), files_(files), executor_(now_ms), disk_executor_(now_ms) {}

Process::~Process() {
  lane_.reset();
  if (replica_ != nullptr) replica_->stop();
  replica_.reset();
}

Result<std::unique_ptr<Process>> Process::start(Host& host, env::SimFileSystem& files,
                                                const Identity& identity, const Plan& plan,
                                                uint64_t now_ms, const log::Logger& logger) {
  std::unique_ptr<Process> process(new Process(host, files, now_ms));
  GATEHOUSE_RETURN_IF_ERROR(process->open(identity, plan, logger));
  return process;
}

Status Process::open(const Identity& identity, const Plan& plan, const log::Logger& logger) {
  const replica::StorageOptions options = storage_options(identity, plan);
  if (identity.founders.empty()) {
    // One who joins begins with an empty log and nobody's configuration.
    const Result<bool> old = wal::exists(files_, kWal);
    if (!old.ok()) return old.status();
    if (!*old) {
      GATEHOUSE_RETURN_IF_ERROR(env::create_directories_durably(files_, "/data/member"));
      GATEHOUSE_RETURN_IF_ERROR(
          wal::create(files_, kWal, {identity.id, identity.cluster_id}, options.wal));
    }
  }
  Result<replica::Storage> opened = replica::open_storage(files_, options, logger);
  if (!opened.ok()) return opened.status();
  storage_ = std::move(*opened);
  host_.on_restored(storage_.restored);
  GATEHOUSE_RETURN_IF_ERROR(open_state());

  wal::WriterCallbacks callbacks;
  callbacks.on_durable = [this](uint64_t sequence) { replica_->on_durable(sequence); };
  callbacks.on_failed = [this](const Status& why) { host_.on_fatal(why); };
  writer_ = std::make_unique<Writer>(host_, *storage_.log, disk_executor_, std::move(callbacks));

  replica::Replica::Hooks hooks;
  hooks.on_ready = [] {};
  hooks.on_fatal = [this](const Status& why) { host_.on_fatal(why); };
  hooks.lowest_version = [] { return std::string("3.7.0"); };
  hooks.on_members_changed = [this] { host_.on_members_changed(*cluster_->members()); };
  hooks.entropy = [this] { return host_.random(); };
  hooks.unix_ms = [this] { return host_.unix_ms(); };
  auto made = replica::Replica::create(executor_, files_, replica_options(identity, plan), storage_,
                                       *writer_, *this, state(), /*lanes=*/1, std::move(hooks),
                                       logger);
  if (!made.ok()) return made.status();
  replica_ = std::move(*made);
  lane_ = replica_->make_lane(executor_, 0);
  replica_->start();
  return Status();
}

Status Process::open_state() {
  const auto reader = storage_.backend->read();
  cluster_ = std::make_unique<membership::Cluster>(storage_.identity.node_id,
                                                   storage_.identity.cluster_id);
  GATEHOUSE_RETURN_IF_ERROR(cluster_->restore(*reader));
  replica::set_configuration(storage_, *cluster_->members());
  lessor_ = std::make_unique<lease::Lessor>(lease::Options(),
                                            [this] { return executor_.now_ms(); });
  GATEHOUSE_RETURN_IF_ERROR(lessor_->restore(*reader));
  GATEHOUSE_RETURN_IF_ERROR(alarms_.restore(*reader));
  mvcc::StoreOptions options;
  options.leases = lessor_.get();
  Result<std::unique_ptr<mvcc::Store>> store = mvcc::Store::open(*storage_.backend, options);
  if (!store.ok()) return store.status();
  store_ = std::move(*store);
  feed_ = std::make_unique<mvcc::WatchFeed>(store_->view()->revision());
  return Status();
}

void Process::send(std::vector<raft::Message> messages) {
  for (raft::Message& message : messages) {
    if (message.type != raft::MessageType::kSnapshot) {
      host_.send(std::move(message));
      continue;
    }
    // As Peers and SnapshotPort: the database is copied aside, as it is then.
    replica_->hold_log_for(message.to);
    executor_.post([this, message = std::move(message)] { send_snapshot(message); });
  }
}

void Process::send_snapshot(raft::Message message) {
  Result<replica::OutgoingSnapshot> taken = replica::take_snapshot(*storage_.backend);
  if (!taken.ok()) return replica_->report_snapshot(message.to, /*arrived=*/false);
  message.snapshot = taken->snapshot;
  std::string database;
  for (;;) {
    const std::string_view piece = taken->database->next_piece();
    if (piece.empty()) break;
    database += piece;
  }
  host_.send_snapshot(std::move(message), std::move(database));
}

Status Process::take_snapshot(raft::Message message, const std::string& database) {
  HostEntropy entropy(host_);
  auto incoming = replica::IncomingSnapshot::begin(files_, replica_->snap_directory(), entropy,
                                                   message.snapshot);
  if (!incoming.ok()) return incoming.status();
  GATEHOUSE_RETURN_IF_ERROR((*incoming)->take(database));
  GATEHOUSE_RETURN_IF_ERROR((*incoming)->take(""));
  replica_->pump().step(std::move(message));
  return Status();
}

}  // namespace gatehouse::sim
