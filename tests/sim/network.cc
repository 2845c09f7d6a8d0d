#include "tests/sim/network.h"

#include <algorithm>

#include "common/base/check.h"
#include "member/raft/wire.h"

namespace gatehouse::sim {

namespace {

constexpr uint64_t kDialAgainUs = 100'000;
constexpr uint64_t kSnapshotTakesUs = 3'000'000;  // at most: it must be over when faults have long ended

}  // namespace

Network::Network(Timeline& timeline, Trace& trace, const Plan& plan, Ends ends)
    : timeline_(timeline),
      trace_(trace),
      plan_(plan),
      ends_(std::move(ends)),
      entropy_(plan.seed ^ 0x6e6574) {}

void Network::be_reliable() {
  reliable_ = true;
  mend();
}

void Network::send(raft::Message message) {
  // Some go through their encoding, as all do between processes.
  if (entropy_.below(16) == 0) {
    Result<raft::Message> decoded = raft::from_proto(raft::to_proto(message));
    CHECK_MSG(decoded.ok(), decoded.status().message());
    message = std::move(*decoded);
  }
  // A forwarded proposal is executed as often as it comes: that streams bring it once is what etcd,
  // too, relies on.
  const bool once = message.type == raft::MessageType::kPropose;
  const auto shared = std::make_shared<raft::Message>(std::move(message));
  carry(shared);
  if (!reliable_ && !once && entropy_.unit() < plan_.repeat) carry(shared);
}

uint64_t Network::delay() {
  uint64_t us = plan_.delay_min_us;
  if (reliable_) return us;
  us += entropy_.below(plan_.delay_max_us - plan_.delay_min_us + 1);
  if (entropy_.unit() < plan_.late) us += entropy_.below(100 * us);
  return us;
}

void Network::carry(std::shared_ptr<raft::Message> message) {
  const uint64_t after = delay();
  timeline_.after(after, [this, lost = loses(), message = std::move(message)] {
    const std::pair<raft::NodeId, raft::NodeId> link(message->from, message->to);
    if (lost || cut_.contains(link)) {
      if (entropy_.below(4) == 0) ends_.lost(link.first, link.second);
    } else if (!ends_.runs(link.second) && entropy_.unit() < plan_.kept) {
      keep(message);
    } else {
      arrive(message);
    }
  });
}

void Network::arrive(std::shared_ptr<raft::Message> message) {
  trace_.note(timeline_.now_us(), raft::message_name(message->type), message->to, message->from,
              message->term * 1000 + message->index);
  ++delivered_;
  ends_.deliver(*message);
}

// What is queued for a member that cannot be reached goes out when it can: to another process than
// the one that it was meant for.
void Network::keep(std::shared_ptr<raft::Message> message) {
  timeline_.after(kDialAgainUs, [this, message = std::move(message)] {
    if (ends_.runs(message->to)) {
      arrive(message);
    } else {
      keep(message);
    }
  });
}

void Network::send_snapshot(raft::Message message, std::string database) {
  const uint64_t after = std::min(10 * delay(), kSnapshotTakesUs);
  timeline_.after(after, [this, lost = loses(), message = std::move(message),
                          database = std::move(database)] {
    const std::pair<raft::NodeId, raft::NodeId> link(message.from, message.to);
    const bool arrived =
        !lost && !cut_.contains(link) && ends_.deliver_snapshot(message, database);
    trace_.note(timeline_.now_us(), "snapshot", message.to, message.snapshot->index, arrived);
    snapshots_ += arrived;
    ends_.report_snapshot(link.first, link.second, arrived);
  });
}

}  // namespace gatehouse::sim
