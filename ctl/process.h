// Commands that the tool runs (watch, lock), and signals that it waits for while it holds
// something.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::ctl {

struct CommandEnd {
  int code = 0;      // of the shell: 128 + n for a signal
  std::string text;  // "" for 0; "exit status 3", "signal: killed", `exec: "x": …`
  bool started = true;
};
// Runs it with stdin, stdout and stderr of this process and `variables` ("NAME=value") added to its
// environment, until it ends. `on_start` is told its process id.
CommandEnd run_command(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& variables,
                       const std::function<void(int pid)>& on_start = {});

// Tells of SIGINT and SIGTERM instead of being ended by them, as long as it lives. Made before any
// other thread, which inherit that these are blocked.
class EndSignals {
 public:
  // `told` is called once, on a thread of this class.
  explicit EndSignals(std::function<void()> told);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

 private:
  const int wake_fd_;
  std::thread thread_;
};

}  // namespace gatehouse::ctl
