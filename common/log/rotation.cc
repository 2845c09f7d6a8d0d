#include "common/log/rotation.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <vector>

namespace gatehouse::log {

namespace fs = std::filesystem;

namespace {

// A name for each millisecond; lines that fill a file faster than that are not worth a file each.
constexpr int kMaxNamesTried = 1000;

// All digits and separators of the time in a name, as "0".
std::string shape(std::string text) {
  for (char& c : text) {
    if (c >= '0' && c <= '9') c = '0';
  }
  return text;
}

}  // namespace

int open_log_file(const std::string& path) {
  // Appending keeps lines whole when several processes, or logrotate's copytruncate, share a file.
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

Rotator::Rotator(std::string path, Rotation rotation)
    : path_(std::move(path)), rotation_(rotation) {
  const fs::path file(path_);
  extension_ = file.extension().string();
  stem_ = path_.substr(0, path_.size() - extension_.size());
}

std::string Rotator::old_name(std::chrono::system_clock::time_point time) const {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t clock = seconds.count();
  std::tm parts{};
  if (rotation_.local_time) {
    localtime_r(&clock, &parts);
  } else {
    gmtime_r(&clock, &parts);
  }
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "-%Y-%m-%dT%H-%M-%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d",
                static_cast<int>((since_epoch - seconds).count()));
  return stem_ + std::string(text.data(), size) + fraction.data() + extension_;
}

bool Rotator::rename_by(std::chrono::system_clock::time_point now) const {
  for (int tried = 0; tried < kMaxNamesTried; ++tried) {
    const std::string old = old_name(now + std::chrono::milliseconds(tried));
    // Unlike rename(), link() does not replace what is there.
    if (::link(path_.c_str(), old.c_str()) == 0) {
      if (::unlink(path_.c_str()) == 0) return true;
      ::unlink(old.c_str());
      return false;
    }
    if (errno == ENOENT) return true;  // somebody else has moved it away
    if (errno != EEXIST) return false;
  }
  return false;
}

std::optional<int> Rotator::next(std::chrono::system_clock::time_point now) {
  if (!rename_by(now)) return std::nullopt;
  const int fd = open_log_file(path_);
  if (fd < 0) return std::nullopt;
  remove_old(now);
  return fd;
}

void Rotator::remove_old(std::chrono::system_clock::time_point now) const {
  if (rotation_.max_files == 0 && rotation_.max_age.count() == 0) return;
  const std::string form = shape(old_name(now));
  const fs::path directory = fs::path(path_).parent_path();
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(directory.empty() ? "." : directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = (directory / entries->path().filename()).string();
    // The stem may have digits of its own.
    if (name.starts_with(stem_ + "-") && shape(name) == form) names.push_back(std::move(name));
  }
  // The newest first: the names sort as their times.
  std::sort(names.rbegin(), names.rend());
  const std::string oldest =
      rotation_.max_age.count() == 0 ? "" : old_name(now - rotation_.max_age);
  for (size_t i = 0; i < names.size(); ++i) {
    const bool too_many = rotation_.max_files != 0 && i >= rotation_.max_files;
    if (too_many || names[i] < oldest) ::unlink(names[i].c_str());
  }
}

}  // namespace gatehouse::log
