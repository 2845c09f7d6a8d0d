// A client of foreign bytes: whatever comes, in any chunks and with time passing in between, the
// connection goes on or ends, and nothing is left once the worker has drained.
//
// Input: one byte for the size of the chunks, one for the milliseconds (times 256) after each, the
// rest is what the client sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/env/sim_executor.h"
#include "common/httpio/server_worker.h"
#include "common/net/memory_network.h"

namespace gatehouse::httpio {
namespace {

class Echo final : public http::RequestHandler {
 public:
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    struct Handler final : http::StreamHandler {
      http::ServerStream& stream;
      explicit Handler(http::ServerStream& stream_in) : stream(stream_in) {
        if (stream.request().method != "HEAD") stream.send_head(200, {{"x", "y"}});
      }
      void on_body(std::string_view bytes) override {
        stream.send_body(bytes);
        stream.consumed(bytes.size());
      }
      void on_end(const http::Headers& trailers) override { stream.send_end(trailers); }
      void on_abort(const http::Abort&) override {}
    };
    return std::make_unique<Handler>(stream);
  }
};

struct Drop final : env::ByteStream::Sink {
  bool over = false;
  void on_bytes(std::string_view) override {}
  void on_end() override { over = true; }
  void on_drained() override {}
  void on_broken(const Status&) override { over = true; }
};

void run(std::string_view input) {
  if (input.size() < 2) return;
  const size_t chunk = 1 + static_cast<uint8_t>(input[0]);
  const uint64_t pause_ms = static_cast<uint8_t>(input[1]) * uint64_t{256};
  input.remove_prefix(2);

  env::SimExecutor sim;
  TrafficCounters counters;
  ServerConnectionOptions options;
  options.idle_timeout_ms = 120'000;
  ServerWorker worker(sim, std::make_unique<Echo>(), options, counters, nullptr);
  net::StreamPair pair = net::make_memory_pair(sim, sim);
  worker.adopt(std::move(pair.second));
  Drop drop;
  pair.first->start(drop);
  while (!input.empty() && !drop.over) {
    const size_t n = std::min(chunk, input.size());
    pair.first->write(input.substr(0, n));
    input.remove_prefix(n);
    sim.advance(pause_ms);
  }
  bool drained = false;
  worker.drain([&] { drained = true; });
  sim.advance(1'000);
  worker.close_all(unavailable("the end of the input"));
  sim.run_until_idle();
  CHECK(drained);
  CHECK(counters.connections_opened == counters.connections_closed);
}

}  // namespace
}  // namespace gatehouse::httpio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::httpio::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
