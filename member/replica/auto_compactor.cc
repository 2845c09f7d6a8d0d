#include "member/replica/auto_compactor.h"

#include <algorithm>
#include <utility>

namespace gatehouse::replica {

namespace {

uint64_t compact_interval(const AutoCompactor::Options& options, std::chrono::milliseconds hour,
                          uint64_t revision_interval_ms) {
  if (options.mode == AutoCompactor::Mode::kRevision) return revision_interval_ms;
  return static_cast<uint64_t>(std::min(options.period, hour).count());
}

}  // namespace

AutoCompactor::AutoCompactor(env::Executor& executor, const Options& options, Hooks hooks,
                             log::Logger logger)
    : executor_(executor),
      options_(options),
      hooks_(std::move(hooks)),
      logger_(std::move(logger)),
      compact_interval_ms_(compact_interval(options, kHour, kRevisionIntervalMs)),
      sample_interval_ms_(options.mode == Mode::kRevision
                              ? kRevisionIntervalMs
                              : std::max<uint64_t>(compact_interval_ms_ / kSamplesPerInterval, 1)),
      samples_kept_(static_cast<size_t>(options.period.count()) / sample_interval_ms_ + 1),
      last_compaction_ms_(executor.now_ms()),
      timer_(executor, [this] { on_timer(); }) {
  if (options_.mode == Mode::kPeriodic) sample();
  timer_.arm(sample_interval_ms_);
}

void AutoCompactor::sample() {
  samples_.push_back(hooks_.revision());
  if (samples_.size() > samples_kept_) samples_.pop_front();
}

void AutoCompactor::on_timer() {
  timer_.arm(sample_interval_ms_);
  if (options_.mode == Mode::kRevision) {
    compact(hooks_.revision() - options_.revisions);
    return;
  }
  sample();
  const bool due = executor_.now_ms() - last_compaction_ms_ >= compact_interval_ms_;
  if (samples_.size() == samples_kept_ && due) compact(samples_.front());
}

void AutoCompactor::compact(int64_t revision) {
  if (revision <= 0 || revision == last_revision_ || !hooks_.is_leader()) return;
  const uint64_t began = executor_.now_ms();
  LOG_INFO(logger_, "starting auto compaction", {"revision", revision});
  hooks_.compact(revision, [this, revision, began](const Status& status) {
    // That another one was quicker is as good.
    if (status.ok() || status.code() == StatusCode::kOutOfRange) {
      last_revision_ = revision;
      last_compaction_ms_ = began;
      LOG_INFO(logger_, "completed auto compaction", {"revision", revision});
    } else {
      LOG_WARN(logger_, "failed auto compaction", {"revision", revision},
               {"error", status.message()});
    }
  });
}

}  // namespace gatehouse::replica
