// AlarmStore: the alarms that are on, by type and member.
//
// Changed by the writer's thread as the log says; read from any thread. Alarms are few: a NOSPACE
// or CORRUPT for each member at most.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "common/base/status.h"
#include "member/backend/backend.h"
#include "member/schema/alarm.h"

namespace gatehouse::alarm {

using schema::Alarm;

// etcdserverpb.AlarmType. Other numbers are kept and listed like these.
inline constexpr int32_t kNone = 0;  // in a question: of every type
inline constexpr int32_t kNoSpace = 1;
inline constexpr int32_t kCorrupt = 2;

class AlarmStore {
 public:
  // Writer. Forgets all and reads the rows; again when a snapshot has replaced the database.
  // DataLoss when a row is none.
  Status restore(const backend::Reader& reader);

  // Writer. True when it was off. The alarm {0, kNone}, which no row can hold, is never on.
  bool activate(backend::Writer& writer, const Alarm& alarm);
  // Writer. True when it was on.
  bool deactivate(backend::Writer& writer, const Alarm& alarm);

  // By member and type; `type` kNone: of every type, `member` 0: of every member.
  std::vector<Alarm> list(int32_t type = kNone, uint64_t member = 0) const;

  // Told of every change, and once of each alarm that is on now. Set before the writer writes; called
  // on its thread.
  void on_change(std::function<void(const Alarm&, bool on)> told);

  // Is it on for some member? One load for the two that every write asks about.
  bool any(int32_t type) const;

 private:
  void recount();  // with the lock held

  std::function<void(const Alarm&, bool on)> told_;
  mutable std::mutex mutex_;
  std::set<Alarm> alarms_;
  std::atomic<uint32_t> on_{0};  // bit n: type n, for n < 32
};

}  // namespace gatehouse::alarm
