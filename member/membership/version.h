// Versions as the cluster agrees on them: "3.7.0".
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace gatehouse::membership {

// Three decimal numbers with dots between them, without leading zeros; "-rc.1" or "+build" may
// follow.
inline bool is_version(std::string_view text) {
  for (int part = 0; part < 3; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || text.starts_with('-')) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  return text.empty() || text.front() == '-' || text.front() == '+';
}

}  // namespace gatehouse::membership
