// What tests on a real loop share: running it until something holds, a sink that notes what it is
// told, a directory that goes with the test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/env/byte_stream.h"
#include "common/loop/event_loop.h"
#include "common/loop/unique_fd.h"

namespace gatehouse::loop {

// Runs the loop until `holds`, looked at after every turn. A test that hangs fails after ten
// seconds at this place.
inline ::testing::AssertionResult run_until(EventLoop& loop, std::function<bool()> holds,
                                            uint64_t limit_ms = 10'000) {
  struct Look final : env::TurnEndHook {
    EventLoop& loop;
    std::function<bool()>& holds;
    bool held = false;
    Look(EventLoop& loop_in, std::function<bool()>& holds_in) : loop(loop_in), holds(holds_in) {}
    void on_turn_end() override {
      if (held) return;
      held = holds();
      if (held) loop.stop();
    }
  } look(loop, holds);
  bool late = false;
  env::Timer limit(loop, [&] {
    late = true;
    loop.stop();
  });
  // A hook runs once: this timer schedules it for each turn, every millisecond at least.
  std::unique_ptr<env::Timer> tick;
  tick = std::make_unique<env::Timer>(loop, [&] {
    loop.at_turn_end(look);
    tick->arm(1);
  });
  limit.arm(limit_ms);
  tick->arm(0);
  loop.run();
  if (look.held) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << (late ? "it did not come to hold in time" : "the loop was stopped before it held");
}

struct NotingSink final : env::ByteStream::Sink {
  std::string bytes;
  bool ended = false;
  int drained = 0;
  std::optional<Status> broken;
  std::function<void()> then;  // after each callback

  void on_bytes(std::string_view more) override {
    EXPECT_FALSE(broken || ended) << "bytes after the end";
    bytes.append(more);
    if (then) then();
  }
  void on_end() override {
    EXPECT_FALSE(ended || broken) << "a second end";
    ended = true;
    if (then) then();
  }
  void on_drained() override {
    ++drained;
    if (then) then();
  }
  void on_broken(const Status& why) override {
    EXPECT_FALSE(broken) << "broken twice";
    broken = why;
    if (then) then();
  }
};

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::pair<UniqueFd, UniqueFd> socket_pair() {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace gatehouse::loop
