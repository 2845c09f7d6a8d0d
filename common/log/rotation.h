// Old log files: their names, and how many stay. Private to the room.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/log/log.h"

namespace gatehouse::log {

// One file output. "dir/etcd.log" becomes "dir/etcd-2026-11-20T09-54-51.908.log", the form of
// lumberjack, which etcd rotates with. Not thread-safe: under its sink's lock.
class Rotator {
 public:
  Rotator(std::string path, Rotation rotation);

  uint64_t max_bytes() const { return rotation_.max_bytes; }

  // Renames the file, makes a new one, removes what is too old or too many, and returns the new
  // file's descriptor. nullopt when that fails: the old file, whatever it is called by then, goes
  // on, larger than it should be.
  std::optional<int> next(std::chrono::system_clock::time_point now);

 private:
  // Whether the path is free now.
  bool rename_by(std::chrono::system_clock::time_point now) const;
  std::string old_name(std::chrono::system_clock::time_point time) const;
  void remove_old(std::chrono::system_clock::time_point now) const;

  const std::string path_;
  const Rotation rotation_;
  std::string stem_;       // path_ up to the last dot of its file name
  std::string extension_;  // from there, may be empty
};

// Opens for appending, made if absent; -1 and errno as open().
int open_log_file(const std::string& path);

}  // namespace gatehouse::log
