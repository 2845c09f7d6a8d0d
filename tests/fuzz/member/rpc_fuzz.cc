// Calls of every method of a member with any bytes as messages, one after the other or beside each
// other, on a whole member: services, raft, log, store and database, on a simulated disk. None ends
// it; each is answered; and what the calls left is a directory that the member starts from again.
//
// Input: records of a path, a line feed, a byte that says how the call goes, a byte of length and
// the message.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/env/entropy.h"
#include "common/env/sim_file_system.h"
#include "common/metrics/metrics.h"
#include "common/rpc/local_target.h"
#include "member/api/election.h"
#include "member/api/gate.h"
#include "member/api/lock.h"
#include "member/api/services.h"
#include "member/api/watch.h"
#include "member/membership/ids.h"
#include "tests/common/rpc/fake_stream.h"
#include "tests/sim/process.h"

namespace {

using namespace gatehouse;

constexpr size_t kFileBytes = size_t{64} << 20;
constexpr uint64_t kElectionMs = 1000;

// The machine of a cluster of one.
class Host final : public sim::Host {
 public:
  void send(raft::Message) override {}
  void send_snapshot(raft::Message, std::string) override {}
  void on_write(const wal::Batch&) override {}
  void on_disk_work() override {}
  void on_restored(const raft::Restored&) override {}
  void on_fatal(const Status& why) override { fatal("the member ends", why); }
  void on_members_changed(const membership::Members&) override {}
  uint64_t random() override { return entropy_.next(); }
  uint64_t unix_ms() override { return 1'700'000'000'000; }

  [[noreturn]] static void fatal(const char* what, const Status& why) {
    std::fprintf(stderr, "%s: %s\n", what, why.to_string().c_str());
    std::abort();
  }

 private:
  env::SeededEntropy entropy_{1};
};

sim::Plan plan() {
  sim::Plan plan(1);
  plan.segment_bytes = 64 * 1024;
  plan.snapshot_entries = 20;
  plan.snapshot_keeps = 5;
  return plan;
}

sim::Identity identity() {
  membership::Member self;
  self.id = 0xab;
  self.name = "m0";
  self.peer_urls = {"http://127.0.0.1:2380"};
  return {self.id, membership::cluster_id({self.id}), self.name, {self}};
}

std::unique_ptr<sim::Process> start(Host& host, env::SimFileSystem& files) {
  static const sim::Plan kPlan = plan();
  auto process = sim::Process::start(host, files, identity(), kPlan, 1'000'000, log::Logger());
  if (!process.ok()) Host::fatal("the member does not start", process.status());
  return std::move(*process);
}

// What a member without peers and without threads can do.
class Operations final : public api::Operator {
 public:
  void run_aside(replica::Lane& lane, std::function<void()> work,
                 std::function<void()> then) override {
    work();
    lane.executor().post([then = std::move(then)] { then(); });
  }
  void move_leader(replica::Lane& lane, uint64_t, Done done) override { refuse(lane, done); }
  void change_membership(replica::Lane& lane, raftpb::ConfChange, Done done) override {
    refuse(lane, done);
  }
  void renew_at_leader(replica::Lane& lane, int64_t,
                       std::function<void(Result<int64_t>)> done) override {
    lane.executor().post([done = std::move(done)] { done(unavailable("no leader")); });
  }
  void time_to_live_at_leader(replica::Lane& lane, std::string,
                              std::function<void(Result<std::string>)> done) override {
    lane.executor().post([done = std::move(done)] { done(unavailable("no leader")); });
  }
  void refresh_view() override {}
  void raise_no_space() override {}

 private:
  static void refuse(replica::Lane& lane, Done done) {
    lane.executor().post([done = std::move(done)] { done(unavailable("no peers")); });
  }
};

// The client side of a member's loop, as Worker has it.
class Services {
 public:
  Services(sim::Process& process, api::Operator& operations)
      : state_(process.state()),
        executor_(process.executor()),
        views_(executor_, state_.store, process.lane().progress()),
        read_times_(registry_, metrics_, /*warn_ms=*/100, log::Logger()),
        context_{process.lane(),
                 state_.store,
                 state_.backend,
                 state_.lessor,
                 state_.alarms,
                 state_.cluster,
                 operations,
                 api::HeaderWriter(1, 0xab, process.lane().progress().term),
                 views_,
                 request_log_,
                 read_times_,
                 {},
                 {},
                 "3.7.1",
                 log::Logger()},
        gate_(process.lane().progress(), kElectionMs),
        watches_(executor_, state_.feed, state_.store, watch_options(process, entropy_)),
        watch_service_(watches_, {}),
        local_(server_, executor_),
        lock_(local_),
        election_(local_) {
    api::add_kv(services_, context_);
    api::add_watch(services_, watch_service_);
    api::add_lease(services_, context_);
    api::add_cluster(services_, context_);
    api::add_auth(services_, context_);
    api::add_maintenance(services_, context_);
    lock_.add_to(services_);
    election_.add_to(services_);
    api::add_gated(services_, gate_, server_);
  }

