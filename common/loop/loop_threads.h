// LoopThreads: N event loops, each running on a thread of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/loop/event_loop.h"

namespace gatehouse::loop {

class LoopThreads {
 public:
  // The threads are named "<name>-0", "<name>-1", … (cut to the kernel's 15 bytes) and block all
  // signals, so that the main thread's loop gets them.
  LoopThreads(const std::string& name, size_t count);
  // Stops the loops and joins; what lived on them must be gone or be destroyed by posted tasks
  // before.
  ~LoopThreads();
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;

  size_t size() const { return loops_.size(); }
  EventLoop& operator[](size_t index) { return *loops_[index]; }

  // In order; valid while this object lives.
  std::vector<EventLoop*> loops() const;

  // Stops the loops and joins their threads; they stay as they are and may be torn down from the
  // calling thread. The destructor does it too.
  void join();

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse::loop
