// Any bytes as a file, as flags and as single values: an answer, never a crash; what is written
// reads back.
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/base/duration.h"
#include "common/config/file.h"
#include "common/config/values.h"
#include "tests/common/config/schema_for_test.h"

namespace gatehouse::config {
namespace {

void check_values(std::string_view text) {
  if (const auto duration = parse_duration(text); duration.ok()) {
    const auto back = parse_duration(format_duration(*duration));
    CHECK(back.ok() && *back == *duration);
  }
  if (const auto bytes = parse_bytes(text); bytes.ok()) {
    const auto back = parse_bytes(format_bytes(*bytes));
    CHECK(back.ok() && *back == *bytes);
  }
  if (const auto number = parse_int64(text); number.ok()) {
    CHECK(*parse_int64(std::to_string(*number)) == *number);
  }
  static_cast<void>(parse_bool(text).ok());
  static_cast<void>(split_list(text));
}

// The text's lines as words, those before an empty line as flags and those after as environment.
Input as_input(std::string_view text) {
  Input input;
  auto* words = &input.arguments;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end == 0) {
      words = &input.environment;
    } else {
      words->push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return input;
}

}  // namespace
}  // namespace gatehouse::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gatehouse::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_values(text);
  for (const Syntax syntax : {Syntax::kGoFlag, Syntax::kCobra}) {
    Schema schema = schema_for_test(syntax);
    schema.config_file_option.clear();  // no file that the input names is opened
    static_cast<void>(load(schema, as_input(text)));
  }
  static_cast<void>(parse_config_text(schema_for_test(), "f", text).ok());
  return 0;
}
