// Reading single values as an operator writes them in flags, environment variables and files.
//
// All errors are InvalidArgument; the message says what is wrong with the text and does not repeat
// the name of the flag, which the caller knows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::config {

// Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False. Else "parse error".
Result<bool> parse_bool(std::string_view text);

// Decimal, 0x, 0o, 0 (octal) and 0b, with single underscores between digits, as Go's flag package.
// "parse error", or "value out of range".
Result<int64_t> parse_int64(std::string_view text);
Result<uint64_t> parse_uint64(std::string_view text);

// A count of bytes: a plain number as parse_uint64, or a decimal number with up to 9 places and one
// of B kB KB MB GB TB (powers of 1000) or KiB MiB GiB TiB (of 1024), "1.5MiB". Rounded down.
Result<uint64_t> parse_bytes(std::string_view text);
// The largest unit of 1024 that gives a short exact number: "1.5MiB", "512KiB", "1000B".
std::string format_bytes(uint64_t bytes);

// Splits at commas; white space around items goes away, "" gives no items, empty items are kept as
// "" so that a caller can refuse them.
std::vector<std::string> split_list(std::string_view text);
std::string join_list(const std::vector<std::string>& items);

}  // namespace gatehouse::config
