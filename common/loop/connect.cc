#include "common/loop/connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/loop/internals.h"

namespace gatehouse::loop {
namespace {

using ResolveDone = UniqueFunction<void(Result<std::vector<SocketAddress>>)>;
using ConnectDone = UniqueFunction<void(Result<UniqueFd>)>;

addrinfo stream_hints() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  return hints;
}

std::vector<SocketAddress> addresses_of(const addrinfo* list, uint16_t port) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    if (entry->ai_family == AF_INET) {
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    } else if (entry->ai_family == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    } else {
      continue;
    }
    addresses.emplace_back(reinterpret_cast<sockaddr*>(&storage), entry->ai_addrlen);
  }
  return addresses;
}

class Resolution final : public Attempt {
 public:
  Resolution(EventLoop& loop, const std::string& host, uint16_t port, ResolveDone done)
      : request_(new Request) {
    request_->owner = this;
    request_->host = host;
    request_->port = port;
    done_ = std::move(done);
    const addrinfo hints = stream_hints();
    const int result = uv_getaddrinfo(uv_loop_of(loop), &request_->uv, &Request::on_answer,
                                      host.c_str(), nullptr, &hints);
    if (result != 0) {
      // Only for a name that cannot be one (too long, no IDNA form).
      failure_ = uv_status("lookup " + host, result);
      delete std::exchange(request_, nullptr);
      later_ = std::make_unique<env::Timer>(loop, [this] { tell(failure_); });
      later_->arm(0);
    }
  }

  ~Resolution() override {
    if (request_ == nullptr) return;
    // A lookup that a pool thread is at cannot be stopped: its answer finds nobody.
    request_->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&request_->uv));
  }

 private:
  struct Request {
    uv_getaddrinfo_t uv{};
    Resolution* owner = nullptr;
    std::string host;
    uint16_t port = 0;

    static void on_answer(uv_getaddrinfo_t* uv, int status, addrinfo* found) {
      uv->data = nullptr;
      const std::unique_ptr<Request> self(reinterpret_cast<Request*>(uv));
      std::vector<SocketAddress> addresses;
      if (status == 0) addresses = addresses_of(found, self->port);
      uv_freeaddrinfo(found);
      if (self->owner == nullptr) return;
      self->owner->request_ = nullptr;
      const std::string context = "lookup " + self->host;
      if (status != 0) {
        self->owner->tell(uv_status(context, status));
      } else if (addresses.empty()) {
        self->owner->tell(unavailable(context + ": no IP address"));
      } else {
        self->owner->tell(std::move(addresses));
      }
    }
  };
  static_assert(offsetof(Request, uv) == 0);

  void tell(Result<std::vector<SocketAddress>> result) {
    // The callback may destroy this attempt.
    ResolveDone done = std::move(done_);
    done(std::move(result));
  }

  Request* request_;  // freed in its callback
  ResolveDone done_;
  Status failure_;
  std::unique_ptr<env::Timer> later_;
};

class Connecting final : public Attempt {
 public:
  Connecting(EventLoop& loop, std::vector<SocketAddress> addresses, uint64_t timeout_ms,
             ConnectDone done)
      : loop_(loop),
        addresses_(std::move(addresses)),
        deadline_ms_(loop.now_ms() + timeout_ms),
        done_(std::move(done)),
        timer_(loop, [this] { on_timer(); }) {
    CHECK_MSG(!addresses_.empty(), "a connect without addresses");
    // In the next turn, as the callback may not come from here.
    timer_.arm(0);
  }

 private:
  // Less than this is too short for one address while others wait (Go's net.partialDeadline).
  static constexpr uint64_t kLeastShareMs = 2'000;

  void on_timer() {
    if (fd_.valid()) failure_ = unavailable("i/o timeout");
    try_next();
  }

  void try_next() {
    while (true) {
      watcher_.reset();
      fd_.reset();
      const uint64_t now = loop_.now_ms();
      if (next_ > 0 && now >= deadline_ms_) {
        failure_ = unavailable("i/o timeout");
        return tell(failure_);
      }
      if (next_ == addresses_.size()) return tell(failure_);
      const SocketAddress& address = addresses_[next_++];
      const uint64_t left = deadline_ms_ > now ? deadline_ms_ - now : 0;
      const uint64_t share = std::max(left / (addresses_.size() - next_ + 1), kLeastShareMs);
      if (begin(address)) {
        timer_.arm(std::min(left, share));
        return;
      }
    }
  }

  // False when the address failed at once.
  bool begin(const SocketAddress& address) {
    fd_ = UniqueFd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // A Unix socket connects at once or, its backlog full, says EAGAIN: there is nothing to wait
    // for.
    if (!fd_.valid() || (::connect(fd_.get(), address.get(), address.size()) != 0 &&
                         errno != EINPROGRESS && errno != EINTR)) {
      failure_ = uv_status("", -errno);
      return false;
    }
    watcher_ = std::make_unique<PollWatcher>(loop_, fd_.get(), [this](int) { on_writable(); });
    watcher_->watch(UV_WRITABLE);
    return true;
  }

  void on_writable() {
    int error = 0;
    socklen_t bytes = sizeof(error);
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) error = errno;
    if (error != 0) {
      failure_ = uv_status("", -error);
      return try_next();
    }
    watcher_.reset();
    tell(std::move(fd_));
  }

  void tell(Result<UniqueFd> result) {
    timer_.cancel();
    ConnectDone done = std::move(done_);
    done(std::move(result));
  }

  EventLoop& loop_;
  const std::vector<SocketAddress> addresses_;
  const uint64_t deadline_ms_;
  ConnectDone done_;
  size_t next_ = 0;
  Status failure_;
  UniqueFd fd_;
  std::unique_ptr<PollWatcher> watcher_;
  env::Timer timer_;
};

}  // namespace

std::unique_ptr<Attempt> resolve(EventLoop& loop, const std::string& host, uint16_t port,
                                 ResolveDone done) {
  return std::make_unique<Resolution>(loop, host, port, std::move(done));
}

Result<std::vector<SocketAddress>> resolve_blocking(const std::string& host, uint16_t port) {
  const addrinfo hints = stream_hints();
  addrinfo* found = nullptr;
  const int result = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (result != 0) return unavailable("lookup " + host + ": " + gai_strerror(result));
  std::vector<SocketAddress> addresses = addresses_of(found, port);
  freeaddrinfo(found);
  if (addresses.empty()) return unavailable("lookup " + host + ": no IP address");
  return addresses;
}

std::unique_ptr<Attempt> connect(EventLoop& loop, std::vector<SocketAddress> addresses,
                                 uint64_t timeout_ms, ConnectDone done) {
  return std::make_unique<Connecting>(loop, std::move(addresses), timeout_ms, std::move(done));
}

}  // namespace gatehouse::loop
