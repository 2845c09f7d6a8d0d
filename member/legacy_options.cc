#include "member/legacy_options.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::member {

namespace {

using config::Option;
using config::Settings;
using config::Type;

constexpr const char* kGroup = "Of older releases of etcd";

// A boolean flag that is now a gate.
struct GateOption {
  std::string_view name;
  std::string_view gate;
};
constexpr GateOption kGateOptions[] = {
    {"experimental-initial-corrupt-check", "InitialCorruptCheck"},
    {"experimental-compact-hash-check-enabled", "CompactHashCheck"},
    {"experimental-enable-lease-checkpoint", "LeaseCheckpoint"},
    {"experimental-enable-lease-checkpoint-persist", "LeaseCheckpointPersist"},
    {"experimental-stop-grpc-service-on-defrag", "StopGRPCServiceOnDefrag"},
    {"experimental-txn-mode-write-with-shared-buffer", "TxnModeWriteWithSharedBuffer"},
};

// Takes any value and means nothing more.
Option without_effect(const char* name, Type type, const char* default_text, const char* why) {
  return {.name = name,
          .type = type,
          .default_text = default_text,
          .group = kGroup,
          .help = "no effect",
          .deprecated = why};
}

Option refused(const char* name, Type type, const char* default_text, const char* why) {
  return {.name = name,
          .type = type,
          .default_text = default_text,
          .group = kGroup,
          .help = "taken with its default only",
          .deprecated = "it has no effect",
          .rejected = why};
}

}  // namespace

const std::vector<RenamedOption>& renamed_options() {
  static const std::vector<RenamedOption> table = {
      {"experimental-backend-bbolt-freelist-type", "backend-bbolt-freelist-type"},
      {"experimental-bootstrap-defrag-threshold-megabytes", "bootstrap-defrag-threshold-megabytes"},
      {"experimental-compact-hash-check-time", "compact-hash-check-time"},
      {"experimental-compaction-batch-limit", "compaction-batch-limit"},
      {"experimental-compaction-sleep-interval", "compaction-sleep-interval"},
      {"experimental-corrupt-check-time", "corrupt-check-time"},
      {"experimental-distributed-tracing-address", "distributed-tracing-address"},
      {"experimental-distributed-tracing-instance-id", "distributed-tracing-instance-id"},
      {"experimental-distributed-tracing-sampling-rate", "distributed-tracing-sampling-rate"},
      {"experimental-distributed-tracing-service-name", "distributed-tracing-service-name"},
      {"experimental-downgrade-check-time", "downgrade-check-time"},
      {"experimental-enable-distributed-tracing", "enable-distributed-tracing"},
      {"experimental-max-learners", "max-learners"},
      {"experimental-memory-mlock", "memory-mlock"},
      {"experimental-peer-skip-client-san-verification", "peer-skip-client-san-verification"},
      {"experimental-snapshot-catch-up-entries", "snapshot-catchup-entries"},
      {"experimental-snapshot-catchup-entries", "snapshot-catchup-entries"},
      {"experimental-warning-apply-duration", "warning-apply-duration"},
      {"experimental-warning-unary-request-duration", "warning-unary-request-duration"},
      {"experimental-watch-progress-notify-interval", "watch-progress-notify-interval"},
  };
  return table;
}

std::vector<Option> legacy_options(const std::vector<Option>& current) {
  std::vector<Option> all;
  for (const RenamedOption& renamed : renamed_options()) {
    const auto now = std::find_if(current.begin(), current.end(),
                                  [&](const Option& option) { return option.name == renamed.now; });
    CHECK_MSG(now != current.end(), renamed.now);
    Option option = *now;
    option.name = renamed.name;
    option.key = "";  // a dotted key is new as well
    option.group = kGroup;
    option.help = "older name of --" + now->name;
    option.deprecated = "use --" + now->name;
    all.push_back(std::move(option));
  }
  for (const GateOption& gate : kGateOptions) {
    const std::string use = "--feature-gates=" + std::string(gate.gate) + "=true";
    all.push_back({.name = std::string(gate.name),
                   .type = Type::kBool,
                   .group = kGroup,
                   .help = "older form of " + use,
                   .deprecated = "use " + use});
  }
  all.push_back(without_effect("enable-v2", Type::kBool, "false", "the v2 API is gone"));
  all.push_back(without_effect("log-package-levels", Type::kString, "", "use --log-level"));
  for (const auto& [name, default_text] :
       {std::pair("proxy-failure-wait", "5000"), std::pair("proxy-refresh-interval", "30000"),
        std::pair("proxy-dial-timeout", "1000"), std::pair("proxy-write-timeout", "5000"),
        std::pair("proxy-read-timeout", "0")}) {
    all.push_back(without_effect(name, Type::kUint64, default_text, "the v2 proxy is gone"));
  }
  all.push_back({.name = "debug",
                 .type = Type::kBool,
                 .group = kGroup,
                 .help = "older form of --log-level=debug",
                 .deprecated = "use --log-level=debug"});
  all.push_back(refused("experimental-enable-v2v3", Type::kString, "",
                        "is not supported: the v2 API is gone"));
  all.push_back(refused("proxy", Type::kString, "off",
                        "is not supported: the v2 proxy is gone; see gatehouse-proxy"));
  all.push_back(refused("discovery", Type::kString, "", "is not supported: v2 discovery is gone"));
  all.push_back(
      refused("discovery-proxy", Type::kString, "", "is not supported: v2 discovery is gone"));
  return all;
}

Result<std::string> current_or_older_name(const Settings& settings, std::string_view name) {
  std::string found(name);
  bool given = settings.is_set(name);
  for (const RenamedOption& renamed : renamed_options()) {
    if (renamed.now != name || !settings.is_set(renamed.name)) continue;
    if (given) {
      return invalid_argument("cannot set --" + std::string(renamed.name) + " and --" + found +
                              " at the same time, please use --" + std::string(name) + " only");
    }
    found = renamed.name;
    given = true;
  }
  return found;
}

Result<FeatureGates> feature_gates(const Settings& settings) {
  const std::string& text = settings.string("feature-gates");
  FeatureGates gates;
  GATEHOUSE_RETURN_IF_ERROR(parse_feature_gates(text, &gates));
  for (const GateOption& option : kGateOptions) {
    if (!settings.is_set(option.name)) continue;
    const std::string gate(option.gate);
    if (names_feature_gate(text, gate)) {
      return invalid_argument("cannot specify both flags: --" + std::string(option.name) +
                              "=(true|false) and --feature-gates=" + gate +
                              "=(true|false) at the same time, please just use --feature-gates=" +
                              gate + "=(true|false)");
    }
    const std::string value = settings.boolean(option.name) ? "=true" : "=false";
    GATEHOUSE_RETURN_IF_ERROR(parse_feature_gates(gate + value, &gates));
  }
  if (gates.lease_checkpoint_persist && !gates.lease_checkpoint) {
    return invalid_argument(
        "enabling feature gate LeaseCheckpointPersist requires enabling feature gate "
        "LeaseCheckpoint");
  }
  return gates;
}

}  // namespace gatehouse::member
