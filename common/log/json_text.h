// Bytes as the inside of a JSON string. Private to the room.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <string_view>

namespace gatehouse::log {

using Buffer = fmt::memory_buffer;

inline void append(Buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

// Appends the text escaped, without quotes: control characters, quote and backslash as JSON wants
// them, each byte that is not part of well-formed UTF-8 (RFC 3629) as \ufffd. Of a text longer than
// kMaxStringBytes the rest is told by its size only.
void append_json_text(Buffer& out, std::string_view text);

// The same in quotes.
void append_json_string(Buffer& out, std::string_view text);

}  // namespace gatehouse::log
