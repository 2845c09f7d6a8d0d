#include "member/raft/invariants.h"

namespace gatehouse::raft {
namespace {

const char* broken_log(const Core& core) {
  const Log& log = core.log();
  if (log.applied() > log.applying()) return "applied is beyond what was handed out";
  if (log.applying() > log.committed()) return "handed out for applying is beyond committed";
  if (log.committed() > log.last_index()) return "committed is beyond the last entry";
  if (log.committed() + 1 < log.first_index()) return "entries were compacted before their commit";
  if (log.stable_index() > log.last_index()) return "stable is beyond the last entry";
  if (!log.snapshot_pending() && log.applying() > log.stable_index()) {
    return "entries were handed out for applying before they were durable";
  }
  if (log.last_term() > core.term()) return "the last entry is of a later term";
  return nullptr;
}

const char* broken_role(const Core& core) {
  switch (core.role()) {
    case Role::kFollower:
      if (core.leader() == core.id()) return "a follower follows itself";
      break;
    case Role::kPreCandidate:
    case Role::kCandidate:
      if (core.leader() != kNoNode) return "a candidate has a leader";
      if (core.role() == Role::kCandidate && core.vote() != core.id()) {
        return "a candidate has voted for another";
      }
      break;
    case Role::kLeader:
      if (core.leader() != core.id()) return "a leader names another leader";
      if (core.vote() != core.id()) return "a leader has voted for another";
      break;
  }
  return nullptr;
}

const char* broken_progress(const Core& core) {
  const Log& log = core.log();
  for (const Progress& member : core.tracker().members()) {
    if (member.match >= member.next) return "match is not below next";
    if (core.role() != Role::kLeader) continue;
    if (member.match > log.last_index()) return "match is beyond the leader's log";
    if (member.next > log.last_index() + 1) return "next is beyond the leader's log";
    if (member.id == core.id() && member.match > log.stable_index()) {
      return "the leader counts entries of its own that are not durable";
    }
    if (member.is_learner != core.config().learners.contains(member.id)) {
      return "progress and configuration disagree on a learner";
    }
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> Invariants::check(const Core& core) {
  for (const char* broken : {broken_log(core), broken_role(core), broken_progress(core)}) {
    if (broken != nullptr) return broken;
  }
  const Log& log = core.log();
  if (before_.has_value()) {
    const Seen& before = *before_;
    if (core.term() < before.term) return "the term went back";
    if (log.committed() < before.committed) return "the commit index went back";
    if (log.applied() < before.applied) return "the applied index went back";
    const std::optional<uint64_t> term = log.term(before.committed);
    if (term.has_value() && *term != before.committed_term) return "a committed entry changed";
    if (core.term() == before.term) {
      if (before.vote != kNoNode && core.vote() != before.vote) return "a vote changed in its term";
      if (before.leader != kNoNode && core.leader() != kNoNode && core.leader() != before.leader) {
        return "a term has two leaders";
      }
    }
    if (core.role() == Role::kLeader && before.role != Role::kLeader &&
        before.role != Role::kCandidate) {
      return "a leader was no candidate";
    }
    if (core.role() == Role::kLeader && before.role == Role::kLeader &&
        core.term() == before.term) {
      const std::optional<uint64_t> last = log.term(before.last.index);
      if (log.last_index() < before.last.index || (last.has_value() && *last != before.last.term)) {
        return "a leader took back an entry";
      }
    }
  }
  before_ = Seen{core.term(),     core.vote(),
                 core.leader(),   core.role(),
                 log.committed(), log.term(log.committed()).value_or(0),
                 log.applied(),   {log.last_index(), log.last_term()}};
  return std::nullopt;
}

}  // namespace gatehouse::raft
