// Compactor: the thread that finds the rows a compaction takes away. Private to the room.
//
//   writer           schedule(job) ............ take() -> Batch, publish, published()
//   this thread      wait -> scan some rows of a view -> offer a Batch, wake the writer -> sleep ┐
//                                     ^────────────────────────────────────────────────────────┘
//
// Only the writer changes the index and the backend; a batch is what it can do in a millisecond or
// two. Views are taken anew for each step, so that none is kept for long: which version of a key
// survives is the same in all later ones.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "member/mvcc/row_hash.h"
#include "member/mvcc/store_view.h"

namespace gatehouse::mvcc {

class Compactor {
 public:
  struct Job {
    int64_t revision = 0;
    int64_t previous = -1;  // that of the compaction before
    bool whole = false;     // the one before had finished: the hash counts
    UniqueFunction<void()> done;
  };
  struct Batch {
    int64_t revision = 0;  // the job's
    struct Row {
      Revision revision;
      bool tombstone;
      std::string key;
    };
    std::vector<Row> rows;
    bool last = false;  // of the job: it is finished with this
  };
  using TakeView = std::function<std::shared_ptr<const StoreView>()>;

  Compactor(const StoreOptions& options, backend::Backend& backend, TakeView view);
  ~Compactor();  // stop()

  // --- The writer.
  void schedule(Job job);
  bool has_batch() const { return has_batch_.load(std::memory_order_acquire); }
  std::optional<Batch> take();
  // What was taken is in view() now.
  void published();
  // Ends the thread; the jobs that are not finished.
  std::vector<Job> stop();

  // --- Any thread. Newest first.
  std::vector<HashResult> hashes() const;

 private:
  enum class BatchState : uint8_t { kNone, kOffered, kTaken };
  class Scan;

  void run();
  bool run_job(Job& job);  // false: stopped
  bool hand_over(Batch batch);
  void remember(const HashResult& hash);

  const StoreOptions& options_;
  backend::Backend& backend_;
  const TakeView view_;
  std::atomic<bool> has_batch_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // the first is under way
  std::optional<Batch> batch_;
  BatchState batch_state_ = BatchState::kNone;
  bool stopping_ = false;
  std::deque<HashResult> hashes_;
  std::thread thread_;  // from the first job on
};

}  // namespace gatehouse::mvcc
