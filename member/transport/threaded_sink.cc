#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "member/transport/snapshot.h"

namespace gatehouse::transport {
namespace {

class ThreadedSink final : public SnapshotSink {
 public:
  ThreadedSink(env::Executor& executor, UniqueFunction<Status(std::string_view)> take)
      : executor_(executor),
        alive_(std::make_shared<ThreadedSink*>(this)),
        thread_([this, own = std::move(take)]() mutable {
          run(own);
          own = nullptr;
        }) {}

  ~ThreadedSink() override {
    *alive_ = nullptr;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void write(std::string bytes, Done done) override {
    CHECK_MSG(!bytes.empty(), "nothing is the end");
    hand_over(std::move(bytes), std::move(done));
  }
  void finish(Done done) override { hand_over({}, std::move(done)); }

 private:
  void hand_over(std::string piece, Done done) {
    CHECK_MSG(!done_, "one piece at a time");
    done_ = std::move(done);
    {
      const std::lock_guard lock(mutex_);
      piece_ = std::move(piece);
    }
    changed_.notify_one();
  }

  // On the thread.
  void run(UniqueFunction<Status(std::string_view)>& take) {
    for (;;) {
      std::string piece;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return piece_ || ended_; });
        if (ended_) return;
        piece = *std::exchange(piece_, std::nullopt);
      }
      const bool last = piece.empty();
      const Status status = take(piece);
      executor_.post([alive = alive_, status] {
        if (*alive != nullptr) std::exchange((*alive)->done_, nullptr)(status);
      });
      if (last || !status.ok()) return;
    }
  }

  env::Executor& executor_;
  // Null once this is gone; touched on the executor only.
  const std::shared_ptr<ThreadedSink*> alive_;
  Done done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> piece_;  // under mutex_
  bool ended_ = false;                // under mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SnapshotSink> write_on_thread(env::Executor& executor,
                                              UniqueFunction<Status(std::string_view)> take) {
  return std::make_unique<ThreadedSink>(executor, std::move(take));
}

}  // namespace gatehouse::transport
