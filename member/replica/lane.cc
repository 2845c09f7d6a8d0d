#include "member/replica/lane.h"

#include <algorithm>
#include <utility>

namespace gatehouse::replica {

namespace {

Status too_many_requests() {
  // Without a code, as etcd's own answer has none; clients know it by its text.
  return Status(StatusCode::kUnknown, "etcdserver: too many requests");
}

Status leader_failed() {
  return unavailable("etcdserver: request timed out, possibly due to previous leader failure");
}

Status too_large() { return invalid_argument("etcdserver: request is too large"); }

}  // namespace

Lane::Lane(env::Executor& executor, const Options& options, RequestIds& ids,
           const Progress& progress, HandOver hand_over)
    : executor_(executor),
      options_(options),
      ids_(ids),
      progress_(progress),
      hand_over_(std::move(hand_over)),
      timer_(executor, [this] { on_timer(); }),
      refuse_timer_(executor, [this] { settle(std::exchange(refused_, {}), false); }) {
  batch_.lane = options_.index;
  if (options_.metrics == nullptr) return;
  durations_ = options_.metrics->request_durations();
  failed_reads_ = options_.metrics->failed_read_indexes;
  slow_reads_ = options_.metrics->slow_read_indexes;
}

Lane::~Lane() = default;

uint64_t Lane::propose(apply::Request request, Done done) {
  request.id = ids_.next(options_.index);
  const uint64_t id = request.id;
  if (batch_.proposals.empty()) turn_us_ = executor_.now_us();
  proposals_.emplace(id, Proposal{request.kind, turn_us_, std::move(done)});
  if (!stopped_.ok()) {
    refuse_later(id, stopped_);
    return id;
  }
  const uint64_t applied = progress_.applied.load(std::memory_order_relaxed);
  if (progress_.committed.load(std::memory_order_relaxed) > applied + kMaxApplyBacklog) {
    refuse_later(id, too_many_requests());
    return id;
  }
  raft::Payload payload = apply::make_payload(request);
  if (payload.size() > options_.max_request_bytes) {
    refuse_later(id, too_large());
    return id;
  }
  batch_.proposals.push_back(std::move(payload));
  batch_.last_id = id;
  last_proposed_ = id;
  executor_.at_turn_end(*this);
  return id;
}

void Lane::cancel(uint64_t id) { proposals_.erase(id); }

bool Lane::readable_now() const {
  if (!stopped_.ok() || !progress_.leads_alone.load(std::memory_order_acquire)) return false;
  const uint64_t committed = progress_.committed.load(std::memory_order_acquire);
  return progress_.applied.load(std::memory_order_acquire) >= committed;
}

uint64_t Lane::read_index(ReadDone done) {
  const uint64_t id = next_read_++;
  reads_.push_back({id, next_ticket_, executor_.now_ms() + options_.timeout_ms, std::move(done)});
  batch_.read_ticket = next_ticket_;
  executor_.at_turn_end(*this);
  return id;
}

void Lane::cancel_read(uint64_t read) {
  const auto found = std::lower_bound(reads_.begin(), reads_.end(), read,
                                      [](const Read& each, uint64_t id) { return each.id < id; });
  if (found != reads_.end() && found->id == read) found->done = nullptr;
}

void Lane::on_turn_end() {
  waiting_.store(proposals_.size(), std::memory_order_relaxed);
  if (batch_.read_ticket != 0) ++next_ticket_;
  if (!batch_.proposals.empty()) {
    deadlines_.push_back({executor_.now_ms() + options_.timeout_ms, last_proposed_});
  }
  if (!stopped_.ok()) {
    timer_.arm(0);
    return;
  }
  arm_timer();
  LaneBatch batch;
  batch.lane = options_.index;
  std::swap(batch, batch_);
  hand_over_(std::move(batch));
}

void Lane::on_answers(std::vector<Answer> answers) { settle(std::move(answers), true); }

void Lane::settle(std::vector<Answer> answers, bool applied) {
  const uint64_t now_us = executor_.now_us();
  for (Answer& answer : answers) {
    const auto found = proposals_.find(answer.id);
    if (found == proposals_.end()) continue;  // timed out, cancelled, or of an earlier start
    const Proposal& proposal = found->second;
    durations_.observe(proposal.kind, applied,
                       std::chrono::microseconds(now_us - proposal.since_us));
    Done done = std::move(found->second.done);
    proposals_.erase(found);
    done(std::move(answer.outcome));
  }
  waiting_.store(proposals_.size(), std::memory_order_relaxed);
}

void Lane::on_read(uint64_t up_to_ticket) {
  while (!reads_.empty() && reads_.front().ticket <= up_to_ticket) {
    ReadDone done = std::move(reads_.front().done);
    reads_.pop_front();
    if (done) done(Status());
  }
}

void Lane::refuse_later(uint64_t id, Status why) {
  failed_.fetch_add(1, std::memory_order_relaxed);
  refused_.push_back({id, apply::Outcome(std::move(why))});
  refuse_timer_.arm(0);
}

void Lane::on_lost(uint64_t up_to_id) { fail_proposals(up_to_id, leader_failed()); }

// etcd tells a client whether it was likely the loss of the leader.
Status Lane::timed_out(uint64_t since_ms) const {
  const uint64_t lost = progress_.leader_lost_ms.load(std::memory_order_relaxed);
  if (lost != 0 && lost + 2 * options_.election_timeout_ms >= since_ms) {
    return leader_failed();
  }
  return unavailable("etcdserver: request timed out");
}

void Lane::on_timer() {
  const uint64_t now = executor_.now_ms();
  const bool stopped = !stopped_.ok();
  end_late(now, stopped);
  while (!reads_.empty() && (stopped || reads_.front().deadline_ms <= now)) {
    ReadDone done = std::move(reads_.front().done);
    const uint64_t since = reads_.front().deadline_ms - options_.timeout_ms;
    reads_.pop_front();
    if (!stopped) {
      failed_reads_.add();
      slow_reads_.add();
    }
    if (done) done(stopped ? stopped_ : timed_out(since));
  }
  arm_timer();
}

void Lane::end_late(uint64_t now, bool all) {
  uint64_t last = 0;
  uint64_t since = 0;
  while (!deadlines_.empty() && (all || deadlines_.front().ms <= now)) {
    last = deadlines_.front().last_id;
    since = deadlines_.front().ms - options_.timeout_ms;
    deadlines_.pop_front();
  }
  if (last != 0) fail_proposals(last, all ? stopped_ : timed_out(since));
}

void Lane::fail_proposals(uint64_t last_id, const Status& why) {
  // Rare, hence a look at all that waits; ids of a lane rise.
  std::vector<Answer> late;
  for (const auto& [id, proposal] : proposals_) {
    if (id <= last_id) late.push_back({id, apply::Outcome(why)});
  }
  failed_.fetch_add(late.size(), std::memory_order_relaxed);
  std::sort(late.begin(), late.end(), [](const Answer& a, const Answer& b) { return a.id < b.id; });
  settle(std::move(late), false);
}

void Lane::arm_timer() {
  if (timer_.armed()) return;
  if (proposals_.empty()) deadlines_.clear();
  uint64_t due = UINT64_MAX;
  if (!deadlines_.empty()) due = deadlines_.front().ms;
  if (!reads_.empty()) due = std::min(due, reads_.front().deadline_ms);
  if (due == UINT64_MAX) return;
  const uint64_t now = executor_.now_ms();
  timer_.arm(due > now ? due - now : 0);
}

void Lane::stop(const Status& why) {
  if (!stopped_.ok()) return;
  stopped_ = why;
  timer_.arm(0);
}

}  // namespace gatehouse::replica
