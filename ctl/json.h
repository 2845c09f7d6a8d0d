// JSON as etcdctl prints it: Go structs by reflection, not the gateway's mapping. Names of the
// .proto, numbers bare also where they have 64 bits, enums as numbers, bytes as base64, what is
// empty or zero left out.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace gatehouse::ctl {

// `hex_ids`: members, clusters and headers have their ids as hexadecimal strings (member commands
// with --hex).
std::string to_json(const google::protobuf::Message& message, bool hex_ids = false);

// An object put together by hand.
class JsonObject {
 public:
  JsonObject& raw(std::string_view name, std::string_view json);  // `json` as it stands
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& number(std::string_view name, int64_t value);
  JsonObject& unsigned_number(std::string_view name, uint64_t value);
  JsonObject& boolean(std::string_view name, bool value);
  // The members of another object ("{…}") among this one's: Go's embedded structs.
  JsonObject& members_of(std::string_view object);
  std::string finish() const { return text_ + "}"; }

 private:
  void name(std::string_view name);
  std::string text_ = "{";
};

}  // namespace gatehouse::ctl
