// Base64, RFC 4648 sections 4 (standard alphabet) and 5 (URL-safe alphabet). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::codec {

enum class Base64Alphabet : uint8_t { kStandard, kUrl };
enum class Base64Padding : uint8_t { kPadded, kUnpadded };

std::string base64_encode(std::string_view bytes,
                          Base64Alphabet alphabet = Base64Alphabet::kStandard,
                          Base64Padding padding = Base64Padding::kPadded);

// Padded and unpadded text are both taken; padding, where present, must be complete.
// InvalidArgument for everything else: a character outside the alphabet (white space too), a length
// no encoder produces, or last bits that are not zero (RFC 4648 section 3.5: one text for one
// value).
Result<std::string> base64_decode(std::string_view text,
                                  Base64Alphabet alphabet = Base64Alphabet::kStandard);

}  // namespace gatehouse::codec
