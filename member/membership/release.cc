#include "member/membership/release.h"

#include <charconv>

#include "common/base/check.h"

namespace gatehouse::membership {

std::optional<Release> parse_release(std::string_view text, bool short_form) {
  Release release;
  uint32_t* const numbers[] = {&release.major, &release.minor, &release.patch};
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
  return release;
}

Status check_not_newer(std::string_view what, std::string_view agreed, std::string_view server) {
  if (agreed.empty()) return Status();
  const std::optional<Release> ours = parse_release(server);
  CHECK_MSG(ours.has_value(), "this server's own version");
  const std::optional<Release> theirs = parse_release(agreed);
  if (theirs && theirs->without_patch() <= ours->without_patch()) return Status();
  return Status(StatusCode::kFailedPrecondition,
                "invalid downgrade: the " + std::string(what) + " version " + std::string(agreed) +
                    " is not one that this server, " + std::string(server) + ", can go on with");
}

bool version_may_become(const Members& members, std::string_view version) {
  const std::optional<Release> wanted = parse_release(version);
  const std::optional<Release> present = parse_release(members.version);
  return wanted && (!present || *wanted > *present);
}

Result<std::string> check_downgrade(const Members& members, std::string_view target) {
  const std::optional<Release> wanted = parse_release(target, /*short_form=*/true);
  if (!wanted) return invalid_argument("etcdserver: wrong downgrade target version format");
  const std::optional<Release> present = parse_release(members.version);
  if (!present) {
    return Status(StatusCode::kFailedPrecondition,
                  "etcdserver: cluster version not found during downgrade");
  }
  if (present->minor == 0 ||
      wanted->without_patch() != Release{present->major, present->minor - 1, 0}) {
    return invalid_argument("etcdserver: invalid downgrade target version");
  }
  return wanted->without_patch().text();
}

}  // namespace gatehouse::membership
