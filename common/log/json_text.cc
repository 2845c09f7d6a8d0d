#include "common/log/json_text.h"

#include <cstdint>
#include <iterator>

#include "common/base/utf8.h"
#include "common/log/log.h"

namespace gatehouse::log {

namespace {

bool continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// How much of the text is written: all of it, or up to the last whole character within the limit.
size_t kept_bytes(std::string_view text) {
  if (text.size() <= kMaxStringBytes) return text.size();
  size_t end = kMaxStringBytes;
  // At most three bytes back: what is not UTF-8 has no characters to keep whole.
  for (int i = 0; i < 3 && continues(static_cast<uint8_t>(text[end])); ++i) --end;
  return end;
}

void append_escaped(Buffer& out, char c) {
  switch (c) {
    case '"':
      return append(out, "\\\"");
    case '\\':
      return append(out, "\\\\");
    case '\n':
      return append(out, "\\n");
    case '\r':
      return append(out, "\\r");
    case '\t':
      return append(out, "\\t");
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint8_t>(c));
  }
}

bool is_plain(uint8_t byte) { return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\'; }

}  // namespace

void append_json_text(Buffer& out, std::string_view text) {
  const size_t kept = kept_bytes(text);
  const size_t withheld = text.size() - kept;
  text = text.substr(0, kept);
  size_t i = 0;
  while (i < text.size()) {
    const size_t start = i;
    while (i < text.size() && is_plain(static_cast<uint8_t>(text[i]))) ++i;
    append(out, text.substr(start, i - start));
    if (i == text.size()) break;
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      append_escaped(out, text[i++]);
      continue;
    }
    const size_t length = utf8_character_length(text.substr(i));
    append(out, length == 0 ? std::string_view("\\ufffd") : text.substr(i, length));
    i += length == 0 ? 1 : length;
  }
  if (withheld > 0) fmt::format_to(std::back_inserter(out), "\u2026(+{} bytes)", withheld);
}

void append_json_string(Buffer& out, std::string_view text) {
  out.push_back('"');
  append_json_text(out, text);
  out.push_back('"');
}

}  // namespace gatehouse::log
