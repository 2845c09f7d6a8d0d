// UnaryLane: one request after the other, gRPC or REST.
#pragma once

#include <optional>
#include <string>

#include "common/env/executor.h"
#include "tests/bench/gatehouse_bench/client.h"
#include "tests/bench/gatehouse_bench/key_source.h"
#include "tests/bench/gatehouse_bench/requests.h"
#include "tests/bench/gatehouse_bench/tally.h"

namespace gatehouse::bench {

// What the lanes of one thread share. All of it outlives them.
struct UnaryLoad {
  env::Executor& executor;
  const Phase& phase;  // requests are sent while it is kRunning
  RequestPlan plan;
  KeySource& keys;
  Recorder& recorder;
  bool rest = false;
  size_t under_way = 0;
};

class UnaryLane final : public Lane, private http::ClientStreamHandler {
 public:
  UnaryLane(Client& client, UnaryLoad& load) : client_(client), load_(load) {}

  bool start(httpio::ClientConnection& connection) override;

 private:
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_abort(const http::Abort& abort) override;

  void judge(const http::Headers& trailers);
  void finish();

  static constexpr size_t kKeptErrorBytes = 300;  // of a REST error's body

  Client& client_;
  UnaryLoad& load_;
  http::ClientStream* stream_ = nullptr;
  uint64_t started_us_ = 0;
  size_t answer_bytes_ = 0;
  int http_status_ = 0;
  std::optional<Status> head_status_;  // of a trailers-only answer
  std::string error_body_;
};

}  // namespace gatehouse::bench
