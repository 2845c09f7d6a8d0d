// CorruptionCheck: --corrupt-check-time and the gate InitialCorruptCheck, as far as a member can tell
// by itself: the checksum of a state is taken twice, and a state that reads in two ways is corrupt:
// the alarm CORRUPT stops all reads and writes of keys. Other members' checksums are not asked for.
//
// Thread: that of its executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/result.h"
#include "common/env/executor.h"
#include "common/log/log.h"
#include "member/mvcc/store.h"

namespace gatehouse::member {

class CorruptionCheck {
 public:
  struct Hooks {
    // The checksum at a revision (0: the present one); on the thread that run_aside() gives.
    std::function<Result<mvcc::HashResult>(int64_t revision)> hash;
    // Work that takes long on another thread; then `then` on the executor.
    std::function<void(std::function<void()> work, std::function<void()> then)> run_aside;
    std::function<bool()> is_leader;  // only a leader checks
    std::function<void()> raise_corrupt;
  };

  CorruptionCheck(env::Executor& executor, uint64_t interval_ms, Hooks hooks, log::Logger logger);

  // Before the member serves, on the caller's thread: DataLoss when the state does not read as
  // itself.
  static Status at_start(const std::function<Result<mvcc::HashResult>(int64_t)>& hash,
                         const log::Logger& logger);

 private:
  void on_timer();

  const uint64_t interval_ms_;
  const Hooks hooks_;
  const log::Logger logger_;
  bool under_way_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  env::Timer timer_;
};

}  // namespace gatehouse::member
