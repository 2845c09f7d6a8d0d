// c-ares moved its older calls to "deprecated" between the versions that Debian 12 and 13 ship; the
// ones here are in both.
#define CARES_NO_DEPRECATED

#include "common/loop/srv_resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <sys/select.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "common/base/check.h"
#include "common/loop/internals.h"

namespace gatehouse::loop {
namespace {

using LookupDone = UniqueFunction<void(Result<std::vector<SrvRecord>>)>;

constexpr int kClassInternet = 1;
constexpr int kTypeSrv = 33;  // RFC 2782

Result<std::vector<SrvRecord>> parse_reply(const unsigned char* reply, int bytes) {
  ares_srv_reply* list = nullptr;
  const int result = ares_parse_srv_reply(reply, bytes, &list);
  if (result == ARES_ENODATA) return not_found("no SRV record");
  if (result != ARES_SUCCESS) return unavailable(ares_strerror(result));
  std::vector<SrvRecord> records;
  for (const ares_srv_reply* entry = list; entry != nullptr; entry = entry->next) {
    std::string target = entry->host;
    if (!target.empty() && target.back() == '.') target.pop_back();
    // The root as target says that the service is decidedly not there (RFC 2782).
    if (!target.empty()) {
      records.push_back({entry->priority, entry->weight, entry->port, std::move(target)});
    }
  }
  ares_free_data(list);
  if (records.empty()) return not_found("no SRV record");
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::tie(a.priority, a.target, a.port) < std::tie(b.priority, b.target, b.port);
  });
  return records;
}

class Lookup;

// What c-ares holds until it answers; the Lookup may be gone by then.
struct Query {
  Lookup* owner;
};

class Lookup final : public Attempt {
 public:
  Lookup(EventLoop& loop, std::string name, LookupDone done)
      : name_(std::move(name)), done_(std::move(done)), later_(loop, [this] {
          LookupDone told = std::move(done_);
          told(std::move(result_));
        }) {}
  ~Lookup() override {
    if (query_ != nullptr) query_->owner = nullptr;
  }

  Query* begin() { return query_ = new Query{this}; }

  void forget_query() { query_ = nullptr; }

  void on_answer(Result<std::vector<SrvRecord>> result) {
    query_ = nullptr;
    result_ = result.ok() ? std::move(result) : result.status().with_context("lookup " + name_);
    // c-ares may answer inside the call that asks, and must not be re-entered from its callbacks.
    later_.arm(0);
  }

 private:
  const std::string name_;
  LookupDone done_;
  Query* query_ = nullptr;
  Result<std::vector<SrvRecord>> result_ = std::vector<SrvRecord>();
  env::Timer later_;
};

}  // namespace

struct SrvResolver::State {
  EventLoop& loop;
  ares_channel channel = nullptr;
  std::map<ares_socket_t, std::unique_ptr<PollWatcher>> watchers{};
  env::Timer timer;

  explicit State(EventLoop& loop_in)
      : loop(loop_in), timer(loop_in, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}
  ~State() {
    if (channel != nullptr) ares_destroy(channel);
  }

  void on_socket(ares_socket_t fd, bool readable, bool writable) {
    if (!readable && !writable) {
      watchers.erase(fd);
      return;
    }
    std::unique_ptr<PollWatcher>& watcher = watchers[fd];
    if (watcher == nullptr) {
      watcher = std::make_unique<PollWatcher>(loop, fd, [this, fd](int events) {
        // An error shows as both: c-ares reads it from the socket.
        const bool error = events < 0;
        process(error || (events & UV_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                error || (events & UV_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
      });
    }
    watcher->watch((readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel, readable, writable);
    set_timer();
  }

  void set_timer() {
    timeval limit{};
    const timeval* wait = ares_timeout(channel, nullptr, &limit);
    if (wait == nullptr) {
      timer.cancel();
    } else {
      timer.arm(static_cast<uint64_t>(wait->tv_sec) * 1'000 +
                static_cast<uint64_t>(wait->tv_usec) / 1'000 + 1);
    }
  }
};

Result<std::unique_ptr<SrvResolver>> SrvResolver::create(EventLoop& loop,
                                                         const SrvResolverOptions& options) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  CHECK_MSG(library == ARES_SUCCESS, ares_strerror(library));
  auto state = std::make_unique<State>(loop);
  ares_options settings{};
  settings.timeout = static_cast<int>(options.timeout_ms);
  settings.tries = kTries;
  settings.sock_state_cb_data = state.get();
  settings.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
    static_cast<State*>(data)->on_socket(fd, readable != 0, writable != 0);
  };
  int result = ares_init_options(&state->channel, &settings,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (result != ARES_SUCCESS) {
    state->channel = nullptr;
    return unavailable(std::string("DNS resolver: ") + ares_strerror(result));
  }
  if (!options.servers.empty()) {
    result = ares_set_servers_ports_csv(state->channel, options.servers.c_str());
    if (result != ARES_SUCCESS) {
      return invalid_argument("DNS servers \"" + options.servers + "\": " + ares_strerror(result));
    }
  }
  return std::unique_ptr<SrvResolver>(new SrvResolver(std::move(state)));
}

SrvResolver::SrvResolver(std::unique_ptr<State> state) : state_(std::move(state)) {}
SrvResolver::~SrvResolver() = default;

std::unique_ptr<Attempt> SrvResolver::lookup(const std::string& name, LookupDone done) {
  auto lookup = std::make_unique<Lookup>(state_->loop, name, std::move(done));
  ares_query(
      state_->channel, name.c_str(), kClassInternet, kTypeSrv,
      [](void* data, int status, int, unsigned char* reply, int bytes) {
        const std::unique_ptr<Query> query(static_cast<Query*>(data));
        if (query->owner == nullptr) return;
        if (status == ARES_EDESTRUCTION) {
          query->owner->forget_query();
        } else if (status == ARES_SUCCESS) {
          query->owner->on_answer(parse_reply(reply, bytes));
        } else if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
          query->owner->on_answer(not_found("no SRV record"));
        } else {
          query->owner->on_answer(unavailable(ares_strerror(status)));
        }
      },
      lookup->begin());
  state_->set_timer();
  return lookup;
}

Result<std::vector<SrvRecord>> look_up_srv(const std::string& name) {
  EventLoop loop;
  Result<std::unique_ptr<SrvResolver>> resolver = SrvResolver::create(loop);
  if (!resolver.ok()) return resolver.status();
  Result<std::vector<SrvRecord>> records = not_found(name);
  const auto attempt = (*resolver)->lookup(name, [&](Result<std::vector<SrvRecord>> answer) {
    records = std::move(answer);
    loop.stop();
  });
  loop.run();
  return records;
}

}  // namespace gatehouse::loop
