// Writes until the member dies, remembers what it acknowledged, and checks it when the member is
// back. A gRPC C++ client, driven by lines on standard input; each is answered by one line:
//
//   write HOST:PORT    -> "wrote ACKNOWLEDGED UNANSWERED", when the member has gone or a write was
//   refused check HOST:PORT    -> "ok KEYS REVISION", or "wrong: ..."; what was checked is
//   forgotten but for its effect compact HOST:PORT  -> "compacted REVISION": at the revision of the
//   last check
//
// Usage: crash-client SEED [WRITERS]
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

#include "proto/rpc.grpc.pb.h"
#include "tests/crash/ledger.h"

namespace gatehouse::crash {
namespace {

namespace pb = etcdserverpb;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds kWriteTimeout{10};
constexpr seconds kStartTimeout{30};  // a start replays the log, on a machine that may be busy
constexpr int kKeysEach = 12;
constexpr char kPrefix[] = "crash/", kPrefixEnd[] = "crash0";

std::shared_ptr<grpc::Channel> connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 5);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 20);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// One thread's requests on keys that nobody else writes.
class Writer {
 public:
  Writer(uint64_t seed, int number)
      : random_(seed * 1000 + static_cast<uint64_t>(number)), number_(number) {}

  // Until a request fails: that one has no answer.
  void run(const std::string& address) {
    auto stub = pb::KV::NewStub(connect(address));
    writes_.clear();
    for (;;) {
      grpc::ClientContext context;
      context.set_deadline(system_clock::now() + kWriteTimeout);
      Write write;
      int64_t effects = 0;
      if (!send(*stub, context, write, effects)) {
        writes_.push_back(std::move(write));
        return;
      }
      if (effects > 0) writes_.push_back(std::move(write));
    }
  }

  const std::vector<Write>& writes() const { return writes_; }

 private:
  uint64_t below(uint64_t bound) { return random_() % bound; }

  std::string key() {
    return kPrefix + std::to_string(number_) + "/" + std::to_string(below(kKeysEach));
  }

  // Every value is another one. Most are small; some are large enough to cross pages and sectors.
  std::string value() {
    std::string text = std::to_string(number_) + ":" + std::to_string(++values_) + ":";
    text.append(below(40) == 0 ? below(40000) : below(300), static_cast<char>('a' + below(26)));
    return text;
  }

  bool send(pb::KV::Stub& stub, grpc::ClientContext& context, Write& write, int64_t& effects) {
    const uint64_t kind = below(10);
    if (kind == 0) {
      pb::DeleteRangeRequest request;
      request.set_key(key());
      write.changes = {{request.key(), "", true}};
      pb::DeleteRangeResponse response;
      if (!stub.DeleteRange(&context, request, &response).ok()) return false;
      effects = response.deleted();
      write.revision = response.header().revision();
      return true;
    }
    if (kind == 1) {  // two keys, one revision
      pb::TxnRequest request;
      for (const std::string& each : {key(), key()}) {
        if (!write.changes.empty() && write.changes[0].key == each) continue;
        auto& put = *request.add_success()->mutable_request_put();
        put.set_key(each);
        put.set_value(value());
        write.changes.push_back({put.key(), put.value(), false});
      }
      pb::TxnResponse response;
      if (!stub.Txn(&context, request, &response).ok()) return false;
      effects = 1;
      write.revision = response.header().revision();
      return true;
    }
    pb::PutRequest request;
    request.set_key(key());
    request.set_value(value());
    write.changes = {{request.key(), request.value(), false}};
    pb::PutResponse response;
    if (!stub.Put(&context, request, &response).ok()) return false;
    effects = 1;
    write.revision = response.header().revision();
    return true;
  }

  std::mt19937_64 random_;
  const int number_;
  int64_t values_ = 0;
  std::vector<Write> writes_;
};

