#include "member/membership/v2_request.h"

#include "common/codec/proto_fields.h"

namespace gatehouse::membership {

std::optional<V2Put> parse_v2_put(std::string_view bytes) {
  V2Put put;
  std::string_view method;
  codec::ProtoFields fields(bytes);
  while (fields.next()) {
    if (!fields.is_bytes()) continue;
    if (fields.number() == 2) method = fields.bytes();
    if (fields.number() == 3) put.path = fields.bytes();
    if (fields.number() == 4) put.value = fields.bytes();
  }
  if (!fields.ok() || method != "PUT") return std::nullopt;
  return put;
}

}  // namespace gatehouse::membership
