#include "common/loop/loop_threads.h"

#include <pthread.h>

#include <csignal>

namespace gatehouse::loop {

LoopThreads::LoopThreads(const std::string& name, size_t count) {
  loops_.reserve(count);
  for (size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<EventLoop>());
  // A thread inherits the mask of its maker.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (size_t i = 0; i < count; ++i) {
    constexpr size_t kKernelNameBytes = 15;
    const std::string number = "-" + std::to_string(i);
    std::string thread_name = name.substr(0, kKernelNameBytes - number.size()) + number;
    threads_.emplace_back([loop = loops_[i].get(), thread_name = std::move(thread_name)] {
      pthread_setname_np(pthread_self(), thread_name.c_str());
      loop->run();
    });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LoopThreads::~LoopThreads() { join(); }

std::vector<EventLoop*> LoopThreads::loops() const {
  std::vector<EventLoop*> loops;
  loops.reserve(loops_.size());
  for (const auto& loop : loops_) loops.push_back(loop.get());
  return loops;
}

void LoopThreads::join() {
  if (threads_.empty()) return;
  for (const auto& loop : loops_) loop->stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace gatehouse::loop