  rpc::Server& server() { return server_; }
  void end_streams() { watch_service_.shut_down(); }

 private:
  static mvcc::WatchGroupOptions watch_options(sim::Process& process, env::Entropy& entropy) {
    mvcc::WatchGroupOptions options;
    options.term = [&progress = process.lane().progress()] { return progress.term.load(); };
    options.entropy = &entropy;
    return options;
  }

  metrics::Registry registry_;
  const replica::Metrics metrics_;
  env::SeededEntropy entropy_{2};
  const replica::Replica::State state_;
  env::SimExecutor& executor_;
  api::ViewCache views_;
  api::RequestLog request_log_{log::Logger(), 300};
  const api::ReadTimes read_times_;
  api::Context context_;
  api::Gate gate_;
  rpc::Server services_;  // without the gate
  rpc::Server server_;
  mvcc::WatchGroup watches_;
  api::WatchService watch_service_;
  rpc::LocalTarget local_;
  api::LockService lock_;
  api::ElectionService election_;
};

void run(sim::Process& process) {
  for (;;) {
    const uint64_t turns = process.executor().run_until_idle();
    if (turns + process.disk_executor().run_until_idle() == 0) return;
  }
}

void pass(sim::Process& process, uint64_t ms) {
  for (uint64_t left = ms; left > 0;) {
    const uint64_t step = std::min<uint64_t>(left, 100);
    left -= step;
    process.executor().advance(step);
    process.disk_executor().advance(step);
    run(process);
  }
}

struct Call {
  rpc::testing::FakeServerStream stream;
  std::unique_ptr<http::StreamHandler> handler;
  bool half_closed = false;

  void half_close() {
    if (!std::exchange(half_closed, true) && !stream.ended) handler->on_end({});
  }
};

std::string_view take(std::string_view& in, size_t bytes) {
  const std::string_view part = in.substr(0, bytes);
  in.remove_prefix(part.size());
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  Host host;
  env::SimFileSystem files(kFileBytes);
  {
    const std::unique_ptr<sim::Process> process = start(host, files);
    pass(*process, 2 * kElectionMs);
    CHECK(process->lane().progress().leader != 0);
    Operations operations;
    Services services(*process, operations);

    std::list<Call> calls;
    while (!in.empty() && calls.size() < 100) {
      const size_t line = in.find('\n');
      const std::string_view path = take(in, line);
      if (line == std::string_view::npos || in.size() < 3) break;
      in.remove_prefix(1);
      const uint8_t how = static_cast<uint8_t>(in[0]);
      const size_t length = static_cast<uint8_t>(in[1]);
      in.remove_prefix(2);
      const std::string_view message = take(in, length);

      // A stream may get the next message, too.
      const bool again = (how & 1) != 0 && !calls.empty() && !calls.back().half_closed &&
                         calls.back().stream.head.path == path;
      if (!again) {
        calls.emplace_back().stream.head.path = path;
        calls.back().handler = services.server().start(calls.back().stream, process->executor());
      }
      Call& call = calls.back();
      if (call.handler != nullptr && !call.stream.ended) call.stream.message(*call.handler, message);
      if ((how & 2) != 0 && call.handler != nullptr) call.half_close();
      if ((how & 4) != 0) run(*process);
      if ((how & 8) != 0) pass(*process, uint64_t{how} * 20);
      if ((how & 16) != 0 && call.handler != nullptr && !call.stream.ended) {
        call.handler->on_abort({});
        call.handler.reset();
      }
    }
    for (Call& call : calls) {
      if (call.handler != nullptr) call.half_close();
    }
    // A request's time is 7 s; locks, campaigns, observers and watches go on as long as they must.
    pass(*process, 10'000);
    for (Call& call : calls) {
      CHECK(call.stream.heads <= 1);
      if (call.handler == nullptr) continue;
      const std::string_view path = call.stream.head.path;
      const bool waits = path.starts_with("/v3lockpb.") || path.starts_with("/v3electionpb.") ||
                         path.starts_with("/etcdserverpb.Watch/");
      CHECK(call.stream.ended || waits);
      if (call.stream.ended) {
        CHECK(call.stream.grpc_status() != "(none)");
      } else {
        call.handler->on_abort({});
        call.handler.reset();
      }
    }
    services.end_streams();
    run(*process);
    calls.clear();
    run(*process);
  }
  const std::unique_ptr<sim::Process> again = start(host, files);
  pass(*again, 2 * kElectionMs);
  CHECK(again->lane().progress().leader != 0);
  return 0;
}
