#include "member/not_effective.h"

#include <algorithm>
#include <map>
#include <variant>

#include "common/base/check.h"
#include "member/option_values.h"

namespace gatehouse::member {

namespace {

using Then = NotEffective::Then;

constexpr std::string_view kNoDiscovery =
    "the members of a new cluster are named by --initial-cluster or --discovery-srv";

constexpr std::string_view kNoPeerHashes = "hashes of other members are not asked for";
constexpr std::string_view kPeerTimeouts =
    "connections of members have time-outs that do not depend on it";
constexpr std::string_view kNoUsers = "there are no users";

constexpr NotEffective kNotYetEffective[] = {
    {"discovery-endpoints", "", Then::kRefuse, kNoDiscovery},
    {"auth-token", "jwt", Then::kRefuse, "tokens are simple tokens only"},
    {"enable-pprof", "", Then::kTell, "profiles of this process are taken with perf"},
    {"enable-distributed-tracing", "", Then::kTell, "no spans are sent"},
    {"corrupt-check-time", "", Then::kTellOfPart,
     "this member's data is checked against itself; hashes of other members are not asked for"},
    {"compact-hash-check-time", "", Then::kTell, kNoPeerHashes},
    {"downgrade-check-time", "", Then::kTell, "a downgrade ends when it is cancelled"},
    {"socket-reuse-port", "", Then::kTellOfPart, "of the listeners, those for clients have it"},
    {"raft-read-timeout", "", Then::kTell, kPeerTimeouts},
    {"raft-write-timeout", "", Then::kTell, kPeerTimeouts},
    {"peer-skip-client-san-verification", "", Then::kTell,
     "a peer's certificate is checked without its names"},
    {"bcrypt-cost", "", Then::kTell, kNoUsers},
    {"auth-token-ttl", "", Then::kTell, kNoUsers},
    {"backend-bbolt-freelist-type", "", Then::kTell, "the backend is not bbolt"},
};

constexpr GateNotEffective kGatesNotYetEffective[] = {
    {&FeatureGates::compact_hash_check, kNoPeerHashes},
    {&FeatureGates::stop_grpc_service_on_defrag, "a member serves while it is defragmented"},
    {&FeatureGates::fast_lease_keep_alive, "leases are kept alive without a read of the index"},
    {&FeatureGates::txn_mode_write_with_shared_buffer, "transactions never copy the buffer"},
    {&FeatureGates::priority_request, "requests are served in the order of their arrival"},
    {&FeatureGates::set_member_local_addr, "the system chooses the address to connect from"},
};

// Every option's default as text.
std::map<std::string, std::string> default_texts(const config::Schema& schema) {
  const config::Loaded loaded = config::load(schema, {});
  const auto* settings = std::get_if<config::Settings>(&loaded);
  CHECK_MSG(settings != nullptr, "the defaults alone do not load");
  const auto texts = settings->effective();
  return {texts.begin(), texts.end()};
}

}  // namespace

std::span<const NotEffective> not_yet_effective() { return kNotYetEffective; }
std::span<const GateNotEffective> gates_not_yet_effective() { return kGatesNotYetEffective; }

Status find_not_effective(const config::Schema& schema, const OptionValues& values,
                          const FeatureGates& gates, std::vector<std::string>* told) {
  const std::map<std::string, std::string> defaults = default_texts(schema);
  const auto effective = values.settings().effective();
  const std::map<std::string, std::string> texts(effective.begin(), effective.end());
  for (const NotEffective& entry : kNotYetEffective) {
    const std::string& text = texts.at(std::string(values.given(entry.option)));
    if (text == defaults.at(std::string(entry.option))) continue;
    if (!text.starts_with(entry.value_prefix)) continue;
    std::string line = "--" + std::string(entry.option);
    if (!entry.value_prefix.empty()) line += "=" + std::string(entry.value_prefix);
    line += entry.then == Then::kTellOfPart ? " is effective in part: "
                                            : " is not supported by this release: ";
    line += entry.because;
    if (entry.then == Then::kRefuse) return invalid_argument(std::move(line));
    told->push_back(std::move(line));
  }
  for (const GateNotEffective& entry : kGatesNotYetEffective) {
    if (gates.*entry.gate == FeatureGates().*entry.gate) continue;
    const auto& table = feature_gate_table();
    const auto gate = std::find_if(table.begin(), table.end(), [&](const FeatureGate& candidate) {
      return candidate.field == entry.gate;
    });
    told->push_back("feature gate " + std::string(gate->name) +
                    " is not supported by this release: " + std::string(entry.because));
  }
  return Status();
}

}  // namespace gatehouse::member
