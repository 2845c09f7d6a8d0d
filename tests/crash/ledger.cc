#include "tests/crash/ledger.h"

#include <algorithm>

namespace gatehouse::crash {

namespace {

std::string describe(int64_t revision, const std::vector<Change>& changes) {
  std::string text = "revision " + std::to_string(revision) + ":";
  for (const Change& change : changes)
    text += (change.deleted ? " delete " : " put ") + change.key + "=" + change.value.substr(0, 40);
  return text;
}

void apply(State& state, const Event& event) {
  for (const Change& change : event.changes) {
    if (change.deleted) {
      state.erase(change.key);
      continue;
    }
    Held& held = state[change.key];
    held = {change.value, event.revision, held.version + 1};
  }
}

}  // namespace

void Ledger::add(const std::vector<Write>& writes) {
  for (const Write& write : writes) {
    if (write.revision == 0) {
      unanswered_.push_back(write);
    } else {
      acknowledged_[write.revision] = write;
    }
  }
}

std::string Ledger::check(const std::vector<Event>& events, const State& state, int64_t revision) {
  int64_t expected = checked_revision_;
  for (const Event& event : events) {
    if (event.revision != ++expected)
      return "after revision " + std::to_string(expected - 1) + " comes " +
             std::to_string(event.revision);
    if (const auto found = acknowledged_.find(event.revision); found != acknowledged_.end()) {
      if (found->second.changes != event.changes)
        return "acknowledged was " + describe(event.revision, found->second.changes) +
               ", but there is " + describe(event.revision, event.changes);
      acknowledged_.erase(found);
    } else {
      const auto owner =
          std::find_if(unanswered_.begin(), unanswered_.end(),
                       [&](const Write& write) { return write.changes == event.changes; });
      if (owner == unanswered_.end())
        return "nobody wrote " + describe(event.revision, event.changes);
      unanswered_.erase(owner);
    }
    apply(state_, event);
  }
  if (!acknowledged_.empty()) {
    const auto& [lost, write] = *acknowledged_.begin();
    return std::to_string(acknowledged_.size()) + " acknowledged writes are lost, the first is " +
           describe(lost, write.changes);
  }
  if (expected != revision)
    return "the store is at revision " + std::to_string(revision) + ", its history ends at " +
           std::to_string(expected);
  if (state_ != state) {
    for (const auto& [key, held] : state_) {
      const auto found = state.find(key);
      if (found == state.end()) return "the key " + key + " is missing";
      if (found->second != held)
        return "the key " + key + " has mod revision " +
               std::to_string(found->second.mod_revision) + ", version " +
               std::to_string(found->second.version) + " and " + found->second.value.substr(0, 40) +
               " instead of " + std::to_string(held.mod_revision) + ", " +
               std::to_string(held.version) + " and " + held.value.substr(0, 40);
    }
    return "there are keys that nobody wrote";
  }
  unanswered_.clear();  // what was not executed before the crash never will be
  checked_revision_ = revision;
  return "";
}

}  // namespace gatehouse::crash
