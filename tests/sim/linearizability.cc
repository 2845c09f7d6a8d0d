#include "tests/sim/linearizability.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gatehouse::sim {

namespace {

// The operations that matter, with the latest moment at which each can have been carried out.
struct Call {
  const Operation* operation;
  uint64_t latest;
};

std::vector<Call> calls_of(const History& history) {
  std::unordered_map<Value, uint64_t> first_found;  // value -> when somebody was told of it
  const auto note = [&](Value found, uint64_t told) {
    const auto [at, fresh] = first_found.try_emplace(found, told);
    const bool earlier = !fresh && told < at->second;
    if (earlier) at->second = told;
    return fresh || earlier;
  };
  for (const Operation& each : history) {
    if (each.answered()) note(each.found, each.told);
  }
  // One that was carried out without an answer has found what it expected.
  for (bool more = true; more;) {
    more = false;
    for (const Operation& each : history) {
      if (each.answered() || each.kind != Operation::Kind::kCompareAndPut) continue;
      const auto found = first_found.find(each.value);
      if (found != first_found.end()) more = note(each.expected, found->second) || more;
    }
  }
  std::vector<Call> calls;
  for (const Operation& each : history) {
    if (each.answered()) {
      calls.push_back({&each, each.told});
    } else if (each.kind == Operation::Kind::kDelete) {
      calls.push_back({&each, kNever});
    } else if (const auto found = first_found.find(each.value);
               each.kind != Operation::Kind::kRead && found != first_found.end()) {
      calls.push_back({&each, found->second});
    }
  }
  return calls;
}

// The value after it, or nothing if it does not explain the answer. Without an answer, an operation
// that is still among the calls was carried out.
std::optional<Value> step(Value value, const Operation& operation) {
  if (operation.answered() && operation.found != value) return std::nullopt;
  switch (operation.kind) {
    case Operation::Kind::kRead:
      return value;
    case Operation::Kind::kPut:
    case Operation::Kind::kDelete:
      return operation.value;
    case Operation::Kind::kCompareAndPut:
      if (operation.expected == value) return operation.value;
      return operation.answered() ? std::optional<Value>(value) : std::nullopt;
  }
  return std::nullopt;
}

class Search {
 public:
  explicit Search(std::vector<Call> calls)
      : calls_(std::move(calls)), taken_(calls_.size(), false) {
    std::sort(calls_.begin(), calls_.end(), [](const Call& a, const Call& b) {
      return a.operation->asked < b.operation->asked;
    });
    for (const Call& call : calls_) left_ += call.latest != kNever;
  }

  enum class Answer : uint8_t { kYes, kNo, kGaveUp };
  Answer run(uint64_t& steps_left) {
    size_t from = 0;
    while (left_ > 0) {
      if (steps_left == 0) return Answer::kGaveUp;
      --steps_left;
      const size_t next = find(from);
      if (next < calls_.size()) {
        take(next);
        from = 0;
      } else if (path_.empty()) {
        return Answer::kNo;
      } else {
        from = give_back() + 1;
      }
    }
    return Answer::kYes;
  }

  const Operation& farthest() const {
    return *calls_[std::min(farthest_, calls_.size() - 1)].operation;
  }

 private:
  struct Taken {
    size_t call;
    Value before;
  };

  // The first call from `from` on that may be next: nobody's latest moment is before it was asked.
  size_t find(size_t from) {
    uint64_t deadline = kNever;
    for (size_t i = first_; i < calls_.size(); ++i) {
      if (calls_[i].operation->asked > deadline) break;
      if (!taken_[i]) deadline = std::min(deadline, calls_[i].latest);
    }
    for (size_t i = std::max(from, first_); i < calls_.size(); ++i) {
      if (calls_[i].operation->asked > deadline) break;
      if (taken_[i]) continue;
      const std::optional<Value> after = step(value_, *calls_[i].operation);
      if (after && fresh(i, *after)) return i;
    }
    farthest_ = std::max(farthest_, first_);
    return calls_.size();
  }

