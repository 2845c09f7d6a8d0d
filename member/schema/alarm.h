// Rows of the "alarm" bucket: AlarmMember {1 memberID, 2 alarm} -> nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec/varint.h"

namespace gatehouse::schema {

struct Alarm {
  uint64_t member = 0;
  int32_t type = 0;  // etcdserverpb.AlarmType, or a number of a later version

  friend auto operator<=>(const Alarm&, const Alarm&) = default;
};

// Empty for {0, 0}, which no row can hold.
inline std::string alarm_key(const Alarm& alarm) {
  std::string key;
  if (alarm.member != 0) {
    key += '\x08';
    codec::append_varint(key, alarm.member);
  }
  if (alarm.type != 0) {
    key += '\x10';
    codec::append_varint(key, static_cast<uint64_t>(int64_t{alarm.type}));
  }
  return key;
}

// Nothing when the bytes are no such message.
inline std::optional<Alarm> parse_alarm_key(std::string_view key) {
  Alarm alarm;
  while (!key.empty()) {
    const char tag = key.front();
    key.remove_prefix(1);
    uint64_t value = 0;
    if (codec::take_varint(key, value) != codec::VarintParse::kOk) return std::nullopt;
    if (tag == '\x08') {
      alarm.member = value;
    } else if (tag == '\x10') {
      alarm.type = static_cast<int32_t>(value);
    } else {
      return std::nullopt;
    }
  }
  return alarm;
}

}  // namespace gatehouse::schema
