#include "common/base/version.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>

namespace gatehouse {

const std::string_view kVersion = GATEHOUSE_VERSION;

std::string_view git_commit() { return GATEHOUSE_GIT_COMMIT; }

std::string_view compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string system_and_machine() {
  utsname names{};
  if (uname(&names) != 0) return "unknown/unknown";
  std::string system = names.sysname;
  std::transform(system.begin(), system.end(), system.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string machine = names.machine;
  if (machine == "x86_64") machine = "amd64";
  if (machine == "aarch64") machine = "arm64";
  return system + "/" + machine;
}

}  // namespace gatehouse
