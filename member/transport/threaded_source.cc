#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "member/transport/snapshot.h"

namespace gatehouse::transport {
namespace {

class ThreadedSource final : public SnapshotSource {
 public:
  ThreadedSource(env::Executor& executor, UniqueFunction<Piece()> next_piece)
      : executor_(executor),
        alive_(std::make_shared<ThreadedSource*>(this)),
        thread_([this, next = std::move(next_piece)]() mutable {
          run(next);
          next = nullptr;
        }) {}

  ~ThreadedSource() override {
    *alive_ = nullptr;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void read(UniqueFunction<void(Piece)> done) override {
    CHECK_MSG(!done_, "one read at a time");
    done_ = std::move(done);
    {
      const std::lock_guard lock(mutex_);
      wanted_ = true;
    }
    changed_.notify_one();
  }

 private:
  // On the thread. The next piece is made while the one before is on its way.
  void run(UniqueFunction<Piece()>& next) {
    bool more = true;
    while (more) {
      Piece piece = next();
      more = piece.ok() && !piece->empty();
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return wanted_ || ended_; });
      if (ended_) return;
      wanted_ = false;
      lock.unlock();
      executor_.post([alive = alive_, piece = std::move(piece)]() mutable {
        if (*alive != nullptr) std::exchange((*alive)->done_, nullptr)(std::move(piece));
      });
    }
  }

  env::Executor& executor_;
  // Null once this is gone; touched on the executor only.
  const std::shared_ptr<ThreadedSource*> alive_;
  UniqueFunction<void(Piece)> done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;  // under mutex_: a read waits
  bool ended_ = false;   // under mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SnapshotSource> read_on_thread(env::Executor& executor,
                                               UniqueFunction<SnapshotSource::Piece()> next_piece) {
  return std::make_unique<ThreadedSource>(executor, std::move(next_piece));
}

}  // namespace gatehouse::transport
