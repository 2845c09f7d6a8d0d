#include "proxy/version.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "common/base/version.h"

namespace gatehouse::proxy {

namespace {

// Of the work tree that CMake was run in.
constexpr std::string_view kGitCommit = GATEHOUSE_GIT_COMMIT;

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "g++ " __VERSION__;
#endif

// As Go names them, "linux/amd64".
std::string system_and_machine() {
  utsname names{};
  if (uname(&names) != 0) return "unknown";
  std::string system = names.sysname;
  std::transform(system.begin(), system.end(), system.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string machine = names.machine;
  if (machine == "x86_64") machine = "amd64";
  if (machine == "aarch64") machine = "arm64";
  return system + "/" + machine;
}

}  // namespace

std::string version_text() {
  std::string text = "gatehouse-proxy Version: ";
  text.append(kVersion).append("\nGit SHA: ").append(kGitCommit);
  text.append("\nCompiler: ").append(kCompiler);
  text.append("\nOS/Arch: ").append(system_and_machine()).append("\n");
  return text;
}

}  // namespace gatehouse::proxy
