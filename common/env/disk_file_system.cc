#include "common/env/disk_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/env/file_error.h"

namespace gatehouse::env {
namespace {

// The call again for as long as a signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

class DiskMapping final : public Mapping {
 public:
  DiskMapping(void* data, size_t size) : data_(data), size_(size) {}
  ~DiskMapping() override { ::munmap(data_, size_); }
  const std::byte* data() const override { return static_cast<const std::byte*>(data_); }
  size_t size() const override { return size_; }

 private:
  void* data_;
  size_t size_;
};

class DiskFile final : public File {
 public:
  DiskFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~DiskFile() override { ::close(fd_); }

  const std::string& path() const override { return path_; }

  Result<uint64_t> size() const override {
    struct stat about;
    if (::fstat(fd_, &about) != 0) return error("stat");
    return static_cast<uint64_t>(about.st_size);
  }

  Result<bool> has_its_name() const override {
    struct stat mine;
    struct stat named;
    if (::fstat(fd_, &mine) != 0) return error("stat");
    if (::stat(path_.c_str(), &named) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return false;
      return error("stat");
    }
    return mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> to) const override {
    size_t done = 0;
    while (done < to.size()) {
      const ssize_t n = uninterrupted([&] {
        return ::pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
      });
      if (n < 0) return error("read");
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    const std::string_view pieces[] = {bytes};
    return write_pieces_at(offset, pieces);
  }

  Status write_pieces_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    // Linux takes at most 1024 (IOV_MAX) pieces a call.
    constexpr size_t kPiecesACall = 1024;
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (std::string_view piece : pieces) {
      if (!piece.empty()) vectors.push_back({const_cast<char*>(piece.data()), piece.size()});
    }
    size_t first = 0;
    while (first < vectors.size()) {
      const int count = static_cast<int>(std::min(vectors.size() - first, kPiecesACall));
      const ssize_t n = uninterrupted(
          [&] { return ::pwritev(fd_, &vectors[first], count, static_cast<off_t>(offset)); });
      if (n < 0) return error("write");
      offset += static_cast<uint64_t>(n);
      size_t written = static_cast<size_t>(n);
      while (first < vectors.size() && written >= vectors[first].iov_len) {
        written -= vectors[first++].iov_len;
      }
      if (written > 0) {
        vectors[first].iov_base = static_cast<char*>(vectors[first].iov_base) + written;
        vectors[first].iov_len -= written;
      }
    }
    return Status();
  }

  Status sync_data() override {
    if (uninterrupted([&] { return ::fdatasync(fd_); }) != 0) return error("fdatasync");
    return Status();
  }

  Status truncate(uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }) != 0) {
      return error("truncate");
    }
    return Status();
  }

  Status allocate(uint64_t offset, uint64_t bytes) override {
    if (bytes == 0) return Status();
    const int result = uninterrupted(
        [&] { return ::fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)); });
    if (result == 0) return Status();
    if (errno != EOPNOTSUPP) return error("fallocate");
    // File systems without it (NFS 3, some overlays): the size at least, sparse.
    Result<uint64_t> now = size();
    GATEHOUSE_RETURN_IF_ERROR(now.status());
    return *now >= offset + bytes ? Status() : truncate(offset + bytes);
  }

  Result<std::unique_ptr<Mapping>> map(size_t bytes) const override {
    void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd_, 0);
    if (data == MAP_FAILED) return error("mmap");
    return std::unique_ptr<Mapping>(std::make_unique<DiskMapping>(data, bytes));
  }

  Status try_lock(LockKind kind) override {
    int result;
    if (kind == LockKind::kFlock) {
      result = uninterrupted([&] { return ::flock(fd_, LOCK_EX | LOCK_NB); });
    } else {
      struct flock whole = {};
      whole.l_type = F_WRLCK;
      whole.l_whence = SEEK_SET;
      result = uninterrupted([&] { return ::fcntl(fd_, F_OFD_SETLK, &whole); });
    }
    if (result == 0) return Status();
    if (errno == EWOULDBLOCK || errno == EACCES) {
      return Status(StatusCode::kFailedPrecondition, "lock " + path_ + ": held by another process");
    }
    return error("lock");
  }

 private:
  Status error(std::string_view operation) const { return file_error(operation, path_, errno); }

  const int fd_;
  const std::string path_;
};

