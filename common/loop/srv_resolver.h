// DNS SRV lookups (RFC 2782), by c-ares on the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/loop/connect.h"
#include "common/loop/event_loop.h"

namespace gatehouse::loop {

struct SrvRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;  // without the final dot

  friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};

struct SrvResolverOptions {
  std::string servers;          // "10.0.0.2:53,[fd00::2]:53"; empty: those of /etc/resolv.conf
  uint64_t timeout_ms = 5'000;  // of the first try of a server; there are kTries
};

class SrvResolver {
 public:
  static constexpr int kTries = 2;

  // InvalidArgument when `servers` does not parse.
  static Result<std::unique_ptr<SrvResolver>> create(EventLoop& loop,
                                                     const SrvResolverOptions& options = {});
  // Gives up what is under way; only an answer that is there already may still be told.
  ~SrvResolver();

  // "_etcd-client._tcp.example.com" -> its records, in order of priority, then target; at least
  // one. Choosing by weight is the caller's. `done` comes once, from a later turn. NotFound when
  // the name has no such record, Unavailable when nobody answered: "lookup <name>: timeout while
  // contacting DNS servers".
  std::unique_ptr<Attempt> lookup(const std::string& name,
                                  UniqueFunction<void(Result<std::vector<SrvRecord>>)> done);

 private:
  struct State;
  explicit SrvResolver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One lookup on a loop of its own, for a program's start: blocks until it is over.
Result<std::vector<SrvRecord>> look_up_srv(const std::string& name);

}  // namespace gatehouse::loop
