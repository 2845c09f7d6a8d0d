// Inflights: the appends a leader has sent to one follower and that are not yet acknowledged.
//
// Bounded by count and by bytes, so that a slow follower costs the leader a bounded amount of
// memory in sockets and queues. The byte bound may be passed by one message, else a message larger
// than the bound could never go out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatehouse::raft {

class Inflights {
 public:
  // `max_bytes` 0: no bound on bytes.
  Inflights(size_t max_messages, uint64_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  bool full() const { return count_ == max_messages_ || (max_bytes_ != 0 && bytes_ >= max_bytes_); }
  size_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }

  // A message whose last entry is `index`, above that of all before. Not when full.
  void add(uint64_t index, uint64_t bytes);
  // Frees all messages that end at or before `index`.
  void free_to(uint64_t index);
  void reset();

 private:
  struct Sent {
    uint64_t index;
    uint64_t bytes;
  };

  size_t max_messages_;
  uint64_t max_bytes_;
  size_t start_ = 0;
  size_t count_ = 0;
  uint64_t bytes_ = 0;
  std::vector<Sent> ring_;  // grows by doubling up to max_messages_
};

}  // namespace gatehouse::raft
