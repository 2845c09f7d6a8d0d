// WatchLane: a watch stream with some watchers of all keys of the run.
#pragma once

#include <atomic>
#include <string>

#include "common/env/executor.h"
#include "common/rpc/framing.h"
#include "tests/bench/gatehouse_bench/client.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/requests.h"
#include "tests/bench/gatehouse_bench/tally.h"

namespace gatehouse::bench {

struct WatchLoad {
  env::Executor& executor;
  const Phase& phase;
  const Options& options;
  Origin origin;
  Recorder& recorder;                // each event, with its delay since the put was sent
  std::atomic<uint64_t>& delivered;  // events, over all threads
};

class WatchLane final : public Lane, private http::ClientStreamHandler {
 public:
  WatchLane(Client& client, WatchLoad& load, size_t watchers)
      : client_(client), load_(load), watchers_(watchers) {}

  bool start(httpio::ClientConnection& connection) override;
  bool prepared() const override { return created_ == watchers_; }

 private:
  static constexpr size_t kMaxAnswerBytes = 64 << 20;  // many events of large values

  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_abort(const http::Abort& abort) override;

  void on_message(std::string_view message);
  void on_event(std::string_view event, uint64_t now_us);
  void over(std::string_view what, std::string_view message);

  Client& client_;
  WatchLoad& load_;
  const size_t watchers_;
  size_t created_ = 0;
  http::ClientStream* stream_ = nullptr;
  rpc::MessageDecoder decoder_{kMaxAnswerBytes};
  Status status_;
};

}  // namespace gatehouse::bench
