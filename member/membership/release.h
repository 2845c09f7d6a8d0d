// Releases: "3.7.0", compared by their numbers; and what a cluster's version may become.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "member/membership/members.h"

namespace gatehouse::membership {

struct Release {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;

  friend auto operator<=>(const Release&, const Release&) = default;
  // What clusters and storages agree on has no patch.
  Release without_patch() const { return {major, minor, 0}; }
  std::string text() const {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  }
};

// "X.Y.Z", and "X.Y" where `short_form`; what follows the numbers ("-alpha.0") is passed over.
std::optional<Release> parse_release(std::string_view text, bool short_form = false);

// kFailedPrecondition: a version that was agreed on (of the cluster, of the storage) is later than
// this server's. "" is none.
Status check_not_newer(std::string_view what, std::string_view agreed, std::string_view server);

// A version for the cluster that is later than the present one.
bool version_may_become(const Members& members, std::string_view version);

// The version to downgrade to, in full ("3.6.0"): exactly one minor below the cluster's. Errors with
// etcd's texts.
Result<std::string> check_downgrade(const Members& members, std::string_view target);

}  // namespace gatehouse::membership
