#include "member/alarm/alarm_store.h"

#include <algorithm>
#include <utility>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::alarm {
namespace {

using backend::Bucket;

bool has_bit(int32_t type) { return type >= 0 && type < 32; }

}  // namespace

Status AlarmStore::restore(const backend::Reader& reader) {
  const std::lock_guard lock(mutex_);
  alarms_.clear();
  Status status;
  reader.scan(Bucket::kAlarm, {}, {}, [&](std::string_view key, std::string_view) {
    const std::optional<Alarm> alarm = schema::parse_alarm_key(key);
    if (!alarm || schema::alarm_key(*alarm) != key) {
      status = Status(StatusCode::kDataLoss, "a row of bucket \"alarm\" is no alarm");
      return false;
    }
    alarms_.insert(*alarm);
    return true;
  });
  recount();
  return status;
}

bool AlarmStore::activate(backend::Writer& writer, const Alarm& alarm) {
  const std::string key = schema::alarm_key(alarm);
  if (key.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!alarms_.insert(alarm).second) return false;
    recount();
  }
  writer.put(Bucket::kAlarm, key, {});
  if (told_) told_(alarm, true);
  return true;
}

bool AlarmStore::deactivate(backend::Writer& writer, const Alarm& alarm) {
  {
    const std::lock_guard lock(mutex_);
    if (alarms_.erase(alarm) == 0) return false;
    recount();
  }
  writer.remove(Bucket::kAlarm, schema::alarm_key(alarm));
  if (told_) told_(alarm, false);
  return true;
}

std::vector<Alarm> AlarmStore::list(int32_t type, uint64_t member) const {
  const std::lock_guard lock(mutex_);
  std::vector<Alarm> found;
  for (const Alarm& alarm : alarms_) {
    if (type != kNone && alarm.type != type) continue;
    if (member != 0 && alarm.member != member) continue;
    found.push_back(alarm);
  }
  return found;
}

void AlarmStore::on_change(std::function<void(const Alarm&, bool on)> told) {
  told_ = std::move(told);
  for (const Alarm& alarm : list()) told_(alarm, true);
}

bool AlarmStore::any(int32_t type) const {
  if (has_bit(type)) return (on_.load(std::memory_order_acquire) >> type & 1) != 0;
  const std::lock_guard lock(mutex_);
  return std::any_of(alarms_.begin(), alarms_.end(),
                     [type](const Alarm& alarm) { return alarm.type == type; });
}

void AlarmStore::recount() {
  uint32_t on = 0;
  for (const Alarm& alarm : alarms_) {
    if (has_bit(alarm.type)) on |= uint32_t{1} << alarm.type;
  }
  on_.store(on, std::memory_order_release);
}

}  // namespace gatehouse::alarm
