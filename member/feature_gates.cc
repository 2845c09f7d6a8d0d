#include "member/feature_gates.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/config/values.h"

namespace gatehouse::member {

namespace {

struct Setting {
  std::string name;
  std::optional<std::string> value;
};

// "a=true, b" in its parts.
std::vector<Setting> split(std::string_view text) {
  std::vector<Setting> settings;
  for (const std::string& item : config::split_list(text)) {
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    // split_list also takes the white space off a single item.
    const auto part = [](std::string_view piece) {
      std::vector<std::string> items = config::split_list(piece);
      return items.empty() ? std::string() : std::move(items.front());
    };
    Setting setting{part(item.substr(0, equals)), std::nullopt};
    if (equals != std::string::npos) setting.value = part(item.substr(equals + 1));
    settings.push_back(std::move(setting));
  }
  return settings;
}

}  // namespace

const std::vector<FeatureGate>& feature_gate_table() {
  using G = FeatureGates;
  static const std::vector<FeatureGate> table = {
      {"CompactHashCheck", &G::compact_hash_check, true},
      {"FastLeaseKeepAlive", &G::fast_lease_keep_alive, false},
      {"InitialCorruptCheck", &G::initial_corrupt_check, true},
      {"LeaseCheckpoint", &G::lease_checkpoint, true},
      {"LeaseCheckpointPersist", &G::lease_checkpoint_persist, true},
      {"PriorityRequest", &G::priority_request, true},
      {"SetMemberLocalAddr", &G::set_member_local_addr, true},
      {"StopGRPCServiceOnDefrag", &G::stop_grpc_service_on_defrag, true},
      {"TxnModeWriteWithSharedBuffer", &G::txn_mode_write_with_shared_buffer, false},
  };
  return table;
}

Status parse_feature_gates(std::string_view text, FeatureGates* gates) {
  FeatureGates changed = *gates;
  std::vector<std::pair<const FeatureGate*, bool>> named;
  for (const Setting& setting : split(text)) {
    if (!setting.value.has_value()) {
      return invalid_argument("missing bool value for " + setting.name);
    }
    const Result<bool> value = config::parse_bool(*setting.value);
    if (!value.ok()) {
      return invalid_argument("invalid value of " + setting.name + "=" + *setting.value +
                              ", err: strconv.ParseBool: parsing \"" + *setting.value +
                              "\": invalid syntax");
    }
    if (setting.name == "AllAlpha" || setting.name == "AllBeta") {
      for (const FeatureGate& gate : feature_gate_table()) {
        if (gate.alpha == (setting.name == "AllAlpha")) changed.*gate.field = *value;
      }
      continue;
    }
    const auto& table = feature_gate_table();
    const auto gate = std::find_if(table.begin(), table.end(), [&](const FeatureGate& candidate) {
      return candidate.name == setting.name;
    });
    if (gate == table.end()) {
      return invalid_argument("unrecognized feature gate: " + setting.name);
    }
    named.emplace_back(&*gate, *value);
  }
  for (const auto& [gate, value] : named) changed.*(gate->field) = value;
  *gates = changed;
  return Status();
}

bool names_feature_gate(std::string_view text, std::string_view name) {
  const std::vector<Setting> settings = split(text);
  return std::any_of(settings.begin(), settings.end(),
                     [&](const Setting& setting) { return setting.name == name; });
}

}  // namespace gatehouse::member
