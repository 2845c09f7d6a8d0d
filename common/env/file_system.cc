#include "common/env/file_system.h"

#include <algorithm>
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

Status create_directories_durably(FileSystem& files, const std::string& path) {
  std::vector<std::string> parents;  // of those that are not there
  for (size_t begin = 0; begin < path.size();) {
    const size_t slash = std::min(path.find('/', begin), path.size());
    if (slash > begin) {
      const Result<bool> there = files.exists(path.substr(0, slash));
      GATEHOUSE_RETURN_IF_ERROR(there.status());
      const std::string parent = path.substr(0, begin);
      if (!*there) parents.push_back(parent.empty() ? "." : parent);
    }
    begin = slash + 1;
  }
  GATEHOUSE_RETURN_IF_ERROR(files.create_directories(path));
  for (const std::string& parent : parents) GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(parent));
  return Status();
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
