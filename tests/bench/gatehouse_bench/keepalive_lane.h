// KeepaliveLane: grants a lease, then keeps it alive over one stream, the next request with each
// answer.
#pragma once

#include <string>

#include "common/env/executor.h"
#include "common/rpc/framing.h"
#include "tests/bench/gatehouse_bench/client.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/requests.h"
#include "tests/bench/gatehouse_bench/tally.h"

namespace gatehouse::bench {

struct KeepaliveLoad {
  env::Executor& executor;
  const Phase& phase;
  const Options& options;
  Origin origin;
  Recorder& recorder;
};

class KeepaliveLane final : public Lane, private http::ClientStreamHandler {
 public:
  KeepaliveLane(Client& client, KeepaliveLoad& load) : client_(client), load_(load) {}

  bool start(httpio::ClientConnection& connection) override;
  bool prepared() const override { return lease_ != 0; }

 private:
  static constexpr size_t kMaxAnswerBytes = 4096;  // an answer is a header and two numbers

  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_abort(const http::Abort& abort) override;

  void on_message(std::string_view message);
  void send();
  void fail(std::string_view what, std::string_view message);

  Client& client_;
  KeepaliveLoad& load_;
  http::ClientStream* stream_ = nullptr;
  rpc::MessageDecoder decoder_{kMaxAnswerBytes};
  uint64_t lease_ = 0;     // 0: not granted yet
  bool granting_ = false;  // what the stream is for
  std::string request_;    // keeps lease_ alive
  uint64_t started_us_ = 0;
  Status status_;
};

}  // namespace gatehouse::bench
