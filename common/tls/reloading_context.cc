#include "common/tls/reloading_context.h"

#include <sys/stat.h>

#include <utility>

namespace gatehouse::tls {
namespace {

std::vector<std::string> without_empty(std::vector<std::string> names) {
  std::erase(names, std::string());
  return names;
}

std::vector<std::string> files_of(const ServerOptions& options) {
  return without_empty(
      {options.cert_file, options.key_file, options.trusted_ca_file, options.crl_file});
}

std::vector<std::string> files_of(const ClientOptions& options) {
  return without_empty({options.ca_file, options.cert_file, options.key_file});
}

Result<std::shared_ptr<const Context>> make(const ServerOptions& options) {
  return Context::server(options);
}

Result<std::shared_ptr<const Context>> make(const ClientOptions& options) {
  return Context::client(options);
}

}  // namespace

ReloadingContext::ReloadingContext(Options options)
    : options_(std::move(options)),
      files_(std::visit([](const auto& chosen) { return files_of(chosen); }, options_)) {}

Result<std::unique_ptr<ReloadingContext>> ReloadingContext::server(ServerOptions options) {
  return open(std::move(options));
}

Result<std::unique_ptr<ReloadingContext>> ReloadingContext::client(ClientOptions options) {
  return open(std::move(options));
}

Result<std::unique_ptr<ReloadingContext>> ReloadingContext::open(Options options) {
  std::unique_ptr<ReloadingContext> self(new ReloadingContext(std::move(options)));
  // Looked at before they are read, here and in check_files: a file that changes in between is read
  // once too often, never once too seldom.
  self->seen_ = self->look();
  Result<std::shared_ptr<const Context>> context = self->load();
  if (!context.ok()) return context.status();
  self->current_ = *std::move(context);
  return self;
}

std::shared_ptr<const Context> ReloadingContext::current() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

Result<bool> ReloadingContext::check_files() {
  const std::lock_guard one_at_a_time(check_mutex_);
  std::vector<FileState> now = look();
  if (now == seen_) return false;
  seen_ = std::move(now);
  Result<std::shared_ptr<const Context>> context = load();
  if (!context.ok()) return context.status();
  const std::lock_guard lock(current_mutex_);
  current_ = *std::move(context);
  return true;
}

Result<std::shared_ptr<const Context>> ReloadingContext::load() const {
  return std::visit([](const auto& chosen) { return make(chosen); }, options_);
}

std::vector<ReloadingContext::FileState> ReloadingContext::look() const {
  std::vector<FileState> states;
  for (const std::string& file : files_) {
    FileState state;
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) {
      state.exists = true;
      state.device = status.st_dev;
      state.inode = status.st_ino;
      state.size = status.st_size;
      state.modified_ns = status.st_mtim.tv_sec * int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
    }
    states.push_back(state);
  }
  return states;
}

}  // namespace gatehouse::tls
