// History: what clients asked of one key and what they were told, with the moments at which they
// asked and were told.
#pragma once

#include <cstdint>
#include <vector>

namespace gatehouse::sim {

// A key's value. Every write has its own; 0: the key is not there.
using Value = uint64_t;
inline constexpr Value kAbsent = 0;
inline constexpr uint64_t kNever = UINT64_MAX;

struct Operation {
  enum class Kind : uint8_t {
    kRead,
    kPut,            // of `value`
    kDelete,         // value is kAbsent
    kCompareAndPut,  // of `value` where the key has `expected`
  };
  Kind kind = Kind::kRead;
  Value expected = kAbsent;
  Value value = kAbsent;

  // Moments: a counter of the world, so that no two are the same.
  uint64_t asked = 0;
  // kNever: no answer came. It may have been carried out, at any time since, or may yet be.
  uint64_t told = kNever;

  // What the answer says; of no meaning without one.
  Value found = kAbsent;   // what the key had just before
  int64_t revision = 0;    // the store's, after it was carried out

  bool answered() const { return told != kNever; }
  bool changes() const {
    if (kind == Kind::kRead) return false;
    if (kind == Kind::kCompareAndPut) return found == expected;
    return kind == Kind::kPut || found != kAbsent;
  }
};

using History = std::vector<Operation>;

}  // namespace gatehouse::sim
