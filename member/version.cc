#include "member/version.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>

#include "common/base/version.h"

namespace gatehouse::member {

namespace {

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "g++ " __VERSION__;
#endif

// As Go names them, "linux/amd64".
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

}  // namespace

std::string_view git_commit() { return GATEHOUSE_GIT_COMMIT; }

std::string version_text() {
  std::string text = "etcd Version: ";
  text.append(kEtcdVersion).append("\nGit SHA: ").append(git_commit());
  text.append("\nGo Version: none (C++20, ").append(kCompiler).append(")");
  text.append("\nGo OS/Arch: ").append(system_and_machine());
  text.append("\nGatehouse Version: ").append(kVersion).append("\n");
  return text;
}

}  // namespace gatehouse::member
