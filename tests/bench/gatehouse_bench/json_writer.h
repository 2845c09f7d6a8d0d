// Writes JSON with the members of an object in the order they are given (RFC 8259).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::bench {

class JsonWriter {
 public:
  // Pairs of begin and end must match; inside an object each value follows a name().
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  JsonWriter& name(std::string_view text);
  void value(std::string_view text);  // bytes outside ASCII are passed on: the text must be UTF-8
  void value(const char* text) { value(std::string_view(text)); }
  void value(uint64_t number);
  void value(double number);  // null for what JSON has no number for
  void value(bool truth);

  const std::string& text() const { return text_; }

 private:
  void open(char bracket);
  void close(char bracket);
  void before_value();

  std::string text_;
  bool first_ = true;  // nothing was written yet at this depth
  bool after_name_ = false;
};

}  // namespace gatehouse::bench
