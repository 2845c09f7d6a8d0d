// SpareSegments: the next file of a log, its blocks reserved, ready when a segment is full.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/result.h"
#include "common/env/file_system.h"

namespace gatehouse::wal {

// take() on one thread. With `ahead` a thread of its own makes one spare at a time; it has little to
// do, and ends with the object. Spares that nobody took are removed.
class SpareSegments {
 public:
  SpareSegments(env::FileSystem& files, std::string directory, uint64_t bytes, bool ahead);
  ~SpareSegments();
  SpareSegments(const SpareSegments&) = delete;
  SpareSegments& operator=(const SpareSegments&) = delete;

  // A file of the asked size, all zeros, not synced, under a name that is not a segment's. Waits
  // for it when it is not ready.
  Result<std::unique_ptr<env::File>> take();

 private:
  void run();
  Result<std::unique_ptr<env::File>> make(uint64_t number) const;

  env::FileSystem& files_;
  const std::string directory_;
  const uint64_t bytes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<std::unique_ptr<env::File>>> ready_;
  uint64_t made_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // none: made in take()
};

}  // namespace gatehouse::wal
