// DurableBackend: Backend on a Store, with the thread that commits.
//
//   writer ──end()──> view_.active ──seal──> view_.sealed ──commit──> view_.tree
//                          ^ a new one        (this thread)
//
// One mutex guards the view, who is in a change, and what was asked of the thread. It is held for
// pointer copies only; a commit holds store_mutex_.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "member/backend/backend.h"
#include "member/backend/store.h"
#include "member/backend/view.h"

namespace gatehouse::backend {

StoreOptions store_options(const Options& options);

class DurableBackend final : public Backend, private Writer {
 public:
  DurableBackend(env::FileSystem& files, std::string path, const Options& options,
                 std::unique_ptr<Store> store);
  ~DurableBackend() override;

  Writer& writer() override { return *this; }
  std::unique_ptr<Reader> read() const override;
  Status commit() override;
  Status health() const override;
  uint64_t size_bytes() const override { return size_.load(); }
  uint64_t size_in_use_bytes() const override { return size_in_use_.load(); }
  uint64_t expected_size_bytes() const override;
  size_t open_readers() const override { return readers_->load(std::memory_order_relaxed); }
  Status snapshot(
      const std::function<Status(uint64_t total, std::string_view piece)>& sink) override;
  Result<std::unique_ptr<Copy>> copy() override;
  Status take_over(const std::string& path) override;
  Status defragment() override;
  bool defragmenting() const override { return defragmenting_ > 0; }

 private:
  void put(Bucket bucket, std::string_view key, std::string_view value) override;
  void append(Bucket bucket, std::string_view key, std::string_view value) override;
  void remove(Bucket bucket, std::string_view key) override;
  bool get(Bucket bucket, std::string_view key, std::string_view& value) const override;
  void end() override;

  void begin_change();
  std::shared_ptr<const View> view() const;
  void run();
  void seal();  // with the mutex
  bool active_empty() const { return buffer_->moment().changes == 0; }
  void note_sizes();
  Status pack();
  Status commit_sealed(const WriteBuffer& sealed);
  Result<std::unique_ptr<Store>> packed_copy(const std::string& temporary);

  env::FileSystem& files_;
  const std::string path_;
  const Options options_;
  const std::shared_ptr<std::atomic<size_t>> readers_ = std::make_shared<std::atomic<size_t>>(0);

  mutable std::mutex mutex_;
  std::condition_variable work_;  // for the thread: something to commit, or the end
  std::condition_variable done_;  // a buffer was sealed or committed, or a commit failed
  std::shared_ptr<const View> view_;
  std::shared_ptr<WriteBuffer> buffer_;  // view_->active, to be written
  uint64_t generation_ = 1;              // of buffer_
  uint64_t committed_generation_ = 0;
  bool in_change_ = false;
  bool seal_wanted_ = false;  // the writer seals at its next end()
  bool commit_wanted_ = false;
  bool told_full_ = false;  // the thread knows that buffer_ is to be committed at once
  bool stopping_ = false;
  Status health_;

  // The writer's own.
  WriteBuffer* writing_ = nullptr;  // buffer_, while in a change
  uint64_t estimate_before_ = 0;  // writing_'s, when the change began
  mutable std::optional<ViewReader> own_reader_;

  std::mutex store_mutex_;  // taken before mutex_
  std::unique_ptr<Store> store_;
  std::atomic<uint64_t> size_{0};
  std::atomic<uint64_t> size_in_use_{0};
  std::atomic<uint64_t> waiting_{0};  // estimate of what is published and not committed
  uint64_t copies_ = 0;
  std::atomic<int> defragmenting_{0};

  std::thread thread_;
};

}  // namespace gatehouse::backend
