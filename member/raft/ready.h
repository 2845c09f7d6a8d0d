// Ready: all that a turn of the core asks of its owner.
//
// In this order, where "persist" may be another thread's work and need not be waited for:
//
//   1. Send `messages`. They promise nothing that the disk does not hold yet.
//   2. Write `snapshot`, then `entries`, then `hard_state` to the log, behind all earlier writes.
//      `entries` replace whatever the log has at their indexes and after. must_sync: they have to
//      be durable before the write counts as done (else a later sync is early enough).
//   3. When that is done: send `after_persist`, then call Core::persisted(persist_sequence).
//      persist_sequence 0: there is nothing to do here, and after_persist is empty. It may be
//      nonzero with nothing to write: the messages then wait for earlier writes.
//   4. Apply `snapshot` once it is durable, then `committed`, and call Core::applied_to with the
//      last index. Membership changes among them go through Core::apply_conf_change at their place.
//   5. A read state may be answered once its index is applied.
//
// A kSnapshot among the messages should leave with the state the owner has applied by then (index,
// term, conf_state and data together): one taken before its receiver was added is ignored there. The
// owner reports what became of it, arrived or not, by Core::report_snapshot; until then, or until
// the receiver acknowledges it, nothing else is sent there.
//
// Vectors own their entries; payloads are shared with the log and may go to other threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "member/raft/types.h"

namespace gatehouse::raft {

struct Ready {
  std::optional<SoftState> soft_state;  // set when it changed
  std::optional<HardState> hard_state;  // set when it changed
  std::vector<Entry> entries;
  std::shared_ptr<const Snapshot> snapshot;
  bool must_sync = false;
  uint64_t persist_sequence = 0;
  std::vector<Message> messages;
  std::vector<Message> after_persist;
  std::vector<Entry> committed;
  std::vector<ReadState> read_states;
};

}  // namespace gatehouse::raft
