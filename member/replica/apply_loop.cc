#include "member/replica/apply_loop.h"

#include <utility>

#include "common/base/check.h"
#include "member/membership/v2.h"
#include "member/raft/conf_change.h"
#include "member/schema/meta.h"

namespace gatehouse::replica {

ApplyLoop::ApplyLoop(env::Executor& executor, env::Executor& pump_executor, const Options& options,
                     const apply::Parts& parts, size_t lanes, RequestIds& ids, Progress& progress,
                     mvcc::WatchFeed& feed, raft::LogPosition applied, ApplyEvents events,
                     log::Logger logger)
    : executor_(executor),
      pump_executor_(pump_executor),
      parts_(parts),
      applier_(apply::make_applier(parts)),
      ids_(ids),
      progress_(progress),
      feed_(feed),
      events_(std::move(events)),
      logger_(std::move(logger)),
      times_(executor, options.warn_apply_ms, options.metrics, logger_),
      index_(applied.index),
      term_(applied.term),
      answers_(lanes) {
  progress_.applied = applied.index;
}

void ApplyLoop::on_committed(std::shared_ptr<const raft::Snapshot> snapshot,
                             std::vector<raft::Entry> entries) {
  Batch batch{std::move(snapshot), std::move(entries)};
  if (&executor_ == &pump_executor_) {
    enqueue(std::move(batch));
    return;
  }
  executor_.post([this, batch = std::move(batch)]() mutable { enqueue(std::move(batch)); });
}

void ApplyLoop::enqueue(Batch batch) {
  batches_.push_back(std::move(batch));
  run();
}

void ApplyLoop::run() {
  if (running_) return;
  running_ = true;
  while (!waiting_ && !batches_.empty()) {
    Batch& batch = batches_.front();
    if (batch.snapshot) {
      // What is applied before it must not be mixed with it.
      finish_batch();
      const auto snapshot = std::exchange(batch.snapshot, nullptr);
      waiting_ = restoring_ = true;
      events_.restore(snapshot, [this, snapshot] { restored(*snapshot); });
      continue;
    }
    times_.begin();
    while (!waiting_ && batch.next < batch.entries.size()) {
      if (apply(batch.entries[batch.next])) ++batch.next;
    }
    if (waiting_) break;
    batches_.pop_front();
    finish_batch();
  }
  running_ = false;
}

void ApplyLoop::restored(const raft::Snapshot& snapshot) {
  index_ = snapshot.index;
  term_ = snapshot.term;
  conf_state_ = snapshot.conf_state;
  waiting_ = restoring_ = false;
  // Watchers read from the new store what they have not had.
  feed_.publish({}, parts_.store.read().revision());
  parts_.store.run_writer_tasks();  // what it asked for meanwhile
  finish_batch();
  run();
}

bool ApplyLoop::apply(const raft::Entry& entry) {
  CHECK_MSG(entry.index == index_ + 1, "a gap in what is to be applied");
  if (entry.type != raft::EntryType::kNormal) return apply_conf_change(entry);
  apply_normal(entry);
  index_ = entry.index;
  term_ = entry.term;
  dirty_ = true;
  return true;
}

void ApplyLoop::apply_normal(const raft::Entry& entry) {
  if (entry.data.size() == 0) {
    if (events_.on_term_began) events_.on_term_began(entry.term);
    return;
  }
  const std::optional<apply::Request> request = apply::parse_request(entry.data.view());
  if (!request) {
    if (!apply_v2(entry)) {
      LOG_WARN_LIMITED(logger_, "an entry that is no request was passed over",
                       {"index", entry.index});
    }
    return;
  }
  apply::Outcome outcome = applier_->apply(*request);
  times_.done(*request, outcome);
  if (outcome.status.code() == StatusCode::kResourceExhausted && events_.on_no_space) {
    events_.on_no_space();
  }
  if (outcome.deferred) return;
  if (const std::optional<size_t> lane = ids_.lane_of(request->id)) {
    answers_[*lane].push_back({request->id, std::move(outcome)});
  }
}

// etcd 3.5 and before told names, URLs and the version this way.
bool ApplyLoop::apply_v2(const raft::Entry& entry) {
  std::optional<membership::V2Put> put = membership::parse_v2_request(entry.data.view());
  if (!put) return false;
  backend::Writer& writer = parts_.backend.writer();
  switch (put->kind) {
    case membership::V2Put::Kind::kPublish:
      parts_.cluster.set_attributes(writer, put->member.id, std::move(put->member.name),
                                    std::move(put->member.client_urls));
      return true;
    case membership::V2Put::Kind::kVersion:
      return parts_.cluster.set_version(writer, put->version).ok();
    case membership::V2Put::Kind::kOther:
      return true;
  }
  return false;
}

bool ApplyLoop::apply_conf_change(const raft::Entry& entry) {
  // Every member refuses the same change in the same words; the core is told of one that changes
  // nothing, as etcd does.
  raftpb::ConfChange change;
  Status refused = invalid_argument("an entry that is no membership change");
  if (entry.type == raft::EntryType::kConfChange &&
      change.ParseFromArray(entry.data.view().data(), static_cast<int>(entry.data.size()))) {
    refused = parts_.cluster.validate(change);
  }
  if (!refused.ok()) change.set_node_id(raft::kNoNode);
  waiting_ = true;
  in_call_ = true;
  events_.change_configuration(
      raft::as_v2(change), [this, entry, change, refused](Result<raftpb::ConfState> state) {
        conf_change_done(entry, change, refused, std::move(state));
      });
  in_call_ = false;
  return !waiting_;
}

void ApplyLoop::conf_change_done(const raft::Entry& entry, const raftpb::ConfChange& change,
                                 Status refused, Result<raftpb::ConfState> state) {
  waiting_ = false;
  if (refused.ok() && !state.ok()) refused = state.status();
  if (state.ok()) conf_state_ = *state;
  bool removed_self = false;
  if (refused.ok()) {
    backend::Writer& writer = parts_.backend.writer();
    const Result<membership::ParsedChange> done = parts_.cluster.apply(writer, change);
    CHECK_MSG(done.ok(), done.status().message());
    removed_self = done->kind == membership::ParsedChange::Kind::kRemove &&
                   done->member.id == parts_.cluster.local_id();
  }
  index_ = entry.index;
  term_ = entry.term;
  dirty_ = true;
  if (events_.on_conf_change) events_.on_conf_change(change.id(), refused);
  if (removed_self && events_.on_removed) events_.on_removed();
  if (in_call_) return;  // the caller goes on
  ++batches_.front().next;
  run();
}

void ApplyLoop::finish_batch() {
  if (dirty_) {
    dirty_ = false;
    backend::Writer& writer = parts_.backend.writer();
    char number[8];
    codec::store_big_endian(number, index_);
    writer.put(backend::Bucket::kMeta, schema::kConsistentIndex, {number, sizeof(number)});
    codec::store_big_endian(number, term_);
    writer.put(backend::Bucket::kMeta, schema::kTerm, {number, sizeof(number)});
  }
  std::vector<mvcc::Change> changes = parts_.store.publish();
  progress_.applied.store(index_, std::memory_order_release);
  if (!changes.empty()) feed_.publish(std::move(changes), parts_.store.read().revision());
  for (size_t lane = 0; lane < answers_.size(); ++lane) {
    if (!answers_[lane].empty()) events_.answer(lane, std::exchange(answers_[lane], {}));
  }
  if (events_.on_applied) events_.on_applied(index_);
  if (events_.on_batch) events_.on_batch(index_, term_);
}

void ApplyLoop::complete_later(uint64_t id, apply::Outcome outcome) {
  const std::optional<size_t> lane = ids_.lane_of(id);
  if (!lane) return;
  std::vector<Answer> answers;
  answers.push_back({id, std::move(outcome)});
  events_.answer(*lane, std::move(answers));
}

void ApplyLoop::run_writer_tasks() {
  if (restoring_) return;
  parts_.store.run_writer_tasks();
  if (!running_ && !waiting_) finish_batch();
}

}  // namespace gatehouse::replica
