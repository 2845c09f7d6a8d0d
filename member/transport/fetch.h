// Fetch: a question that any of some URLs may answer: what a member asks the others before it has a
// transport (formats 6.8) - /members, /version, /downgrade/enabled - and what it asks the leader on
// behalf of its clients (/leases, /members/promote/…).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"

namespace gatehouse::transport {

struct Question {
  std::string path;
  std::string method = "GET";
  std::string content_type;
  std::string body;
  // Beside 200: statuses that answer the question, and are no reason to ask the next URL.
  std::vector<int> answers = {};
};

struct Fetched {
  std::string url;     // who answered
  int status = 200;
  uint64_t cluster_id = 0;  // as it says; 0 where it does not
  std::string body;
};

struct FetchOptions {
  uint64_t timeout_ms = 1'000;  // for each URL, as etcd's when it starts
  // Longer answers count as none: no cluster has so many members.
  size_t max_body_bytes = 4 * 1024 * 1024;
  // Take only an answer that names its cluster.
  bool needs_cluster_id = false;
};

class Fetch {
 public:
  virtual ~Fetch() = default;
};

// Asks one URL after another until one answers. `done` comes once, from a later turn, unless
// the Fetch is destroyed first, which may be inside `done`. kUnavailable: none answered; the text
// says why the last did not. Several Fetches may be under way; executor and dialer outlive them.
std::unique_ptr<Fetch> fetch(env::Executor& executor, net::Dialer& dialer,
                             std::vector<std::string> urls, Question question,
                             const FetchOptions& options,
                             UniqueFunction<void(Result<Fetched>)> done);

// A GET.
inline std::unique_ptr<Fetch> fetch(env::Executor& executor, net::Dialer& dialer,
                                    std::vector<std::string> urls, std::string path,
                                    const FetchOptions& options,
                                    UniqueFunction<void(Result<Fetched>)> done) {
  return fetch(executor, dialer, std::move(urls), Question{.path = std::move(path)}, options,
               std::move(done));
}

}  // namespace gatehouse::transport
