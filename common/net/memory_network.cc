#include "common/net/memory_network.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "common/base/check.h"
#include "common/net/memory_stream.h"

namespace gatehouse::net {

struct MemoryNetwork::State {
  struct Listening {
    env::Executor* executor;
    std::shared_ptr<OnStream> on_stream;
  };
  using Route = std::pair<std::string, std::string>;

  explicit State(uint64_t seed) : entropy(seed) {}

  env::SeededEntropy entropy;
  std::map<std::string, Listening> listening;
  LinkOptions default_link;
  std::map<Route, LinkOptions> links;
  std::set<Route> cut;
  std::vector<std::weak_ptr<MemoryConnection>> connections;

  const LinkOptions& link(const Route& route) const {
    const auto found = links.find(route);
    return found == links.end() ? default_link : found->second;
  }

  template <typename Body>
  void for_each(Body body) {
    std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : connections) {
      const std::shared_ptr<MemoryConnection> connection = weak.lock();
      if (connection != nullptr && connection->streams.load() > 0) body(*connection);
    }
  }

  // The stream for who dialed, or nothing where nobody listens.
  std::unique_ptr<env::ByteStream> connect(const Route& route, env::Executor& executor) {
    const auto found = listening.find(route.second);
    if (found == listening.end()) return nullptr;
    auto connection = std::make_shared<MemoryConnection>();
    connection->options = link(route);
    connection->from = route.first;
    connection->address = route.second;
    connection->ends[0].executor = &executor;
    connection->ends[1].executor = found->second.executor;
    connections.push_back(connection);
    auto client = std::make_unique<MemoryStream>(connection, 0, route.second, entropy.next());
    // Made here, where the seed is; its own thread gets it whole.
    auto server = std::make_unique<MemoryStream>(connection, 1, route.first, entropy.next());
    found->second.executor->post(
        [on_stream = found->second.on_stream, server = std::move(server)]() mutable {
          (*on_stream)(std::move(server));
        });
    return client;
  }
};

namespace {

class MemoryDial final : public Dial {
 public:
  MemoryDial(std::shared_ptr<MemoryNetwork::State> network, std::string from, std::string address,
             env::Executor& executor, uint64_t timeout_ms, Dialer::Done done)
      : network_(std::move(network)),
        route_(std::move(from), std::move(address)),
        executor_(executor),
        done_(std::move(done)),
        timer_(executor, [this] { on_timer(); }) {
    const LinkOptions& link = network_->link(route_);
    const uint64_t round_trip =
        2 * link.delay_ms +
        (link.jitter_ms == 0 ? 0 : network_->entropy.below(2 * link.jitter_ms + 1));
    timed_out_ = round_trip > timeout_ms || network_->cut.contains(route_);
    timer_.arm(timed_out_ ? timeout_ms : round_trip);
  }

 private:
  void on_timer() {
    Dialer::Done done = std::move(done_);
    const std::string context = "dial " + route_.second;
    if (timed_out_ || network_->cut.contains(route_)) {
      done(unavailable(context + ": i/o timeout"));
      return;
    }
    std::unique_ptr<env::ByteStream> stream = network_->connect(route_, executor_);
    if (stream == nullptr) {
      done(unavailable(context + ": connection refused"));
    } else {
      done(std::move(stream));
    }
  }

  std::shared_ptr<MemoryNetwork::State> network_;
  const std::pair<std::string, std::string> route_;
  env::Executor& executor_;
  Dialer::Done done_;
  bool timed_out_ = false;
  env::Timer timer_;
};

class MemoryDialer final : public Dialer {
 public:
  MemoryDialer(std::shared_ptr<MemoryNetwork::State> network, std::string from,
               env::Executor& executor, uint64_t timeout_ms)
      : network_(std::move(network)),
        from_(std::move(from)),
        executor_(executor),
        timeout_ms_(timeout_ms) {}

  std::unique_ptr<Dial> dial(const std::string& address, Done done) override {
    return std::make_unique<MemoryDial>(network_, from_, address, executor_, timeout_ms_,
                                        std::move(done));
  }

 private:
  std::shared_ptr<MemoryNetwork::State> network_;
  const std::string from_;
  env::Executor& executor_;
  const uint64_t timeout_ms_;
};

}  // namespace

MemoryNetwork::MemoryNetwork(uint64_t seed) : state_(std::make_shared<State>(seed)) {}
MemoryNetwork::~MemoryNetwork() { state_->listening.clear(); }

void MemoryNetwork::listen(const std::string& address, env::Executor& executor,
                           OnStream on_stream) {
  const bool free =
      state_->listening
          .emplace(address,
                   State::Listening{&executor, std::make_shared<OnStream>(std::move(on_stream))})
          .second;
  CHECK_MSG(free, "two listen on " + address);
}

void MemoryNetwork::close(const std::string& address) { state_->listening.erase(address); }

std::unique_ptr<Dialer> MemoryNetwork::dialer(const std::string& from, env::Executor& executor,
                                              uint64_t timeout_ms) {
  return std::make_unique<MemoryDialer>(state_, from, executor, timeout_ms);
}

void MemoryNetwork::set_link(const LinkOptions& options) { state_->default_link = options; }

void MemoryNetwork::set_link(const std::string& from, const std::string& address,
                             const LinkOptions& options) {
  state_->links[{from, address}] = options;
}

void MemoryNetwork::partition(const std::string& from, const std::string& address) {
  state_->cut.insert({from, address});
  state_->for_each([&](MemoryConnection& connection) {
    if (connection.from == from && connection.address == address) connection.cut.store(true);
  });
}

void MemoryNetwork::heal(const std::string& from, const std::string& address) {
  state_->cut.erase({from, address});
  state_->for_each([&](MemoryConnection& connection) {
    if (connection.from != from || connection.address != address) return;
    connection.cut.store(false);
    connection.poke();
  });
}

void MemoryNetwork::reset_all(const std::string& address) {
  state_->for_each([&](MemoryConnection& connection) {
    if (connection.address != address) return;
    connection.send_reset(0);
    connection.send_reset(1);
  });
}

size_t MemoryNetwork::open_connections(const std::string& address) const {
  size_t open = 0;
  state_->for_each([&](MemoryConnection& connection) {
    if (connection.address == address) ++open;
  });
  return open;
}

}  // namespace gatehouse::net
