#include "proxy/version.h"

#include "common/base/version.h"

namespace gatehouse::proxy {

std::string version_text() {
  std::string text = "gatehouse-proxy Version: ";
  text.append(kVersion).append("\nGit SHA: ").append(git_commit());
  text.append("\nCompiler: ").append(compiler());
  text.append("\nOS/Arch: ").append(system_and_machine()).append("\n");
  return text;
}

}  // namespace gatehouse::proxy
