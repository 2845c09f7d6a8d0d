// Members of ours without a store: Raft, its log in memory, and the transport, for a cluster they
// share with stock etcd (interop_test.py).
//
//   interop_members CLUSTER_ID VERSION ID=URL=OURS ...   all members; OURS is 1 for those run here
//
// Commands come on standard input, one a line, and are answered on standard output:
//
//   campaign ID            member ID of ours asks for votes
//   propose ID HEX         proposes an entry with this data
//   flood ID COUNT HEX     the same, COUNT times
//   reset ID               forgets all that this member has, as a disk that was lost
//   transfer ID TO         asks for the leadership to be handed over
//   status                 one line for each of ours: "status ID ROLE LEADER TERM COMMIT ACTIVE"
//   cut                    breaks nothing but our connections: stops and restarts all transports
//   quit
//
// Each committed entry with data is told as "applied ID INDEX HEX", a snapshot that came as
// "snapshot ID INDEX BYTES MAGIC", where MAGIC are the 4 bytes that mark a bbolt file.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/env/entropy.h"
#include "common/httpio/server.h"
#include "common/log/log.h"
#include "common/loop/event_loop.h"
#include "common/net/tcp_dialer.h"
#include "member/raft/conf_change.h"
#include "member/raft/core.h"
#include "member/transport/peer_port.h"
#include "member/transport/transport.h"
#include "tests/member/transport/messages.h"

