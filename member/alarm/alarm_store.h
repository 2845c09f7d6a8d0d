// AlarmStore: which member has raised which alarm. Rows of the "alarm" bucket: an encoded
// AlarmMember each, without a value.
//
// Thread-safe; activate and deactivate come from the apply thread only. any() is one atomic load.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "member/backend/backend.h"
#include "proto/rpc.pb.h"

namespace gatehouse::alarm {

class AlarmStore {
 public:
  // Forgets everything and reads the rows. kDataLoss: a row is no alarm.
  Status open(const backend::Backend& backend);

  // The alarm, raised now or before. Nothing for NONE.
  std::optional<etcdserverpb::AlarmMember> activate(backend::Writer& writer, uint64_t member,
                                                    etcdserverpb::AlarmType type);
  // Nothing when it was not raised.
  std::optional<etcdserverpb::AlarmMember> deactivate(backend::Writer& writer, uint64_t member,
                                                      etcdserverpb::AlarmType type);

  // Of one type, or all for NONE; by type, then member.
  std::vector<etcdserverpb::AlarmMember> get(etcdserverpb::AlarmType type) const;
  bool any(etcdserverpb::AlarmType type) const {
    return (raised_.load(std::memory_order_acquire) >> type & 1) != 0;
  }

 private:
  void note();  // with the mutex

  mutable std::mutex mutex_;
  std::set<std::pair<etcdserverpb::AlarmType, uint64_t>> alarms_;
  std::atomic<uint32_t> raised_{0};  // a bit for each type
};

}  // namespace gatehouse::alarm
