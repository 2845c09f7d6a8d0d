#include "common/net/listener.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/loop/connect.h"
#include "common/loop/socket.h"

namespace gatehouse::net {

// Shared by the listener's thread, which adds connections, and those of the workers, where they
// count themselves out.
struct Listener::State : std::enable_shared_from_this<Listener::State> {
  loop::EventLoop& loop;
  const std::vector<loop::EventLoop*> workers;
  Handler& handler;
  const size_t max_connections;
  Address address;

  std::atomic<uint64_t> accepted{0};
  std::atomic<size_t> open{0};
  std::unique_ptr<std::atomic<size_t>[]> open_on;
  std::atomic<bool> full{false};

  // The listener's thread only.
  std::unique_ptr<loop::Acceptor> acceptor;

  State(loop::EventLoop& loop_in, std::vector<loop::EventLoop*> workers_in, Handler& handler_in,
        size_t max_in)
      : loop(loop_in),
        workers(std::move(workers_in)),
        handler(handler_in),
        max_connections(max_in),
        open_on(std::make_unique<std::atomic<size_t>[]>(workers.size())) {}

  // Counts one connection from its making to the end of its socket.
  class Seat {
   public:
    Seat(std::shared_ptr<State> state, size_t worker) : state_(std::move(state)), worker_(worker) {
      state_->open.fetch_add(1);
      state_->open_on[worker_].fetch_add(1);
    }
    ~Seat() {
      state_->open_on[worker_].fetch_sub(1);
      state_->open.fetch_sub(1);
      if (!state_->full.exchange(false)) return;
      State* state = state_.get();
      state->loop.post([kept = std::move(state_)] {
        if (kept->acceptor != nullptr) kept->acceptor->resume();
      });
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    std::shared_ptr<State> state_;
    const size_t worker_;
  };

  size_t choose_worker() const {
    size_t best = 0;
    for (size_t i = 1; i < workers.size(); ++i) {
      if (open_on[i].load() < open_on[best].load()) best = i;
    }
    return best;
  }

  void on_accept(loop::UniqueFd fd) {
    accepted.fetch_add(1);
    const size_t worker = choose_worker();
    auto seat = std::make_shared<const Seat>(shared_from_this(), worker);
    workers[worker]->post([this, fd = std::move(fd), seat = std::move(seat), worker]() mutable {
      auto socket = loop::Socket::adopt(*workers[worker], std::move(fd));
      if (!socket.ok()) return;  // the peer is gone already
      (*socket)->hold(std::move(seat));
      handler.on_stream(worker, *std::move(socket));
    });
    if (open.load() < max_connections) return;
    acceptor->pause();
    full.store(true);
    // The last one may have gone between the two lines.
    if (open.load() < max_connections && full.exchange(false)) {
      acceptor->resume();
      return;
    }
    handler.on_accept_paused(resource_exhausted("accept on " + address.to_string() + ": " +
                                                std::to_string(max_connections) +
                                                " connections are open"));
  }
};

namespace {

Result<std::vector<loop::SocketAddress>> socket_addresses(const Address& address) {
  using Addresses = std::vector<loop::SocketAddress>;
  if (address.kind == Address::Kind::kUnix) {
    Result<loop::SocketAddress> path = loop::SocketAddress::unix_path(address.path);
    if (!path.ok()) return path.status();
    return Addresses{*path};
  }
  const std::string host = address.host.empty() ? "::" : address.host;
  if (Result<loop::SocketAddress> ip = loop::SocketAddress::ip(host, address.port); ip.ok()) {
    Addresses addresses{*ip};
    // A kernel without IPv6 has one wildcard only.
    if (address.host.empty())
      addresses.push_back(*loop::SocketAddress::ip("0.0.0.0", address.port));
    return addresses;
  }
  Result<Addresses> found = loop::resolve_blocking(host, address.port);
  if (!found.ok()) return found.status().with_context("listen " + address.to_string());
  std::stable_partition(found->begin(), found->end(), [](const loop::SocketAddress& candidate) {
    return candidate.family() == AF_INET;
  });
  return Addresses{found->front()};
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::listen(loop::EventLoop& loop, const Address& address,
                                                   std::vector<loop::EventLoop*> workers,
                                                   Handler& handler,
                                                   const ListenerOptions& options) {
  CHECK_MSG(!workers.empty(), "a listener without workers");
  const Result<std::vector<loop::SocketAddress>> addresses = socket_addresses(address);
  if (!addresses.ok()) return addresses.status();
  auto state = std::make_shared<State>(loop, std::move(workers), handler, options.max_connections);
  Status failure;
  for (const loop::SocketAddress& candidate : *addresses) {
    State* raw = state.get();
    auto acceptor = loop::Acceptor::listen(
        loop, candidate, options.socket,
        [raw](loop::UniqueFd fd) { raw->on_accept(std::move(fd)); },
        [raw](const Status& why) { raw->handler.on_accept_paused(why); });
    if (acceptor.ok()) {
      state->acceptor = *std::move(acceptor);
      state->address = address;
      if (address.kind == Address::Kind::kTcp) {
        state->address.port = state->acceptor->local_address().port();
      }
      return std::unique_ptr<Listener>(new Listener(std::move(state)));
    }
    failure = acceptor.status();
  }
  return failure;
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() { state_->acceptor.reset(); }

const Address& Listener::address() const { return state_->address; }
uint64_t Listener::accepted() const { return state_->accepted.load(); }
size_t Listener::open() const { return state_->open.load(); }
size_t Listener::open_on(size_t worker) const { return state_->open_on[worker].load(); }

}  // namespace gatehouse::net
