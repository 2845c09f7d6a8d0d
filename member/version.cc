#include "member/version.h"

#include "common/base/version.h"

namespace gatehouse::member {

std::string version_text() {
  std::string text = "etcd Version: ";
  text.append(kEtcdVersion).append("\nGit SHA: ").append(git_commit());
  text.append("\nGo Version: none (C++20, ").append(compiler()).append(")");
  text.append("\nGo OS/Arch: ").append(system_and_machine());
  text.append("\nGatehouse Version: ").append(kVersion).append("\n");
  return text;
}

}  // namespace gatehouse::member
