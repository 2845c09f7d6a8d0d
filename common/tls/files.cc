#include "common/tls/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Status file_error(const std::string& what, int error) {
  StatusCode code = StatusCode::kInternal;
  if (error == ENOENT || error == ENOTDIR) code = StatusCode::kNotFound;
  if (error == EACCES || error == EPERM) code = StatusCode::kPermissionDenied;
  return Status(code, what + ": " + std::generic_category().message(error));
}

Status write_all(int descriptor, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return file_error(what, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(descriptor) != 0) return file_error(what, errno);
  return Status();
}

}  // namespace

Result<std::string> read_file(std::string_view option, const std::string& path) {
  const std::string what = "tls: " + std::string(option) + " " + path;
  // Not blocking: a named pipe in place of a file would otherwise hold the caller for ever.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return file_error(what, errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return file_error(what, errno);
  if (!S_ISREG(status.st_mode)) return invalid_argument(what + ": not a regular file");
  if (static_cast<uint64_t>(status.st_size) > kMaxFileBytes) {
    return invalid_argument(what + ": larger than " + std::to_string(kMaxFileBytes) + " bytes");
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      wipe(bytes);
      return file_error(what, error);
    }
    if (got == 0) break;  // it shrank meanwhile; what is left is judged by its parser
    filled += static_cast<size_t>(got);
  }
  bytes.resize(filled);
  if (bytes.empty()) return invalid_argument(what + ": the file is empty");
  return bytes;
}

void wipe(std::string& secret) {
  mbedtls_platform_zeroize(secret.data(), secret.size());
  secret.clear();
}

Status write_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const std::string aside = path + ".tmp";
  const std::string what = "tls: " + aside;
  // One may be left from a crash, with another mode; O_EXCL then keeps the key from following a
  // planted link.
  ::unlink(aside.c_str());
  {
    const Descriptor file(
        ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.number() < 0) return file_error(what, errno);
    Status status = write_all(file.number(), bytes, what);
    if (!status.ok()) {
      ::unlink(aside.c_str());
      return status;
    }
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return file_error("tls: " + path, errno);
  return Status();
}

}  // namespace gatehouse::tls
