#include "member/replica/reads.h"

#include <algorithm>
#include <chrono>

#include "common/codec/fixed.h"

namespace gatehouse::replica {

void Reads::merge(Tickets& into, size_t lane, uint64_t ticket) {
  for (auto& [each, highest] : into) {
    if (each == lane) {
      highest = std::max(highest, ticket);
      return;
    }
  }
  into.emplace_back(lane, ticket);
}

void Reads::release(const Tickets& tickets) const {
  for (const auto& [lane, ticket] : tickets) release_(lane, ticket);
}

void Reads::ask(uint64_t now_ms) {
  if (wanted_.empty()) return;
  // Eight bytes: raft 3.7 leaders read the contexts of heartbeats as such.
  std::string context;
  codec::append_big_endian(context, next_context_++);
  // Without a leader they stay wanted, and the next tick asks.
  if (!core_.read_index(context).ok()) return;
  asked_.push_back({std::move(context), now_ms, std::exchange(wanted_, {})});
}

void Reads::ask_again(uint64_t now_ms, bool all) {
  while (!asked_.empty() && (all || asked_.front().asked_ms + kRetryMs <= now_ms)) {
    if (!all) {
      LOG_WARN_LIMITED(logger_, "waiting for ReadIndex response took too long, retrying",
                       {"sent-request-id", codec::load_big_endian<uint64_t>(
                                               asked_.front().context.data())},
                       {"retry-timeout", std::chrono::milliseconds(kRetryMs)});
    }
    for (const auto& [lane, ticket] : asked_.front().tickets) merge(wanted_, lane, ticket);
    asked_.pop_front();
  }
  ask(now_ms);
}

void Reads::on_read_state(const raft::ReadState& state, uint64_t applied) {
  const auto found =
      std::find_if(asked_.begin(), asked_.end(),
                   [&](const Asked& asked) { return asked.context == state.context; });
  if (found == asked_.end()) {  // was asked again
    slow_.add();
    return;
  }
  // What was asked before it is answered with it: its reads began earlier.
  for (auto each = asked_.begin();; ++each) {
    if (state.index <= applied) {
      release(each->tickets);
    } else {
      confirmed_.push_back({state.index, std::move(each->tickets)});
    }
    if (each == found) break;
  }
  asked_.erase(asked_.begin(), found + 1);
}

void Reads::on_applied(uint64_t applied) {
  std::erase_if(confirmed_, [&](const Confirmed& each) {
    if (each.index > applied) return false;
    release(each.tickets);
    return true;
  });
}

}  // namespace gatehouse::replica
