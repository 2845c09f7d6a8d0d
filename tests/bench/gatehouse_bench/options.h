// What a run of gatehouse-bench is: read from the command line and checked.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "tests/bench/gatehouse_bench/key_space.h"

namespace gatehouse::bench {

enum class Operation : uint8_t {
  kPut,
  kGet,
  kRange,  // the keys [i*K, (i+1)*K)
  kCount,  // of all keys
  kTxn,    // compare version(key) > 0, then put one way or the other
  kWatch,
  kLeaseGrant,
  kKeepalive,
  kRestGet,
  kRestPut,
  kEcho,
};

struct OperationName {
  Operation operation;
  std::string_view name;
  std::string_view what;
};
inline constexpr std::array<OperationName, 11> kOperations = {{
    {Operation::kPut, "put", "write one key"},
    {Operation::kGet, "get", "read one key"},
    {Operation::kRange, "range", "read --range-keys neighbouring keys"},
    {Operation::kCount, "count", "count all keys of the run"},
    {Operation::kTxn, "txn", "compare the version of a key, then put it"},
    {Operation::kWatch, "watch",
     "--writers puts at a time, --watchers watchers of all: events and their delay"},
    {Operation::kLeaseGrant, "lease-grant", "grant leases of --lease-ttl"},
    {Operation::kKeepalive, "lease-keepalive", "keep one lease for each stream alive"},
    {Operation::kRestGet, "rest-get", "POST /v3/kv/range, HTTP/1.1 keep-alive"},
    {Operation::kRestPut, "rest-put", "POST /v3/kv/put, HTTP/1.1 keep-alive"},
    {Operation::kEcho, "echo", "/bench.Echo/Echo (see echo_bare.cc) with --value-size bytes"},
}};

std::string_view operation_name(Operation operation);
inline bool is_rest(Operation operation) {
  return operation == Operation::kRestGet || operation == Operation::kRestPut;
}

struct TargetOptions {
  std::string endpoint;     // as net::parse_address takes it
  std::vector<pid_t> pids;  // whose CPU time counts; may be empty
};

struct Options {
  Operation operation = Operation::kGet;
  std::vector<TargetOptions> targets;  // one, or two to compare

  size_t connections = 16;
  size_t streams = 16;  // on each connection; 1 for REST
  size_t threads = 1;

  KeySpace keys{"gatehouse-bench/", 32, 10000};
  size_t value_bytes = 256;
  uint64_t range_keys = 100;
  bool serializable = false;
  size_t watchers = 100;
  size_t writers = 1;  // puts under way in a watch run
  uint64_t lease_ttl_s = 60;
  uint64_t seed = 1;
  bool fill = true;  // write the keys first where the operation reads them

  uint64_t duration_ms = 5000;
  uint64_t requests = 0;  // when not 0, a round ends after about this many instead
  uint64_t warm_up_ms = 1000;
  size_t rounds = 1;

  std::string ca_file, cert_file, key_file;  // TLS for https endpoints
  std::string authorization;                 // the token, sent as it is
  bool progress = false;                     // even when standard error is no terminal
  std::string json_file;
};

// What to do with a command line: run, or leave with this code (usage and errors are printed).
struct CommandLine {
  std::optional<Options> options;
  int exit_code = 0;
};
CommandLine parse_command_line(int argc, const char* const* argv);

// InvalidArgument names the flag.
Status check_options(const Options& options);

}  // namespace gatehouse::bench