namespace gatehouse::transport {
namespace {

constexpr uint64_t kTickMs = 100;

struct Listed {
  uint64_t id;
  std::string url;
  bool ours;
};

std::string to_hex_bytes(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

void say(const std::string& line) { std::cout << line << std::endl; }

// Keeps nothing of a database but its size and its mark.
class MeasuringSink final : public SnapshotSink {
 public:
  static constexpr size_t kMagicOffset = 16;  // of the first page's meta

  explicit MeasuringSink(env::Executor& executor, size_t& bytes, std::string& magic)
      : bytes_(bytes), magic_(magic), timer_(executor, [this] {
          std::exchange(done_, nullptr)(Status());
        }) {
    bytes_ = 0;
    magic_.clear();
  }
  void write(std::string bytes, Done done) override {
    if (bytes_ <= kMagicOffset) magic_ += bytes.substr(0, kMagicOffset + 4 - magic_.size());
    bytes_ += bytes.size();
    finish(std::move(done));
  }
  void finish(Done done) override {
    done_ = std::move(done);
    timer_.arm(1);
  }

 private:
  size_t& bytes_;
  std::string& magic_;
  Done done_;
  env::Timer timer_;
};

class TestMember final : public Handler, public PeerPortHooks, private env::TurnEndHook {
 public:
  TestMember(loop::EventLoop& loop, const std::vector<Listed>& all, const Listed& self,
             uint64_t cluster_id, const std::string& version, log::Logger logger)
      : loop_(loop),
        all_(all),
        self_(self),
        version_(version),
        logger_(std::move(logger)),
        dialer_(loop, {.timeout_ms = 2'000}),
        tick_(loop, [this] { tick(); }) {
    reset();
    std::vector<raft::Core::Peer> peers;
    for (const Listed& one : all) {
      peers.push_back({one.id, "{\"id\":" + std::to_string(one.id) + ",\"peerURLs\":[\"" +
                                   one.url + "\"],\"name\":\"m" + to_hex(one.id) + "\"}"});
    }
    core_->bootstrap(peers);
    options_.self = {.id = self.id,
                     .cluster_id = cluster_id,
                     .server_version = version,
                     .peer_urls = {self.url}};
    start_transport();
    start_server();
    tick_.arm(kTickMs);
    loop_.at_turn_end(*this);
  }

  uint64_t id() const { return self_.id; }

  void reset() {
    raft::Options options;
    options.id = self_.id;
    options.pre_vote = false;  // as etcd 3.4's default
    options.entropy = [this] { return entropy_.next(); };
    Result<std::unique_ptr<raft::Core>> core = raft::Core::create(std::move(options), {});
    CHECK_MSG(core.ok(), core.status().message());
    core_ = *std::move(core);
  }

  void campaign() { core_->campaign(); loop_.at_turn_end(*this); }
  void propose(std::string_view data, int count) {
    std::vector<raft::Payload> payloads(static_cast<size_t>(count), raft::Payload(data));
    const Status status = core_->propose(std::move(payloads));
    if (!status.ok()) say("dropped " + status.to_string());
    loop_.at_turn_end(*this);
  }
  void transfer(uint64_t to) { core_->transfer_leader(to); loop_.at_turn_end(*this); }
  void status() {
    size_t active = 0;
    for (const Listed& one : all_) active += transport_->active_since(one.id) ? 1 : 0;
    say("status " + to_hex(self_.id) + " " + std::string(raft::role_name(core_->role())) + " " +
        to_hex(core_->leader()) + " " + std::to_string(core_->term()) + " " +
        std::to_string(core_->log().committed()) + " " + std::to_string(active));
  }
  void cut() {
    transport_->stop();
    server_->drain(0, [this] {
      server_.reset();
      transport_.reset();
      start_transport();
      start_server();
    });
  }
  void quit(UniqueFunction<void()> done) {
    tick_.cancel();
    transport_->stop();
    server_->drain(0, std::move(done));
  }

  void on_message(raft::Message message) override {
    const Status status = core_->step(std::move(message));
    if (!status.ok() && status.code() != StatusCode::kUnavailable) {
      say("step " + status.to_string());
    }
    loop_.at_turn_end(*this);
  }
  void report_unreachable(raft::NodeId id) override {
    core_->report_unreachable(id);
    loop_.at_turn_end(*this);
  }
  void report_snapshot(raft::NodeId id, bool arrived) override {
    core_->report_snapshot(id, arrived);
  }
  bool is_removed(raft::NodeId) const override { return false; }
  void on_removed_self(std::string_view reason) override { say("removed " + std::string(reason)); }
  void open_snapshot(raft::Message, UniqueFunction<void(Result<OutgoingSnapshot>)> ready) override {
    ready(unavailable("no store"));
  }
  Result<std::unique_ptr<SnapshotSink>> accept_snapshot(const raft::Message&) override {
    return std::unique_ptr<SnapshotSink>(
        std::make_unique<MeasuringSink>(loop_, database_bytes_, database_start_));
  }

  std::string members_json() override {
    std::string json;
    for (const Listed& one : all_) {
      json += (json.empty() ? "[" : ",") + std::string("{\"id\":") + std::to_string(one.id) +
              ",\"peerURLs\":[\"" + one.url + "\"],\"name\":\"m" + to_hex(one.id) +
              "\",\"clientURLs\":[]}";
    }
    return json + "]";
  }
  std::string version_json() override {
    return "{\"etcdserver\":\"" + version_ + "\",\"etcdcluster\":\"not_decided\"}";
  }
  void promote(std::string, std::string, Reply reply) override { reply({.status = 500}); }
  void hash_kv(std::string, Reply reply) override { reply({.status = 500}); }
  void renew_lease(std::string, Reply reply) override { reply({.status = 500}); }
  void lease_time_to_live(std::string, Reply reply) override { reply({.status = 500}); }
  void downgrade_enabled(Reply reply) override { reply({.body = "false"}); }

 private:
  void start_transport() {
    transport_ =
        std::make_unique<Transport>(loop_, dialer_, options_, *this, nullptr, logger_);
    for (const Listed& one : all_) {
      if (one.id != self_.id) transport_->add_peer(one.id, {one.url});
    }
  }

  void start_server() {
    server_ = std::make_unique<httpio::HttpServer>(
        loop_, std::vector<loop::EventLoop*>{&loop_},
        [this](env::Executor&) { return make_peer_port(*transport_, *this); },
        httpio::HttpServerOptions{.connection = peer_connection_options(options_)});
    const Result<net::Address> address = server_->listen(*net::parse_address(self_.url));
    CHECK_MSG(address.ok(), address.status().message());
  }

  void tick() {
    core_->tick();
    tick_.arm(kTickMs);
    loop_.at_turn_end(*this);
  }

  void on_turn_end() override {
    while (core_->has_ready()) {
      raft::Ready ready = core_->take_ready();
      if (ready.snapshot != nullptr) {
        say("snapshot " + to_hex(self_.id) + " " + std::to_string(ready.snapshot->index) + " " +
            std::to_string(database_bytes_) + " " +
            to_hex_bytes(database_start_.substr(MeasuringSink::kMagicOffset)));
      }
      transport_->send(std::move(ready.messages));
      transport_->send(std::move(ready.after_persist));  // memory is durable here
      for (const raft::Entry& entry : ready.committed) apply(entry);
      core_->advance(ready);
    }
  }

  void apply(const raft::Entry& entry) {
    if (entry.type != raft::EntryType::kNormal) {
      const Result<raftpb::ConfChangeV2> change = raft::decode_conf_change(entry);
      CHECK(change.ok());
      CHECK(core_->apply_conf_change(*change).ok());
    } else if (entry.data.size() > 0) {
      say("applied " + to_hex(self_.id) + " " + std::to_string(entry.index) + " " +
          to_hex_bytes(entry.data.view()));
    }
  }

  loop::EventLoop& loop_;
  const std::vector<Listed>& all_;
  const Listed self_;
  const std::string version_;
  const log::Logger logger_;
  Options options_;
  net::TcpDialer dialer_;
  env::SystemEntropy entropy_;
  std::unique_ptr<raft::Core> core_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<httpio::HttpServer> server_;
  env::Timer tick_;
  size_t database_bytes_ = 0;  // of the last snapshot
  std::string database_start_;
};

int run(int argc, char** argv) {
  CHECK_MSG(argc > 3, "CLUSTER_ID VERSION ID=URL=OURS ...");
  std::vector<Listed> all;
  for (int i = 3; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t first = text.find('='), last = text.rfind('=');
    all.push_back({*parse_hex(text.substr(0, first)), text.substr(first + 1, last - first - 1),
                   text.substr(last + 1) == "1"});
  }
  Result<log::Logger> logger = log::create({.level = log::Level::kInfo});
  CHECK(logger.ok());
  loop::EventLoop loop;
  std::map<uint64_t, std::unique_ptr<TestMember>> ours;
  for (const Listed& one : all) {
    if (!one.ours) continue;
    ours[one.id] =
        std::make_unique<TestMember>(loop, all, one, *parse_hex(argv[1]), argv[2], *logger);
  }
  size_t left = ours.size();
  const auto command = [&](const std::string& line) {
    std::istringstream words(line);
    std::string verb, id, rest, data;
    words >> verb >> id >> rest >> data;
    if (verb == "quit") {
      for (auto& [key, member] : ours) {
        member->quit([&] {
          if (--left == 0) loop.stop();
        });
      }
      return;
    }
    for (auto& [key, member] : ours) {
      if (!id.empty() && to_hex(key) != id) continue;
      if (verb == "campaign") member->campaign();
      if (verb == "propose") member->propose(testing::unhex(rest), 1);
      if (verb == "flood") member->propose(testing::unhex(data), std::stoi(rest));
      if (verb == "reset") member->reset();
      if (verb == "transfer") member->transfer(*parse_hex(rest));
      if (verb == "status") member->status();
      if (verb == "cut") member->cut();
    }
  };
  std::thread reader([&] {
    std::string line;
    while (std::getline(std::cin, line) && line != "quit") {
      loop.post([&command, line] { command(line); });
    }
    loop.post([&command] { command("quit"); });
  });
  say("ready");
  loop.run();
  reader.join();
  ours.clear();
  return 0;
}

}  // namespace
}  // namespace gatehouse::transport

int main(int argc, char** argv) { return gatehouse::transport::run(argc, argv); }
