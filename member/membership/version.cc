#include "member/membership/version.h"

#include <charconv>

namespace gatehouse::membership {

std::optional<Version> parse_version(std::string_view text, bool short_form) {
  Version version;
  uint32_t* const numbers[] = {&version.major, &version.minor, &version.patch};
  size_t count = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (uint32_t* number : numbers) {
    const auto [next, error] = std::from_chars(at, end, *number);
    if (error != std::errc()) return std::nullopt;
    ++count;
    at = next;
    if (count == 3 || at == end) break;
    if (*at != '.') return std::nullopt;
    ++at;
  }
  if (count < (short_form ? 2U : 3U)) return std::nullopt;
  if (at != end && *at != '-' && *at != '+') return std::nullopt;
  return version;
}

}  // namespace gatehouse::membership
