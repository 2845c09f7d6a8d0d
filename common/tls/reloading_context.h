// ReloadingContext: the current Context of files that may be replaced while we run (renewed
// certificates, a new list of revoked ones). Sessions keep the Context they began with; new ones
// take current().
//
// Any thread may call any function.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/tls/context.h"

namespace gatehouse::tls {

class ReloadingContext {
 public:
  // The first load must succeed; errors as of Context.
  static Result<std::unique_ptr<ReloadingContext>> server(ServerOptions options);
  static Result<std::unique_ptr<ReloadingContext>> client(ClientOptions options);

  std::shared_ptr<const Context> current() const;

  // Compares device, inode, size and modification time of every file with those of the last
  // attempt: one stat a file, cheap enough for every accepted connection, blocking as a local file
  // is. If any differs all are read anew. True: current() is a new Context. An error: they do not
  // load (a file is missing, or the key is not yet that of the certificate), current() stays as it
  // was; the error comes once, the next attempt is made when a file changes again.
  Result<bool> check_files();

 private:
  struct FileState {
    bool exists = false;
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t modified_ns = 0;

    friend bool operator==(const FileState&, const FileState&) = default;
  };
  using Options = std::variant<ServerOptions, ClientOptions>;

  explicit ReloadingContext(Options options);

  static Result<std::unique_ptr<ReloadingContext>> open(Options options);
  Result<std::shared_ptr<const Context>> load() const;
  std::vector<FileState> look() const;

  const Options options_;
  const std::vector<std::string> files_;

  std::mutex check_mutex_;       // one check at a time; held while files are read
  std::vector<FileState> seen_;  // by the last attempt; guarded by check_mutex_

  mutable std::mutex current_mutex_;  // held for a pointer copy only
  std::shared_ptr<const Context> current_;
};

}  // namespace gatehouse::tls
