// A Watch stream that sends what it likes, while keys change, history is compacted and the client
// stalls. The first byte of each piece says what happens; a piece of a request has its length next.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/env/entropy.h"
#include "common/env/sim_executor.h"
#include "member/api/watch.h"
#include "tests/common/rpc/fake_stream.h"
#include "tests/member/mvcc/watch_fake_store.h"

using namespace gatehouse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  env::SimExecutor sim;
  env::SeededEntropy entropy(1);
  mvcc::testing::FakeStore store;
  mvcc::WatchFeed feed(1);
  mvcc::WatchGroupOptions options;
  options.term = [] { return 1; };
  options.entropy = &entropy;
  options.fragment_bytes = 100;
  mvcc::WatchGroup group(sim, feed, store, options);
  api::WatchService service(group, {});
  rpc::Server server;
  api::add_watch(server, service);
  rpc::testing::FakeServerStream stream;
  stream.head.path = "/etcdserverpb.Watch/Watch";
  std::unique_ptr<http::StreamHandler> handler = server.start(stream, sim);

  while (!in.empty()) {
    const uint8_t what = static_cast<uint8_t>(in[0]);
    in.remove_prefix(1);
    switch (what % 8) {
      case 0:
      case 1:
      case 2: {
        if (in.empty()) break;
        const size_t length = std::min<size_t>(static_cast<uint8_t>(in[0]), in.size() - 1);
        stream.message(*handler, in.substr(1, length));
        in.remove_prefix(1 + length);
        break;
      }
      case 3:
        store.commit({{(what & 8) != 0, std::string(1, static_cast<char>(what >> 5)), "v"},
                      {false, "b", std::string(what, 'v')}});
        break;
      case 4: {
        auto changes = store.publish();
        if ((what & 8) != 0) changes.clear();
        feed.publish(std::move(changes), store.revision());
        break;
      }
      case 5:
        sim.run_until_idle();
        break;
      case 6:
        if ((what & 8) != 0) {
          store.compact_to(store.revision());
        } else {
          sim.advance(what * 10'000);
        }
        break;
      case 7:
        // A window is filled by what is sent and by nothing else.
        stream.stalled = (what & 8) != 0;
        if (!stream.stalled) {
          stream.unsent_bytes = 0;
          handler->on_writable();
        }
        break;
    }
  }
  feed.publish(store.publish(), store.revision());
  stream.stalled = false;
  stream.unsent_bytes = 0;
  handler->on_writable();
  sim.run_until_idle();
  CHECK(group.synced_watchers() == group.watchers());
  if ((size & 1) != 0) {
    service.shut_down();
  } else if (!stream.ended) {
    handler->on_abort({});
  }
  sim.run_until_idle();
  CHECK(group.watchers() == 0);
  handler.reset();
  return 0;
}
