#include "member/wal/writer.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::wal {
namespace {

// All batches as one write and, if one of them needs it, one sync.
Status write_together(Log& log, std::span<const Batch> batches) {
  bool must_sync = false;
  uint64_t release_before = 0;
  for (const Batch& batch : batches) {
    for (const SnapshotRecord& snapshot : batch.snapshots) log.stage_snapshot(snapshot);
    log.stage(batch.state ? &*batch.state : nullptr, batch.entries);
    must_sync = must_sync || batch.must_sync || !batch.snapshots.empty();
    release_before = std::max(release_before, batch.release_before);
  }
  GATEHOUSE_RETURN_IF_ERROR(log.write(must_sync));
  if (release_before == 0) return Status();
  GATEHOUSE_RETURN_IF_ERROR(log.sync());
  return log.release_before(release_before);
}

}  // namespace

ThreadWriter::ThreadWriter(std::unique_ptr<Log> log, WriterCallbacks callbacks)
    : log_(std::move(log)), callbacks_(std::move(callbacks)) {
  CHECK(log_ != nullptr);
  thread_ = std::thread([this] { run(); });
}

ThreadWriter::~ThreadWriter() {
  stopping_.store(true);
  signal_.fetch_add(1);
  signal_.notify_one();
  thread_.join();
}

bool ThreadWriter::append(Batch batch, uint64_t sequence) {
  CHECK_MSG(sequence > appended_sequence_, "sequences of a LogWriter go up");
  appended_sequence_ = sequence;
  // A thread that is idle stays so until something waits, and leaves the log alone.
  if (may_write_directly(batch) && idle()) {
    if (write({&batch, 1}).ok()) return true;
    batch = Batch();  // the thread meets the failed log and tells of it
  }
  bool first;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(batch));
    waiting_sequence_ = sequence;
  }
  // Who finds something waiting has been preceded by one that woke the thread up.
  if (first) {
    signal_.fetch_add(1);
    signal_.notify_one();
  }
  return false;
}

bool ThreadWriter::idle() {
  const std::lock_guard lock(mutex_);
  return waiting_.empty() && !busy_;
}

bool ThreadWriter::may_write_directly(const Batch& batch) const {
  if (!batch.must_sync || !batch.snapshots.empty() || batch.release_before != 0) return false;
  if (batch.entries.size() > kDirectEntries) return false;
  size_t bytes = 0;
  for (const raft::Entry& entry : batch.entries) bytes += entry.data.size();
  const int64_t usual = usual_sync_us_.load(std::memory_order_relaxed);
  return bytes <= kDirectBytes && usual > 0 && usual <= kDirectSyncUs;
}

Status ThreadWriter::write(std::span<const Batch> batches) {
  const auto begun = std::chrono::steady_clock::now();
  const Status status = write_together(*log_, batches);
  const auto took = std::chrono::steady_clock::now() - begun;
  const auto whole_us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  const int64_t us = std::max<int64_t>(1, whole_us);
  const int64_t usual = usual_sync_us_.load(std::memory_order_relaxed);
  const bool synced = std::any_of(batches.begin(), batches.end(),
                                  [](const Batch& batch) { return batch.must_sync; });
  if (synced) usual_sync_us_.store(usual == 0 ? us : usual + (us - usual) / 8);
  return status;
}

void ThreadWriter::run() {
  std::vector<Batch> batches;
  bool told_of_failure = false;
  for (;;) {
    // The order matters: whatever is appended after this load changes the signal.
    const int seen = signal_.load();
    const bool stopping = stopping_.load();
    uint64_t sequence;
    {
      const std::lock_guard lock(mutex_);
      batches.swap(waiting_);
      sequence = waiting_sequence_;
      busy_ = !batches.empty();
    }
    if (batches.empty()) {
      if (stopping) return;
      signal_.wait(seen);
      continue;
    }
    const Status status = write(batches);
    // Payloads go before the owner is told, which may wait for just that.
    batches.clear();
    if (status.ok()) {
      if (callbacks_.on_durable) callbacks_.on_durable(sequence);
    } else if (!std::exchange(told_of_failure, true) && callbacks_.on_failed) {
      callbacks_.on_failed(status);
    }
  }
}

struct InlineWriter::State {
  Log& log;
  env::Executor& executor;
  const WriterCallbacks callbacks;
  std::vector<Batch> waiting;
  uint64_t sequence = 0;
  bool posted = false;
};

InlineWriter::InlineWriter(Log& log, env::Executor& executor, WriterCallbacks callbacks)
    : state_(new State{log, executor, std::move(callbacks), {}, 0, false}) {}

InlineWriter::~InlineWriter() = default;

bool InlineWriter::append(Batch batch, uint64_t sequence) {
  CHECK_MSG(sequence > state_->sequence, "sequences of a LogWriter go up");
  state_->waiting.push_back(std::move(batch));
  state_->sequence = sequence;
  if (std::exchange(state_->posted, true)) return false;
  state_->executor.post([weak = std::weak_ptr<State>(state_)] {
    const std::shared_ptr<State> state = weak.lock();
    if (state == nullptr) return;
    state->posted = false;
    const std::vector<Batch> batches = std::exchange(state->waiting, {});
    const bool failed_before = !state->log.health().ok();
    const uint64_t done = state->sequence;
    const Status status = write_together(state->log, batches);
    if (status.ok()) {
      if (state->callbacks.on_durable) state->callbacks.on_durable(done);
    } else if (!failed_before && state->callbacks.on_failed) {
      state->callbacks.on_failed(status);
    }
  });
  return false;
}

}  // namespace gatehouse::wal
