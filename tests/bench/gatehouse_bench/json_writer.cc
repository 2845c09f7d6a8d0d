#include "tests/bench/gatehouse_bench/json_writer.h"

#include <fmt/core.h>

#include <cmath>

namespace gatehouse::bench {

void JsonWriter::before_value() {
  if (!first_ && !after_name_) text_ += ',';
  first_ = false;
  after_name_ = false;
}

void JsonWriter::open(char bracket) {
  before_value();
  text_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  first_ = false;
}

JsonWriter& JsonWriter::name(std::string_view text) {
  value(text);
  text_ += ':';
  after_name_ = true;
  return *this;
}

void JsonWriter::value(std::string_view text) {
  before_value();
  text_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      text_ += fmt::format("\\u{:04x}", byte);
    } else {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
  }
  text_ += '"';
}

void JsonWriter::value(uint64_t number) {
  before_value();
  text_ += std::to_string(number);
}

void JsonWriter::value(double number) {
  before_value();
  text_ += std::isfinite(number) ? fmt::format("{}", number) : "null";
}

void JsonWriter::value(bool truth) {
  before_value();
  text_ += truth ? "true" : "false";
}

}  // namespace gatehouse::bench
