// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

// Bytes of the well-formed character at the start of a non-empty text, 0 if there is none.
size_t utf8_character_length(std::string_view text);

// The text with each byte that is not part of a well-formed character replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace gatehouse