  // Remembers the set with this call taken; false if it was reached before with this value.
  bool fresh(size_t call, Value after) {
    taken_[call] = true;
    // All before first_ are taken: the set is where it begins and which of the few after it.
    std::string key(reinterpret_cast<const char*>(&after), sizeof(after));
    size_t begin = first_;
    while (begin < calls_.size() && taken_[begin]) ++begin;
    key.append(reinterpret_cast<const char*>(&begin), sizeof(begin));
    for (size_t i = begin; i < calls_.size() && i <= std::max(last_, call); ++i) {
      if (!taken_[i]) continue;
      key.append(reinterpret_cast<const char*>(&i), sizeof(i));
    }
    taken_[call] = false;
    return seen_.insert(std::move(key)).second;
  }

  void take(size_t call) {
    path_.push_back({call, value_});
    value_ = *step(value_, *calls_[call].operation);
    taken_[call] = true;
    left_ -= calls_[call].latest != kNever;
    last_ = std::max(last_, call);
    while (first_ < calls_.size() && taken_[first_]) ++first_;
  }

  size_t give_back() {
    const Taken taken = path_.back();
    path_.pop_back();
    value_ = taken.before;
    taken_[taken.call] = false;
    left_ += calls_[taken.call].latest != kNever;
    first_ = std::min(first_, taken.call);
    return taken.call;
  }

  std::vector<Call> calls_;  // by when they were asked
  std::vector<bool> taken_;
  std::vector<Taken> path_;
  Value value_ = kAbsent;
  size_t left_ = 0;      // not taken, and with a latest moment
  size_t first_ = 0;     // not taken; all before it are
  size_t last_ = 0;      // the last that was ever taken
  size_t farthest_ = 0;  // how far first_ came
  std::unordered_set<std::string> seen_;
};

}  // namespace

std::string describe(const Operation& operation) {
  const char* const names[] = {"read", "put", "delete", "compare-and-put"};
  std::string text = names[static_cast<size_t>(operation.kind)];
  if (operation.kind == Operation::Kind::kCompareAndPut) {
    text += " expecting " + std::to_string(operation.expected);
  }
  if (operation.value != kAbsent) text += " of " + std::to_string(operation.value);
  text += " at " + std::to_string(operation.asked);
  if (!operation.answered()) return text + ", without an answer";
  return text + ".." + std::to_string(operation.told) + " found " +
         std::to_string(operation.found) + " (revision " + std::to_string(operation.revision) + ")";
}

std::optional<std::string> check_linearizable(const History& history, uint64_t& steps_left) {
  std::vector<Call> calls = calls_of(history);
  if (calls.empty()) return std::nullopt;
  Search search(std::move(calls));
  if (search.run(steps_left) != Search::Answer::kNo) return std::nullopt;
  return "no order of the operations explains: " + describe(search.farthest());
}

std::optional<std::string> check_revisions(const std::vector<const History*>& histories) {
  std::vector<const Operation*> asked;
  for (const History* history : histories) {
    for (const Operation& each : *history) {
      if (each.answered()) asked.push_back(&each);
    }
  }
  std::vector<const Operation*> told = asked;
  std::sort(asked.begin(), asked.end(),
            [](const Operation* a, const Operation* b) { return a->asked < b->asked; });
  std::sort(told.begin(), told.end(),
            [](const Operation* a, const Operation* b) { return a->told < b->told; });
  const Operation* newest = nullptr;  // of those answered before the one looked at was asked
  auto answered = told.begin();
  for (const Operation* each : asked) {
    for (; (*answered)->told < each->asked; ++answered) {
      if (newest == nullptr || (*answered)->revision > newest->revision) newest = *answered;
    }
    if (newest == nullptr) continue;
    if (each->revision < newest->revision ||
        (each->changes() && each->revision == newest->revision)) {
      return "asked after the answer to " + describe(*newest) + ": " + describe(*each);
    }
  }
  return std::nullopt;
}

}  // namespace gatehouse::sim
