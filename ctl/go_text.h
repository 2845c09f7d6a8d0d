// Text as Go's libraries write it, because etcdctl's output is read by programs: quoted strings
// (strconv.Quote), humanised sizes, hexadecimal escapes, JSON strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::ctl {

// %q: "a\"b\x00\u00a0". Printable characters stand as they are, bytes that are no UTF-8 as \xff.
std::string go_quote(std::string_view bytes);

// Reads the inside of a double-quoted Go string: the text of `quoted` from after the quote to the
// closing one, which is where `end` then points (behind it). Nothing when it is not closed or an
// escape is none.
std::optional<std::string> go_unquote(std::string_view quoted, size_t& end);

// `\x66\x6f`: --hex.
std::string hex_escapes(std::string_view bytes);

// With quotes, as encoding/json writes it: <, > and & as \u003c, bytes that are no UTF-8 as \ufffd.
std::string json_quote(std::string_view text);

// "25 kB", "2.1 GB": powers of ten, one decimal below 10.
std::string humanize_bytes(uint64_t bytes);

// "%x", "%016x", "%16x".
std::string hex(uint64_t number);
std::string hex16(uint64_t number);
std::string hex_padded(uint64_t number);

}  // namespace gatehouse::ctl
