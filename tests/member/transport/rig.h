// Members in memory: each a Transport and a peer port on virtual time, in one network whose links
// break on demand.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/httpio/server_worker.h"
#include "common/log/capture.h"
#include "common/metrics/metrics.h"
#include "common/net/memory_network.h"
#include "member/transport/peer_port.h"
#include "member/transport/transport.h"
#include "tests/member/transport/messages.h"

namespace gatehouse::transport::testing {

inline constexpr uint64_t kCluster = 0xf6154626a831dc52;

// A database whose bytes follow from their place.
class PatternSource final : public SnapshotSource {
 public:
  PatternSource(env::Executor& executor, uint64_t bytes, uint64_t fail_after = UINT64_MAX)
      : executor_(executor), bytes_(bytes), fail_after_(fail_after) {}
  ~PatternSource() override { *alive_ = false; }

  void read(UniqueFunction<void(Piece)> done) override {
    executor_.post([this, alive = alive_, done = std::move(done)]() mutable {
      if (*alive) done(next());
    });
  }
  static char at(uint64_t offset) { return static_cast<char>((offset * 2654435761u) >> 13); }
  uint64_t offset() const { return offset_; }

 private:
  Piece next() {
    if (offset_ >= fail_after_) return internal_error("a bad sector");
    std::string piece(std::min<uint64_t>(128 * 1024, bytes_ - offset_), '\0');
    for (char& c : piece) c = at(offset_++);
    return piece;
  }
  env::Executor& executor_;
  const uint64_t bytes_;
  const uint64_t fail_after_;
  uint64_t offset_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

struct Received {
  uint64_t bytes = 0;
  size_t largest_write = 0;
  bool intact = true;
  bool finished = false;
  bool dropped = false;  // destroyed without finish
};

class PatternSink final : public SnapshotSink {
 public:
  PatternSink(env::Executor& executor, Received& received, uint64_t write_ms)
      : received_(received), write_ms_(write_ms), timer_(executor, [this] {
          const bool last = std::exchange(finishing_, false);
          if (last) received_.finished = true;
          std::exchange(done_, nullptr)(Status());
        }) {}
  ~PatternSink() override { received_.dropped = !received_.finished; }

  void write(std::string bytes, Done done) override {
    EXPECT_FALSE(done_) << "a write before the one before was done";
    received_.largest_write = std::max(received_.largest_write, bytes.size());
    for (const char c : bytes) {
      if (c != PatternSource::at(received_.bytes++)) received_.intact = false;
    }
    done_ = std::move(done);
    timer_.arm(write_ms_);
  }
  void finish(Done done) override {
    EXPECT_FALSE(done_);
    finishing_ = true;
    done_ = std::move(done);
    timer_.arm(write_ms_);
  }

 private:
  Received& received_;
  const uint64_t write_ms_;
  Done done_;
  bool finishing_ = false;
  env::Timer timer_;
};

// What a member's owner hears, kept.
class Owner : public Handler, public PeerPortHooks {
 public:
  explicit Owner(env::Executor& executor) : executor_(executor) {}
  virtual ~Owner() = default;

  std::vector<raft::Message> messages;
  std::vector<raft::NodeId> unreachable;
  std::vector<raft::NodeId> gone;
  std::vector<std::pair<raft::NodeId, bool>> snapshot_reports;
  std::vector<std::string> removals;
  std::set<raft::NodeId> removed;
  std::function<void(const raft::Message&)> then;  // after each message
  bool keep_messages = true;

  uint64_t database_bytes = 300'000;
  uint64_t database_fails_after = UINT64_MAX;
  uint64_t sink_write_ms = 0;
  std::optional<Status> refuse_snapshot;
  std::vector<std::unique_ptr<Received>> databases;
  std::vector<Reply> held_replies;
  bool hold_replies = false;
  bool admits = true;

  void on_message(raft::Message message) override {
    if (keep_messages) messages.push_back(message);
    if (then) then(message);
  }
  void report_unreachable(raft::NodeId id) override { unreachable.push_back(id); }
  void report_gone(raft::NodeId id) override { gone.push_back(id); }
  void report_snapshot(raft::NodeId id, bool arrived) override {
    snapshot_reports.emplace_back(id, arrived);
  }
  bool is_removed(raft::NodeId id) const override { return removed.count(id) != 0; }
  void on_removed_self(std::string_view reason) override { removals.emplace_back(reason); }
  void open_snapshot(raft::Message message,
                     UniqueFunction<void(Result<OutgoingSnapshot>)> ready) override {
    if (refuse_snapshot) return ready(*refuse_snapshot);
    OutgoingSnapshot snapshot;
    snapshot.message = std::move(message);
    snapshot.database =
        std::make_unique<PatternSource>(executor_, database_bytes, database_fails_after);
    ready(std::move(snapshot));
  }
  Result<std::unique_ptr<SnapshotSink>> accept_snapshot(const raft::Message&) override {
    if (refuse_snapshot) return *refuse_snapshot;
    databases.push_back(std::make_unique<Received>());
    return std::unique_ptr<SnapshotSink>(
        std::make_unique<PatternSink>(executor_, *databases.back(), sink_write_ms));
  }

