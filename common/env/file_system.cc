#include "common/env/file_system.h"

#include <cerrno>
#include <cstring>

#include "common/env/file_error.h"

namespace gatehouse::env {
namespace {

StatusCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
      return StatusCode::kResourceExhausted;
    default:
      return StatusCode::kUnavailable;
  }
}

}  // namespace

Status file_error(std::string_view operation, std::string_view path, int error_number) {
  char buffer[128];
  // glibc's own strerror_r, which returns the text.
  std::string text = strerror_r(error_number, buffer, sizeof(buffer));
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] += 'a' - 'A';
  std::string message(operation);
  message.append(" ").append(path).append(": ").append(text);
  return Status(code_of(error_number), std::move(message));
}

std::string join_path(std::string_view directory, std::string_view name) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  while (name.starts_with('/')) name.remove_prefix(1);
  if (directory.empty()) return std::string(name);
  std::string joined(directory);
  if (!joined.ends_with('/')) joined += '/';
  joined += name;
  return joined;
}

}  // namespace gatehouse::env
