// Prober: asks a peer each 4 s for its time: how long the way takes, and how far the clocks are
// apart.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/env/executor.h"
#include "member/transport/exchange.h"
#include "member/transport/link.h"

namespace gatehouse::transport {

class Prober final : private Exchange::User {
 public:
  // Apart by more than this is worth a line in the log, as in etcd.
  static constexpr std::chrono::seconds kMaxClockDrift{1};

  explicit Prober(Link& link);
  void start();
  void stop();

 private:
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_done() override;
  void on_failed(const Status& why) override;
  void probe();

  Link& link_;
  Exchange exchange_;
  env::Timer timer_;
  std::string url_;
  uint64_t asked_us_ = 0;
  int status_ = 0;
  std::string answer_;
  bool stopped_ = false;
};

// {"OK":true,"Now":"<RFC 3339 with nanoseconds>"} and a newline.
std::string probe_answer(std::chrono::system_clock::time_point now);
// The time in such an answer; nothing where it is none.
std::optional<std::chrono::system_clock::time_point> time_in_probe_answer(std::string_view answer);

}  // namespace gatehouse::transport