  bool admit(const env::PeerInfo&) override { return admits; }
  std::string members_json() override { return R"([{"id":1}])"; }
  std::string version_json() override { return R"({"etcdserver":"3.7.1"})"; }
  void reply(Reply to, std::string body) {
    if (hold_replies) {
      held_replies.push_back(std::move(to));
    } else {
      to({.body = std::move(body)});
    }
  }
  void promote(std::string id, std::string token, Reply to) override {
    reply(std::move(to), "promote " + id + " " + token);
  }
  void hash_kv(std::string body, Reply to) override { reply(std::move(to), "hash " + body); }
  void renew_lease(std::string body, Reply to) override { reply(std::move(to), "renew " + body); }
  void lease_time_to_live(std::string body, Reply to) override {
    reply(std::move(to), "ttl " + body);
  }
  void downgrade_enabled(Reply to) override { reply(std::move(to), "false"); }

 private:
  env::Executor& executor_;
};

inline std::string url_of(raft::NodeId id) { return "http://m" + std::to_string(id) + ":2380"; }
inline std::string host_of(raft::NodeId id) { return "m" + std::to_string(id); }

struct Net {
  env::SimExecutor sim;
  net::MemoryNetwork network;
  log::Capture log;
  // The limits on repeated lines are of the process: each network begins an hour after the one
  // before.
  explicit Net(uint64_t seed = 1)
      : network(seed),
        log({.level = log::Level::kDebug, .steady_now = [this, begin = begin_next()] {
               return begin + std::chrono::milliseconds(sim.now_ms());
             }}) {
    ::testing::Test::RecordProperty("seed", static_cast<int>(seed));
  }

 private:
  static std::chrono::steady_clock::time_point begin_next() {
    static std::chrono::steady_clock::time_point next{};
    return next += std::chrono::hours(1);
  }
};

class Member final : public Owner {
 public:
  Member(Net& net, raft::NodeId id_in, uint64_t cluster = kCluster,
         const std::string& version = "3.7.1", std::vector<std::string> extra_listens = {})
      : Owner(net.sim), id(id_in), net_(net), listens_{url_of(id)} {
    for (std::string& url : extra_listens) listens_.push_back(std::move(url));
    options_.self = {.id = id,
                     .cluster_id = cluster,
                     .server_version = version,
                     .peer_urls = {url_of(id)}};
    options_.wall_now = [this] {
      return std::chrono::system_clock::time_point(
          std::chrono::milliseconds(1'700'000'000'000 + net_.sim.now_ms() + clock_skew_ms));
    };
    start();
  }
  ~Member() override { stop(); }

  void start() {
    dialer_ = net_.network.dialer(host_of(id), net_.sim, 1'000);
    transport = std::make_unique<Transport>(net_.sim, *dialer_, options_, *this, &registry,
                                            net_.log.logger());
    worker_ = std::make_unique<httpio::ServerWorker>(net_.sim, make_peer_port(*transport, *this),
                                                     peer_connection_options(options_), counters_,
                                                     nullptr);
    for (const std::string& url : listens_) {
      net_.network.listen(url, net_.sim, [this](std::unique_ptr<env::ByteStream> stream) {
        worker_->adopt(std::move(stream));
      });
    }
  }

  void stop() {
    if (transport == nullptr) return;
    for (const std::string& url : listens_) net_.network.close(url);
    transport->stop();
    net_.sim.run_until_idle();
    worker_.reset();
    transport.reset();
    net_.sim.run_until_idle();
    dialer_.reset();
  }

  void send(raft::Message message) {
    message.from = id;
    std::vector<raft::Message> all;
    all.push_back(std::move(message));
    transport->send(std::move(all));
  }

  size_t connections() const { return worker_->connections(); }

  const raft::NodeId id;
  metrics::Registry registry;
  std::unique_ptr<Transport> transport;
  int64_t clock_skew_ms = 0;

 private:
  Net& net_;
  std::vector<std::string> listens_;
  Options options_;
  std::unique_ptr<net::Dialer> dialer_;
  httpio::TrafficCounters counters_;
  std::unique_ptr<httpio::ServerWorker> worker_;
};

inline raft::Message message_to(raft::NodeId to, raft::MessageType type, uint64_t term = 1) {
  raft::Message message;
  message.type = type;
  message.to = to;
  message.term = term;
  return message;
}

inline raft::Message snapshot_to(raft::NodeId to, uint64_t index = 10) {
  raft::Message message = message_to(to, raft::MessageType::kSnapshot);
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = index;
  snapshot->term = 1;
  snapshot->conf_state.add_voters(1);
  snapshot->conf_state.set_auto_leave(false);  // as it is on the wire
  snapshot->data = raft::Payload(R"({"Root":{}})");
  message.snapshot = std::move(snapshot);
  return message;
}

inline void connect(Member& a, Member& b) {
  a.transport->add_peer(b.id, {url_of(b.id)});
  b.transport->add_peer(a.id, {url_of(a.id)});
}

}  // namespace gatehouse::transport::testing
