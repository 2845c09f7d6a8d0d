#include "ctl/command_table.h"

namespace gatehouse::ctl {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kInt = FlagKind::kInt;
constexpr auto kString = FlagKind::kString;
constexpr auto kDuration = FlagKind::kDuration;

std::vector<Flag> global_flags() {
  return {
      {"endpoints", FlagKind::kStrings, "127.0.0.1:2379", "gRPC endpoints of members or proxies"},
      {"write-out", kString, "simple", "output format (fields, json, protobuf, simple, table)",
       'w'},
      {"hex", kBool, "", "print keys, values and ids in hexadecimal"},
      {"debug", kBool, "", "print the flags in force to stderr"},
      {"dial-timeout", kDuration, "2s", "how long to try to connect"},
      {"command-timeout", kDuration, "5s", "how long a request may take, connecting not counted"},
      {"keepalive-time", kDuration, "2s", "how often to ping an idle connection"},
      {"keepalive-timeout", kDuration, "6s", "how long to wait for the answer to a ping"},
      {"max-request-bytes", kInt, "0", "the largest request that is sent (0: 2 MiB)"},
      {"max-recv-bytes", kInt, "0", "the largest response that is taken (0: no limit)"},
      {"insecure-transport", kBool, "true",
       "no TLS, unless an endpoint or another flag asks for it"},
      {"insecure-discovery", kBool, "true", "take SRV records of endpoints without TLS, too"},
      {"insecure-skip-tls-verify", kBool, "", "take any server certificate (for tests only)"},
      {"cert", kString, "", "file with the client's certificate"},
      {"key", kString, "", "file with the key of the client's certificate"},
      {"cacert", kString, "", "file with the authorities that may sign servers' certificates"},
      {"user", kString, "", "name[:password] to authenticate as (asks for a missing password)"},
      {"password", kString, "", "password to authenticate with; --user is the name alone, then"},
      {"auth-jwt-token", kString, "", "token to authenticate with, instead of a user"},
      {"discovery-srv", kString, "", "domain whose SRV records name the endpoints", 'd'},
      {"discovery-srv-name", kString, "", "suffix of the service in those records"},
  };
}

void append(std::vector<Command>& all, std::vector<Command> part, Heading heading) {
  for (Command& command : part) {
    command.heading = heading;
    all.push_back(std::move(command));
  }
}

}  // namespace

const Command& command_table() {
  static const Command kRoot = [] {
    Command root{
        .name = "gatehousectl",
        .summary = "Reads, writes, watches and operates a cluster that speaks etcd's API."};
    root.shared_flags = global_flags();
    append(root.commands, key_value_commands(), Heading::kKeyValue);
    append(root.commands, maintenance_commands(), Heading::kMaintenance);
    append(root.commands, concurrency_commands(), Heading::kConcurrency);
    append(root.commands, authentication_commands(), Heading::kAuthentication);
    append(root.commands, utility_commands(), Heading::kUtility);
    return root;
  }();
  return kRoot;
}

}  // namespace gatehouse::ctl
