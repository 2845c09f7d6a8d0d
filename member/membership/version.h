// Versions as members tell them: "3.7.0".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::membership {

struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;

  friend auto operator<=>(const Version&, const Version&) = default;
  // What clusters agree on has no patch.
  Version without_patch() const { return {major, minor, 0}; }
  std::string text() const {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  }
};

// "X.Y.Z", and "X.Y" where `short_form`; what follows the numbers ("-alpha.0") is passed over.
std::optional<Version> parse_version(std::string_view text, bool short_form = false);

}  // namespace gatehouse::membership
