#include "member/leader_calls.h"

#include <algorithm>
#include <utility>

namespace gatehouse::member {

namespace {

constexpr uint64_t kRetryMs = 50;
constexpr uint64_t kAttemptMs = 2'000;
// Questions under way; clients that ask more wait for nothing.
constexpr size_t kMaxCalls = 4096;

}  // namespace

struct LeaderCalls::Call {
  Call(LeaderCalls& owner, transport::Question asked, uint64_t deadline, Done then)
      : question(std::move(asked)),
        deadline_ms(deadline),
        done(std::move(then)),
        timer(owner.executor_, [this, &owner] { owner.attempt(*this); }) {}

  const transport::Question question;
  const uint64_t deadline_ms;
  Done done;
  env::Timer timer;
  std::unique_ptr<transport::Fetch> fetch;
};

LeaderCalls::LeaderCalls(env::Executor& executor, net::Dialer& dialer,
                         membership::Cluster& cluster, const replica::Progress& progress)
    : executor_(executor), dialer_(dialer), cluster_(cluster), progress_(progress) {}

LeaderCalls::~LeaderCalls() = default;

void LeaderCalls::ask(transport::Question question, uint64_t timeout_ms, Done done) {
  const uint64_t deadline = executor_.now_ms() + (calls_.size() < kMaxCalls ? timeout_ms : 0);
  calls_.push_back(std::make_unique<Call>(*this, std::move(question), deadline, std::move(done)));
  calls_.back()->timer.arm(0);
}

void LeaderCalls::attempt(Call& call) {
  const uint64_t now = executor_.now_ms();
  if (now >= call.deadline_ms) return finish(call, unavailable("etcdserver: request timed out"));
  const uint64_t leader = progress_.leader;
  if (leader == cluster_.local_id()) {
    return finish(call, Status(StatusCode::kAborted, "this member leads"));
  }
  const auto members = cluster_.members();
  const membership::Member* const member = members->find(leader);
  if (member == nullptr) return again(call);
  transport::FetchOptions options;
  // A leader that hangs is soon not the leader any more.
  options.timeout_ms = std::min(call.deadline_ms - now, kAttemptMs);
  call.fetch = transport::fetch(executor_, dialer_, member->peer_urls, call.question, options,
                                [this, &call](Result<transport::Fetched> fetched) {
                                  if (!fetched.ok()) return again(call);
                                  finish(call, std::move(fetched));
                                });
}

void LeaderCalls::again(Call& call) { call.timer.arm(kRetryMs); }

void LeaderCalls::finish(Call& call, Result<transport::Fetched> result) {
  const auto it = std::find_if(calls_.begin(), calls_.end(),
                               [&](const auto& each) { return each.get() == &call; });
  std::unique_ptr<Call> over = std::move(*it);
  calls_.erase(it);
  const Done done = std::move(over->done);
  executor_.destroy_later(std::move(over));  // this is a callback of its timer or its fetch
  done(std::move(result));
}

}  // namespace gatehouse::member
