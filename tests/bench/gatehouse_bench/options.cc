#include "tests/bench/gatehouse_bench/options.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>

#include "common/base/duration.h"
#include "common/net/address.h"

namespace gatehouse::bench {
namespace {

constexpr size_t kMaxConnections = 20000;  // of one address and port there are 28,000 (RFC 6056)
constexpr size_t kMaxStreams = 10000;
constexpr size_t kMaxThreads = 256;
constexpr size_t kMaxRounds = 1000;
constexpr size_t kMaxValueBytes = 8 << 20;
constexpr size_t kMaxKeyBytes = 4096;
constexpr size_t kMaxWatchers = 10'000'000;
constexpr size_t kRoundsToCompare = 5;
constexpr size_t kStampBytes = 20;

size_t digits_of(uint64_t number) { return std::to_string(number).size(); }

Status within(std::string_view flag, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return Status();
  return invalid_argument(std::string(flag) + " is " + std::to_string(value) + ", not within " +
                          std::to_string(least) + " to " + std::to_string(most));
}

Status to_ms(std::string_view flag, const std::string& text, uint64_t& out) {
  const Result<std::chrono::nanoseconds> parsed = parse_duration(text);
  if (!parsed.ok()) return parsed.status().with_context(flag);
  if (parsed.value().count() < 0) return invalid_argument(std::string(flag) + " is negative");
  out = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(parsed.value()).count());
  return Status();
}

}  // namespace

std::string_view operation_name(Operation operation) {
  for (const OperationName& known : kOperations) {
    if (known.operation == operation) return known.name;
  }
  return "?";
}

