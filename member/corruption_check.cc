#include "member/corruption_check.h"

#include <utility>

namespace gatehouse::member {

namespace {

using Hash = std::function<Result<mvcc::HashResult>(int64_t)>;

// OK, too, when a compaction came in between: then the two are not to be compared.
Status check_twice(const Hash& hash) {
  const Result<mvcc::HashResult> first = hash(0);
  if (!first.ok()) return first.status();
  const Result<mvcc::HashResult> second = hash(first->revision);
  if (second.status().code() == StatusCode::kOutOfRange) return Status();
  if (!second.ok()) return second.status();
  if (first->compact_revision != second->compact_revision || first->hash == second->hash) {
    return Status();
  }
  return Status(StatusCode::kDataLoss, "found hash mismatch at revision " +
                                           std::to_string(first->revision) + ": " +
                                           std::to_string(first->hash) + ", then " +
                                           std::to_string(second->hash));
}

}  // namespace

CorruptionCheck::CorruptionCheck(env::Executor& executor, uint64_t interval_ms, Hooks hooks,
                                 log::Logger logger)
    : interval_ms_(interval_ms),
      hooks_(std::move(hooks)),
      logger_(std::move(logger)),
      timer_(executor, [this] { on_timer(); }) {
  LOG_INFO(logger_, "enabled corruption checking",
           {"interval", std::chrono::milliseconds(interval_ms)});
  timer_.arm(interval_ms_);
}

Status CorruptionCheck::at_start(const Hash& hash, const log::Logger& logger) {
  LOG_INFO(logger, "starting initial corruption check");
  const Status status = check_twice(hash);
  if (!status.ok()) return status.with_context("the initial corruption check");
  LOG_INFO(logger, "initial corruption checking passed; no corruption");
  return Status();
}

void CorruptionCheck::on_timer() {
  timer_.arm(interval_ms_);
  if (under_way_ || !hooks_.is_leader()) return;
  under_way_ = true;
  const auto result = std::make_shared<Status>();
  hooks_.run_aside([hash = hooks_.hash, result] { *result = check_twice(hash); },
                   [this, result, alive = std::weak_ptr<bool>(alive_)] {
                     if (alive.expired()) return;
                     under_way_ = false;
                     if (result->ok()) {
                       LOG_INFO(logger_, "finished corruption check");
                       return;
                     }
                     LOG_ERROR(logger_, "the corruption check failed",
                               {"error", result->message()});
                     if (result->code() == StatusCode::kDataLoss) hooks_.raise_corrupt();
                   });
}

}  // namespace gatehouse::member
