// Progress: what the leader knows of one member's log, and how it sends to it.
//
//   probe      one append at a time until the place where the logs agree is found
//   replicate  a window of appends, sent optimistically
//   snapshot   nothing but heartbeats until the follower has the snapshot that was sent
//
// match < next always: entries up to match are known to be in the follower's log, next is what is
// to be sent next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "member/raft/inflights.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

enum class ProgressState : uint8_t { kProbe, kReplicate, kSnapshot };
std::string_view progress_state_name(ProgressState state);

struct Progress {
  Progress(NodeId node, uint64_t next_index, Inflights window)
      : id(node), next(next_index), inflights(window) {}

  void become_probe();
  void become_replicate();
  void become_snapshot(uint64_t index);

  // Nothing but heartbeats (and, in replicate, empty appends after them) may go out now.
  bool paused() const;

  // An append with `entries` entries of `bytes` encoded bytes and this commit index went out.
  void sent_append(size_t entries, uint64_t bytes, uint64_t commit);

  // The follower has everything up to `index`. False when that was known.
  bool maybe_update(uint64_t index);

  // The follower refused an append that followed `rejected`; it may agree at `hint` at the latest.
  // False for a stale refusal, which changes nothing.
  bool maybe_decrease_to(uint64_t rejected, uint64_t hint);

  // Would an append tell the follower of a higher commit index than it was told of?
  bool can_bump_commit(uint64_t committed) const {
    return committed > sent_commit && sent_commit < next - 1;
  }

  // One line for people: "StateReplicate match=4 next=5".
  std::string to_string() const;

  NodeId id;
  uint64_t match = 0;
  uint64_t next;
  uint64_t sent_commit = 0;
  uint64_t pending_snapshot = 0;  // in snapshot only
  ProgressState state = ProgressState::kProbe;
  bool is_learner = false;
  bool recent_active = false;  // heard from since the last quorum check
  bool append_paused = false;  // probe: one is out; replicate: the window was full
  Inflights inflights;
};

}  // namespace gatehouse::raft