// All keys now. Waits until the member serves.
std::string read_state(pb::KV::Stub& stub, State& state, int64_t& revision) {
  pb::RangeRequest request;
  request.set_key(kPrefix);
  request.set_range_end(kPrefixEnd);
  pb::RangeResponse response;
  grpc::Status status;
  const auto deadline = system_clock::now() + kStartTimeout;
  do {  // a member that has just started may know no leader yet
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(deadline);
    response.Clear();
    status = stub.Range(&context, request, &response);
  } while (status.error_code() == grpc::StatusCode::UNAVAILABLE && system_clock::now() < deadline);
  if (!status.ok()) return "cannot read: " + status.error_message();
  for (const auto& pair : response.kvs())
    state[pair.key()] = {pair.value(), pair.mod_revision(), pair.version()};
  revision = response.header().revision();
  return "";
}

// Every revision from `first` to `last`, by a watch from there on.
std::string read_events(const std::shared_ptr<grpc::Channel>& channel, int64_t first, int64_t last,
                        std::vector<Event>& events) {
  if (first > last) return "";
  auto stub = pb::Watch::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(system_clock::now() + kStartTimeout);
  auto stream = stub->Watch(&context);
  pb::WatchRequest request;
  auto& create = *request.mutable_create_request();
  create.set_key(kPrefix);
  create.set_range_end(kPrefixEnd);
  create.set_start_revision(first);
  stream->Write(request);
  for (pb::WatchResponse response; stream->Read(&response);) {
    if (response.canceled()) return "the watch was cancelled: " + response.ShortDebugString();
    for (const auto& event : response.events()) {
      const auto& pair = event.kv();
      if (events.empty() || events.back().revision != pair.mod_revision())
        events.push_back({pair.mod_revision(), {}});
      events.back().changes.push_back(
          {pair.key(), pair.value(), event.type() == mvccpb::Event::DELETE});
    }
    if (!events.empty() && events.back().revision >= last) {
      context.TryCancel();
      return "";
    }
  }
  return "the watch ended early: " + stream->Finish().error_message();
}

std::string check(Ledger& ledger, const std::string& address) {
  auto channel = connect(address);
  auto stub = pb::KV::NewStub(channel);
  State state;
  std::vector<Event> events;
  int64_t revision = 0;
  std::string wrong = read_state(*stub, state, revision);
  if (wrong.empty()) wrong = read_events(channel, ledger.checked_revision() + 1, revision, events);
  if (wrong.empty()) wrong = ledger.check(events, state, revision);
  if (!wrong.empty()) return "wrong: " + wrong;
  return "ok " + std::to_string(state.size()) + " " + std::to_string(revision);
}

std::string compact(const Ledger& ledger, const std::string& address) {
  auto stub = pb::KV::NewStub(connect(address));
  pb::CompactionRequest request;
  request.set_revision(ledger.checked_revision());
  pb::CompactionResponse response;
  grpc::ClientContext context;
  context.set_deadline(system_clock::now() + kWriteTimeout);
  const auto status = stub->Compact(&context, request, &response);
  // Twice at one revision is refused, and no harm.
  if (!status.ok() && status.error_code() != grpc::StatusCode::OUT_OF_RANGE)
    return "wrong: " + status.error_message();
  return "compacted " + std::to_string(request.revision());
}

std::string write(std::vector<Writer>& writers, Ledger& ledger, const std::string& address) {
  std::vector<std::thread> threads;
  for (Writer& writer : writers) threads.emplace_back([&] { writer.run(address); });
  for (std::thread& thread : threads) thread.join();
  size_t total = 0;
  for (const Writer& writer : writers) {
    ledger.add(writer.writes());
    total += writer.writes().size();
  }
  return "wrote " + std::to_string(total - writers.size()) + " " + std::to_string(writers.size());
}

}  // namespace
}  // namespace gatehouse::crash

int main(int argc, char** argv) {
  using namespace gatehouse::crash;
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s SEED [WRITERS]\n", argv[0]);
    return 2;
  }
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  const int count = argc > 2 ? std::atoi(argv[2]) : 16;
  std::vector<Writer> writers;
  for (int i = 0; i < count; ++i) writers.emplace_back(seed, i);
  Ledger ledger;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, address;
    words >> command >> address;
    std::string answer = "wrong: no such command";
    if (command == "write") answer = write(writers, ledger, address);
    if (command == "check") answer = check(ledger, address);
    if (command == "compact") answer = compact(ledger, address);
    std::cout << answer << std::endl;
  }
  return 0;
}