Status remove_entry(const std::string& path, bool directory) {
  if (::unlinkat(AT_FDCWD, path.c_str(), directory ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT) {
    return file_error("remove", path, errno);
  }
  return Status();
}

}  // namespace

Result<std::unique_ptr<File>> DiskFileSystem::open(const std::string& path, OpenMode mode,
                                                   uint32_t permissions) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case OpenMode::kRead:
      flags |= O_RDONLY;
      break;
    case OpenMode::kReadWrite:
      flags |= O_RDWR;
      break;
    case OpenMode::kCreate:
      flags |= O_RDWR | O_CREAT;
      break;
    case OpenMode::kCreateExclusive:
      flags |= O_RDWR | O_CREAT | O_EXCL;
      break;
  }
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags, permissions); });
  if (fd < 0) return file_error("open", path, errno);
  return std::unique_ptr<File>(std::make_unique<DiskFile>(fd, path));
}

Result<bool> DiskFileSystem::exists(const std::string& path) {
  struct stat about;
  if (::stat(path.c_str(), &about) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return file_error("stat", path, errno);
}

Status DiskFileSystem::remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return file_error("remove", path, errno);
  return Status();
}

Status DiskFileSystem::remove_tree(const std::string& path) {
  struct stat about;
  // Not stat(): a symbolic link is removed itself, never what it points to.
  if (::lstat(path.c_str(), &about) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? Status() : file_error("stat", path, errno);
  }
  if (!S_ISDIR(about.st_mode)) return remove_entry(path, false);
  Result<std::vector<DirectoryEntry>> entries = list(path);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    const std::string inside = join_path(path, entry.name);
    GATEHOUSE_RETURN_IF_ERROR(entry.directory ? remove_tree(inside) : remove_entry(inside, false));
  }
  return remove_entry(path, true);
}

Status DiskFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return file_error("rename", from + " to " + to, errno);
  }
  return Status();
}

Status DiskFileSystem::create_directories(const std::string& path, uint32_t permissions) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (!part.empty() && ::mkdir(part.c_str(), permissions) != 0) {
      const int problem = errno;
      struct stat about;
      // Any error is fine where a directory already is: EEXIST, or EROFS and EACCES above a mount.
      if (::stat(part.c_str(), &about) != 0) return file_error("mkdir", part, problem);
      if (!S_ISDIR(about.st_mode)) return file_error("mkdir", part, ENOTDIR);
    }
    if (slash == std::string::npos) return Status();
  }
}

Result<std::vector<DirectoryEntry>> DiskFileSystem::list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return file_error("open", path, errno);
  std::vector<DirectoryEntry> entries;
  Status problem;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) problem = file_error("read", path, errno);
      break;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat about;
    if (::fstatat(::dirfd(directory), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed meanwhile
      problem = file_error("stat", join_path(path, name), errno);
      break;
    }
    const bool is_directory = S_ISDIR(about.st_mode);
    entries.push_back(
        {std::string(name), is_directory, is_directory ? 0 : static_cast<uint64_t>(about.st_size)});
  }
  ::closedir(directory);
  GATEHOUSE_RETURN_IF_ERROR(problem);
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Status DiskFileSystem::sync_directory(const std::string& path) {
  const int fd =
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return file_error("open", path, errno);
  const int result = uninterrupted([&] { return ::fsync(fd); });
  const int problem = errno;
  ::close(fd);
  if (result != 0) return file_error("fsync", path, problem);
  return Status();
}

}  // namespace gatehouse::env
