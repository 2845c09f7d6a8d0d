#include "common/transcode/json_cursor.h"

#include <cstdint>

#include "common/transcode/limits.h"

namespace gatehouse::transcode {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The value of the four hex digits at the front of `text`, or -1.
int hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = text[i];
    int digit;
    if (is_digit(c)) {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value << 4 | digit;
  }
  return value;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
  } else {
    if (point < 0x10000) {
      out += static_cast<char>(0xE0 | point >> 12);
    } else {
      out += static_cast<char>(0xF0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (point & 0x3F));
}

}  // namespace

std::string_view JsonString::text(std::string& scratch) const {
  if (!escaped) return raw;
  scratch.clear();
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      scratch += raw[i];
      continue;
    }
    const char kind = raw[++i];
    switch (kind) {
      case 'b':
        scratch += '\b';
        break;
      case 'f':
        scratch += '\f';
        break;
      case 'n':
        scratch += '\n';
        break;
      case 'r':
        scratch += '\r';
        break;
      case 't':
        scratch += '\t';
        break;
      case 'u': {
        int unit = hex4(raw.substr(i + 1));
        i += 4;
        uint32_t point = static_cast<uint32_t>(unit);
        if (is_high_surrogate(unit)) {
          const int low = hex4(raw.substr(i + 3));
          i += 6;
          point = 0x10000 + ((point - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
        }
        append_utf8(scratch, point);
        break;
      }
      default:
        scratch += kind;
    }
  }
  return scratch;
}

bool JsonCursor::fail(std::string_view what) {
  if (status_.ok()) {
    status_ = invalid_argument("JSON: " + std::string(what) + " at offset " + std::to_string(at_));
  }
  return false;
}

bool JsonCursor::check_depth(int depth) {
  if (depth < kMaxJsonDepth) return true;
  if (status_.ok()) {
    status_ = invalid_argument("JSON: more than " + std::to_string(kMaxJsonDepth) +
                               " objects and arrays within each other");
  }
  return false;
}

int JsonCursor::peek() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : kEnd;
}

bool JsonCursor::take(char c) {
  if (peek() != static_cast<unsigned char>(c)) {
    const char what[] = {'\'', c, '\'', '\0'};
    return fail(std::string(at_ == text_.size() ? "unexpected end, no " : "expected ") + what);
  }
  ++at_;
  return true;
}

bool JsonCursor::read_escape() {
  if (at_ == text_.size()) return fail("unexpected end of a string");
  const char kind = text_[at_++];
  if (kind != 'u') {
    constexpr std::string_view kSimple = "\"\\/bfnrt";
    return kSimple.find(kind) != std::string_view::npos || fail("unknown escape");
  }
  const int unit = hex4(text_.substr(at_));
  if (unit < 0) return fail("bad \\u escape");
  at_ += 4;
  if (is_low_surrogate(unit)) return fail("lone surrogate");
  if (is_high_surrogate(unit)) {
    if (!text_.substr(at_).starts_with("\\u") || !is_low_surrogate(hex4(text_.substr(at_ + 2)))) {
      return fail("lone surrogate");
    }
    at_ += 6;
  }
  return true;
}

bool JsonCursor::read_string(JsonString& out) {
  if (!take('"')) return false;
  const size_t begin = at_;
  out.escaped = false;
  for (;;) {
    size_t at = at_;  // a local, for the loop that runs over megabytes of base64
    while (at < text_.size() && text_[at] != '"' && text_[at] != '\\' &&
           static_cast<unsigned char>(text_[at]) >= 0x20) {
      ++at;
    }
    at_ = at;
    if (at == text_.size()) break;
    if (text_[at] == '"') {
      out.raw = text_.substr(begin, at - begin);
      ++at_;
      return true;
    }
    if (text_[at] != '\\') return fail("control character in a string");
    ++at_;
    out.escaped = true;
    if (!read_escape()) return false;
  }
  return fail("unexpected end of a string");
}

bool JsonCursor::read_digits() {
  if (at_ == text_.size() || !is_digit(text_[at_])) return fail("bad number");
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return true;
}

bool JsonCursor::read_number(std::string_view& out) {
  const auto at = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
  const size_t begin = at_;
  if (at('-')) ++at_;
  if (at('0')) {
    ++at_;  // no digit may follow: what does is refused by whoever reads on
  } else if (!read_digits()) {
    return false;
  }
  if (at('.')) {
    ++at_;
    if (!read_digits()) return false;
  }
  if (at('e') || at('E')) {
    ++at_;
    if (at('+') || at('-')) ++at_;
    if (!read_digits()) return false;
  }
  out = text_.substr(begin, at_ - begin);
  return true;
}

bool JsonCursor::read_literal(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return fail("expected a value");
  at_ += word.size();
  return true;
}

bool JsonCursor::next_member(bool& first, JsonString& name) {
  if (first ? peek() == '}' : peek() != ',') {
    take('}');
    return false;
  }
  if (!first) ++at_;
  first = false;
  if (peek() != '"') return fail("expected a field name in quotes");
  return read_string(name) && take(':');
}

bool JsonCursor::next_element(bool& first) {
  if (first ? peek() == ']' : peek() != ',') {
    take(']');
    return false;
  }
  if (!first) ++at_;
  first = false;
  return true;
}

bool JsonCursor::skip_value(int depth) {
  switch (peek()) {
    case '{': {
      if (!check_depth(depth) || !take('{')) return false;
      bool first = true;
      JsonString name;
      while (next_member(first, name)) {
        if (!skip_value(depth + 1)) return false;
      }
      return !failed();
    }
    case '[': {
      if (!check_depth(depth) || !take('[')) return false;
      bool first = true;
      while (next_element(first)) {
        if (!skip_value(depth + 1)) return false;
      }
      return !failed();
    }
    case '"': {
      JsonString ignored;
      return read_string(ignored);
    }
    case 't':
      return read_literal("true");
    case 'f':
      return read_literal("false");
    case 'n':
      return read_literal("null");
    case kEnd:
      return fail("unexpected end, no value");
    default: {
      if (peek() != '-' && !is_digit(text_[at_])) return fail("expected a value");
      std::string_view ignored;
      return read_number(ignored);
    }
  }
}

}  // namespace gatehouse::transcode
