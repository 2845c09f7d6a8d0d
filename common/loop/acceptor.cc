#include "common/loop/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "common/loop/internals.h"

namespace gatehouse::loop {
namespace {

struct FileId {
  dev_t device;
  ino_t inode;
  friend bool operator==(const FileId&, const FileId&) = default;
};

std::optional<FileId> file_id(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

// "" for TCP and abstract names, which leave no file.
std::string path_of(const SocketAddress& address) {
  if (address.family() != AF_UNIX) return {};
  const auto* local = reinterpret_cast<const sockaddr_un*>(address.get());
  return local->sun_path[0] == '\0' ? std::string() : std::string(local->sun_path);
}

// Whether the path holds a socket on which nobody listens any more.
bool is_stale_socket(const SocketAddress& address, const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.valid() && connect(probe.get(), address.get(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Acceptor::State {
  EventLoop& loop;
  SocketAddress local;
  OnAccept on_accept;
  OnExhausted on_exhausted;
  UniqueFd fd;
  std::string path;               // of a Unix socket with a file
  std::optional<FileId> bound{};  // that file, as we made it
  bool paused = false;
  env::Timer rest;
  std::unique_ptr<PollWatcher> watcher{};

  State(EventLoop& loop_in, OnAccept on_accept_in, OnExhausted on_exhausted_in)
      : loop(loop_in),
        on_accept(std::move(on_accept_in)),
        on_exhausted(std::move(on_exhausted_in)),
        rest(loop_in, [this] { watch(); }) {}

  ~State() {
    watcher.reset();
    // Somebody may have replaced the file with a socket of his own.
    if (bound && file_id(path) == bound) unlink(path.c_str());
  }

  void watch() { watcher->watch(paused || rest.armed() ? 0 : UV_READABLE); }

  void accept_some() {
    for (int i = 0; i < kMaxAcceptsPerTurn && !paused; ++i) {
      UniqueFd connection(accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (connection.valid()) {
        on_accept(std::move(connection));
        continue;
      }
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) return;
      if (is_exhaustion(error)) {
        rest.arm(kExhaustedPauseMs);
        watch();
        on_exhausted(uv_status("accept on " + local.to_string(), -error));
        return;
      }
      // The connection died in the backlog (ECONNABORTED, and on Linux any network error of its
      // own, accept(2)): the next one may be well.
    }
  }
};

Result<std::unique_ptr<Acceptor>> Acceptor::listen(EventLoop& loop, const SocketAddress& address,
                                                   const AcceptorOptions& options,
                                                   OnAccept on_accept, OnExhausted on_exhausted) {
  const std::string context = "listen " + address.to_string();
  auto state = std::make_unique<State>(loop, std::move(on_accept), std::move(on_exhausted));
  state->fd = UniqueFd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = state->fd.get();
  if (fd < 0) return uv_status(context, -errno);

  const auto set = [fd](int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof(value));
  };
  if (address.family() != AF_UNIX) {
    if (options.reuse_address && set(SOL_SOCKET, SO_REUSEADDR, 1) != 0) {
      return uv_status(context, -errno);
    }
    if (options.reuse_port && set(SOL_SOCKET, SO_REUSEPORT, 1) != 0) {
      return uv_status(context, -errno);
    }
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    const bool wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    if (set(IPPROTO_IPV6, IPV6_V6ONLY, wildcard ? 0 : 1) != 0) return uv_status(context, -errno);
  }

  state->path = path_of(address);
  int bound = bind(fd, address.get(), address.size());
  if (bound != 0 && errno == EADDRINUSE && !state->path.empty()) {
    if (is_stale_socket(address, state->path) && unlink(state->path.c_str()) == 0) {
      bound = bind(fd, address.get(), address.size());
    } else {
      errno = EADDRINUSE;
    }
  }
  if (bound != 0) return uv_status(context, -errno);
  if (!state->path.empty()) state->bound = file_id(state->path);
  if (::listen(fd, options.backlog) != 0) return uv_status(context, -errno);

  sockaddr_storage storage{};
  socklen_t bytes = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) {
    return uv_status(context, -errno);
  }
  state->local = SocketAddress(reinterpret_cast<sockaddr*>(&storage), bytes);
  state->watcher =
      std::make_unique<PollWatcher>(loop, fd, [raw = state.get()](int) { raw->accept_some(); });
  state->watch();
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(state)));
}

Acceptor::Acceptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Acceptor::~Acceptor() = default;

void Acceptor::pause() {
  state_->paused = true;
  state_->watch();
}

void Acceptor::resume() {
  state_->paused = false;
  state_->watch();
}

const SocketAddress& Acceptor::local_address() const { return state_->local; }

}  // namespace gatehouse::loop
