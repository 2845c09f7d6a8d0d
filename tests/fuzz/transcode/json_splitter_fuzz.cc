// Any bytes: the same values whether fed whole or one byte at a time, and none longer than the
// limit.
#include <vector>

#include "common/base/check.h"
#include "common/transcode/json_splitter.h"

using gatehouse::transcode::JsonSplitter;

namespace {

constexpr size_t kLimit = 64;

std::vector<std::string> split(std::string_view text, size_t chunk) {
  JsonSplitter splitter(kLimit);
  std::vector<std::string> values;
  while (!text.empty()) {
    std::string_view input = text.substr(0, chunk);
    text.remove_prefix(input.size());
    for (;;) {
      std::string value;
      const auto more = splitter.next(input, value);
      if (!more.ok()) {
        values.push_back(more.status().to_string());
        return values;
      }
      if (!*more) break;
      CHECK(value.size() <= kLimit);
      values.push_back(std::move(value));
    }
    CHECK(input.empty());
  }
  values.push_back(splitter.finish().to_string());
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CHECK(split(text, text.size()) == split(text, 1));
  return 0;
}
