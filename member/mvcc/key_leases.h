// KeyLeases: what the store tells of keys that come under a lease and leave it. The lessor is one.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::mvcc {

// Called on the writer's thread, in the order of changes. Lease 0 is none.
class KeyLeases {
 public:
  // The key is under `lease` now and under no other. The lease exists: the applier has checked.
  virtual void attach(std::string_view key, int64_t lease) = 0;
  // The key was deleted or put without a lease.
  virtual void detach(std::string_view key) = 0;
  // The lease the key is under.
  virtual int64_t lease_of(std::string_view key) const = 0;

 protected:
  ~KeyLeases() = default;
};

}  // namespace gatehouse::mvcc
