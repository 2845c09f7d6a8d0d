// What a store must hold after a crash: every acknowledged write with its revision, and nothing
// that nobody wrote.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gatehouse::crash {

// One key's change within a write. An absent value is a delete.
struct Change {
  std::string key, value;
  bool deleted = false;
  bool operator==(const Change&) const = default;
};

// One request. Its changes have one revision; 0 while nobody has said which: the request may have
// been executed or not.
struct Write {
  std::vector<Change> changes;
  int64_t revision = 0;
};

struct Held {
  std::string value;
  int64_t mod_revision = 0, version = 0;
  bool operator==(const Held&) const = default;
};

using State = std::map<std::string, Held>;

// The changes of one revision, in the order of the watch.
struct Event {
  int64_t revision = 0;
  std::vector<Change> changes;
};

// Not safe for concurrent use; writers keep their own writes and hand them over when they have
// ended.
class Ledger {
 public:
  // The writes of one writer since the last check, in order. Of those without an answer each may be
  // in the store or not.
  void add(const std::vector<Write>& writes);

  // Compares the store with the ledger: `events` are all revisions after `checked_revision()`,
  // `state` all keys now, `revision` the store's. Returns what is wrong, empty if nothing is; then
  // the ledger is at `revision`.
  std::string check(const std::vector<Event>& events, const State& state, int64_t revision);

  int64_t checked_revision() const { return checked_revision_; }

 private:
  std::map<int64_t, Write> acknowledged_;  // by revision
  std::vector<Write> unanswered_;
  State state_;  // at checked_revision_
  int64_t checked_revision_ = 1;
};

}  // namespace gatehouse::crash
