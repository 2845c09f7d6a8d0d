#include "member/alarm/alarm_store.h"

namespace gatehouse::alarm {

namespace {

using etcdserverpb::AlarmMember;
using etcdserverpb::AlarmType;

AlarmMember make(uint64_t member, AlarmType type) {
  AlarmMember alarm;
  alarm.set_memberid(member);
  alarm.set_alarm(type);
  return alarm;
}

}  // namespace

Status AlarmStore::open(const backend::Backend& backend) {
  const std::lock_guard lock(mutex_);
  alarms_.clear();
  Status status;
  backend.read()->scan(
      backend::Bucket::kAlarm, {}, {}, [&](std::string_view key, std::string_view) {
        AlarmMember alarm;
        if (!alarm.ParseFromArray(key.data(), static_cast<int>(key.size()))) {
          status = Status(StatusCode::kDataLoss,
                          "the database has a row in bucket \"alarm\" that is no alarm");
          return false;
        }
        alarms_.emplace(alarm.alarm(), alarm.memberid());
        return true;
      });
  note();
  return status;
}

void AlarmStore::note() {
  uint32_t raised = 0;
  for (const auto& [type, member] : alarms_) {
    if (AlarmType_IsValid(type)) raised |= uint32_t{1} << type;
  }
  raised_.store(raised, std::memory_order_release);
}

std::optional<AlarmMember> AlarmStore::activate(backend::Writer& writer, uint64_t member,
                                                AlarmType type) {
  if (type == etcdserverpb::NONE) return std::nullopt;
  const AlarmMember alarm = make(member, type);
  const std::lock_guard lock(mutex_);
  if (alarms_.emplace(type, member).second) {
    writer.put(backend::Bucket::kAlarm, alarm.SerializeAsString(), "");
    note();
  }
  return alarm;
}

std::optional<AlarmMember> AlarmStore::deactivate(backend::Writer& writer, uint64_t member,
                                                  AlarmType type) {
  const std::lock_guard lock(mutex_);
  if (alarms_.erase({type, member}) == 0) return std::nullopt;
  const AlarmMember alarm = make(member, type);
  writer.remove(backend::Bucket::kAlarm, alarm.SerializeAsString());
  note();
  return alarm;
}

std::vector<AlarmMember> AlarmStore::get(AlarmType type) const {
  std::vector<AlarmMember> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [each, member] : alarms_) {
    if (type == etcdserverpb::NONE || type == each) found.push_back(make(member, each));
  }
  return found;
}

}  // namespace gatehouse::alarm