Status check_options(const Options& options) {
  const bool rest = is_rest(options.operation);
  GATEHOUSE_RETURN_IF_ERROR(within("--connections", options.connections, 1, kMaxConnections));
  GATEHOUSE_RETURN_IF_ERROR(within("--streams", options.streams, 1, kMaxStreams));
  if (rest && options.streams != 1) {
    return invalid_argument("--streams: HTTP/1.1 carries one request at a time, use --connections");
  }
  GATEHOUSE_RETURN_IF_ERROR(within("--threads", options.threads, 1, kMaxThreads));
  if (options.threads > options.connections) {
    return invalid_argument("--threads: more than --connections");
  }
  if (options.keys.prefix.empty() ||
      static_cast<unsigned char>(options.keys.prefix.back()) > 0x7E) {
    return invalid_argument("--prefix: must end with an ASCII character");
  }
  GATEHOUSE_RETURN_IF_ERROR(within("--keys", options.keys.count, 1, uint64_t{1} << 40));
  GATEHOUSE_RETURN_IF_ERROR(within("--range-keys", options.range_keys, 1, options.keys.count));
  const size_t digits = digits_of(options.keys.count + options.range_keys);
  GATEHOUSE_RETURN_IF_ERROR(within("--key-size", options.keys.key_bytes,
                                   options.keys.prefix.size() + digits, kMaxKeyBytes));
  const size_t least_value = options.operation == Operation::kWatch ? kStampBytes : 0;
  GATEHOUSE_RETURN_IF_ERROR(
      within("--value-size", options.value_bytes, least_value, kMaxValueBytes));
  GATEHOUSE_RETURN_IF_ERROR(within("--watchers", options.watchers, 1, kMaxWatchers));
  GATEHOUSE_RETURN_IF_ERROR(within("--writers", options.writers, 1, kMaxStreams));
  GATEHOUSE_RETURN_IF_ERROR(within("--lease-ttl", options.lease_ttl_s, 1, 9'000'000'000));
  GATEHOUSE_RETURN_IF_ERROR(within("--rounds", options.rounds, 1, kMaxRounds));
  if (options.requests == 0 && options.duration_ms == 0) {
    return invalid_argument("--duration: a round of no length measures nothing");
  }
  if (options.cert_file.empty() != options.key_file.empty()) {
    return invalid_argument("--cert and --key go together");
  }
  for (const TargetOptions& target : options.targets) {
    const Result<net::Address> address = net::parse_address(target.endpoint);
    if (!address.ok()) return address.status();
  }
  return Status();
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  Options options;
  std::string operation;
  TargetOptions first{"127.0.0.1:2379", {}};
  TargetOptions second;
  std::string duration = "5s";
  std::string warm_up = "1s";
  size_t rounds = 0;

  CLI::App app("Closed-loop load on any etcd v3 endpoint, or on two by turns.", "gatehouse-bench");
  std::string operations = "what to do, one of:";
  std::vector<std::string> names;
  for (const OperationName& known : kOperations) {
    operations += "\n  " + std::string(known.name) + ": " + std::string(known.what);
    names.emplace_back(known.name);
  }
  app.add_option("operation", operation, operations)->required()->check(CLI::IsMember(names));
  app.add_option("--endpoint", first.endpoint, "host:port, http(s)://host:port or unix:path")
      ->capture_default_str();
  app.add_option("--pid", first.pids, "process whose CPU time counts; may be repeated");
  app.add_option("--vs", second.endpoint, "second endpoint: rounds alternate between the two");
  app.add_option("--vs-pid", second.pids, "process of the second; may be repeated");
  app.add_option("-c,--connections", options.connections)->capture_default_str();
  auto* streams = app.add_option("-s,--streams", options.streams,
                                 "requests under way on each connection (REST: 1)")
                      ->capture_default_str();
  app.add_option("--threads", options.threads, "of this tool")->capture_default_str();
  app.add_option("--keys", options.keys.count, "distinct keys")->capture_default_str();
  app.add_option("--key-size", options.keys.key_bytes, "bytes")->capture_default_str();
  app.add_option("--value-size", options.value_bytes, "bytes")->capture_default_str();
  app.add_option("--prefix", options.keys.prefix, "of every key")->capture_default_str();
  app.add_option("--range-keys", options.range_keys, "keys of one range")->capture_default_str();
  app.add_flag("--serializable", options.serializable, "reads need not be linearizable");
  app.add_option("--watchers", options.watchers, "watchers of the prefix, over all streams")
      ->capture_default_str();
  app.add_option("--writers", options.writers, "puts under way while watching")
      ->capture_default_str();
  app.add_option("--lease-ttl", options.lease_ttl_s, "seconds")->capture_default_str();
  app.add_option("--seed", options.seed, "of the order of keys and of values")
      ->capture_default_str();
  app.add_flag("!--no-fill", options.fill, "the keys are there already");
  app.add_option("--duration", duration, "of a round")->capture_default_str();
  app.add_option("--requests", options.requests, "a round ends after so many instead");
  app.add_option("--warm-up", warm_up, "before each round, not counted")->capture_default_str();
  app.add_option("--rounds", rounds, "default: 1, with --vs 5");
  app.add_option("--cacert", options.ca_file, "roots for https endpoints (default: the system's)");
  app.add_option("--cert", options.cert_file, "client certificate");
  app.add_option("--key", options.key_file, "its key");
  app.add_option("--token", options.authorization, "sent as the authorization header");
  app.add_flag("--progress", options.progress, "show progress even when not on a terminal");
  app.add_option("--json", options.json_file, "also write the results to this file");

  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : 2};
  }

  for (const OperationName& known : kOperations) {
    if (known.name == operation) options.operation = known.operation;
  }
  if (is_rest(options.operation) && streams->count() == 0) options.streams = 1;
  const bool compares = !second.endpoint.empty();
  options.rounds = rounds != 0 ? rounds : compares ? kRoundsToCompare : 1;
  options.targets.push_back(std::move(first));
  if (compares) options.targets.push_back(second);

  Status status = to_ms("--duration", duration, options.duration_ms);
  if (status.ok()) status = to_ms("--warm-up", warm_up, options.warm_up_ms);
  if (status.ok() && !compares && !second.pids.empty()) {
    status = invalid_argument("--vs-pid needs --vs");
  }
  if (status.ok()) status = check_options(options);
  if (!status.ok()) {
    std::fprintf(stderr, "gatehouse-bench: %s\n", status.message().c_str());
    return {std::nullopt, 2};
  }
  return {std::move(options), 0};
}

}  // namespace gatehouse::bench
