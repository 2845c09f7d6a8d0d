// Any bytes as the answer of any route: refused, or JSON that can be read back.
#include "common/base/check.h"
#include "common/transcode/transcoder.h"

using gatehouse::transcode::RouteTable;
using gatehouse::transcode::Transcoder;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Transcoder transcoder;
  if (size == 0) return 0;
  const auto& routes = RouteTable::instance().routes();
  const auto& route = routes[data[0] % routes.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::string json;
  if (!transcoder.proto_to_json(route, bytes, json).ok()) {
    CHECK(json.empty());
    return 0;
  }
  CHECK_MSG(transcoder.json_to_proto(*route.response, json).ok(), json);
  return 0;
}
