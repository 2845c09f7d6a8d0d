#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/methods.h"
#include "ctl/progress.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

Exit interrupted(std::string message) { return {kExitInterrupted, std::move(message)}; }

std::string error_text() {
  std::string text = std::strerror(errno);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// A file that is whole and durable under its name, or not there: written as <name>.part.
class PartFile {
 public:
  explicit PartFile(std::string name) : name_(std::move(name)), part_(name_ + ".part") {}
  ~PartFile() {
    if (fd_ < 0) return;
    close(fd_);
    unlink(part_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Exit open() {
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ >= 0) return {};
    return interrupted("could not open " + part_ + " (open " + part_ + ": " + error_text() + ")");
  }
  Exit write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return interrupted("write " + part_ + ": " + error_text());
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }
  Exit finish() {
    if (fsync(fd_) != 0) return interrupted("fsync " + part_ + ": " + error_text());
    close(fd_);
    fd_ = -1;
    if (rename(part_.c_str(), name_.c_str()) == 0) return {};
    return interrupted("could not rename " + part_ + " to " + name_ + " (" + error_text() + ")");
  }

 private:
  const std::string name_;
  const std::string part_;
  int fd_ = -1;
};

}  // namespace

Exit run_snapshot_save(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("snapshot save expects one argument <filename>");
  CTL_RETURN_IF_FAILED(in.connect());
  const std::vector<std::string>& endpoints = in.client().options().endpoints;
  if (endpoints.size() != 1) {
    std::string list;
    for (const std::string& endpoint : endpoints) list += (list.empty() ? "" : " ") + endpoint;
    return interrupted("snapshot must be requested to one selected node, not multiple [" + list +
                       "]");
  }
  PartFile file(in.words[0]);
  CTL_RETURN_IF_FAILED(file.open());
  const Wait wait = in.flags.given("command-timeout") ? Wait::kCommandTimeout : Wait::kForever;
  const auto stream = in.client().open(rpc::kSnapshot, false, wait);
  stream->write(pb::SnapshotRequest());
  stream->writes_done();
  ProgressBar bar("snapshot", 0, "bytes");
  pb::SnapshotResponse piece;
  std::string version;
  uint64_t bytes = 0;
  while (stream->read(&piece)) {
    CTL_RETURN_IF_FAILED(file.write(piece.blob()));
    bytes += piece.blob().size();
    bar.set_total(bytes + piece.remaining_bytes());
    bar.set(bytes);
    if (version.empty()) version = piece.version();
  }
  const Status status = stream->finish();
  if (!status.ok()) return failed(status, kExitInterrupted);
  // A database is whole pages; its SHA-256 comes behind them.
  if (bytes % 512 != 32) {
    return interrupted("sha256 checksum not found [bytes: " + std::to_string(bytes) + "]");
  }
  CTL_RETURN_IF_FAILED(file.finish());
  in.out.line("Snapshot saved at " + in.words[0]);
  if (!version.empty()) in.out.line("Server version " + version);
  return {};
}

}  // namespace gatehouse::ctl
