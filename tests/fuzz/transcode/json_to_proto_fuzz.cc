// Any text on any route: read or refused; what was read survives the way back to JSON.
#include "common/base/check.h"
#include "common/transcode/transcoder.h"

using gatehouse::transcode::RouteTable;
using gatehouse::transcode::Transcoder;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Transcoder transcoder;
  if (size == 0) return 0;
  const auto& routes = RouteTable::instance().routes();
  const auto& route = routes[data[0] % routes.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const auto bytes = transcoder.json_to_proto(route, text);
  if (!bytes.ok()) return 0;
  std::string json;
  CHECK(transcoder.proto_to_json(*route.request, *bytes, json).ok());
  const auto again = transcoder.json_to_proto(route, json);
  CHECK_MSG(again.ok(), json);
  std::string json_again;
  CHECK(transcoder.proto_to_json(*route.request, *again, json_again).ok());
  CHECK_MSG(json == json_again, json);
  return 0;
}
