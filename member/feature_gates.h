// Feature gates: --feature-gates=Name=true,Name=false,AllAlpha=true.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace gatehouse::member {

struct FeatureGates {
  // Alpha: off unless asked for.
  bool compact_hash_check = false;
  bool initial_corrupt_check = false;
  bool lease_checkpoint = false;
  bool lease_checkpoint_persist = false;
  bool priority_request = false;
  bool set_member_local_addr = false;
  bool stop_grpc_service_on_defrag = false;
  // Beta: on unless refused.
  bool fast_lease_keep_alive = true;
  bool txn_mode_write_with_shared_buffer = true;

  friend bool operator==(const FeatureGates&, const FeatureGates&) = default;
};

// One gate by its name in flags and logs.
struct FeatureGate {
  std::string_view name;
  bool FeatureGates::*field;
  bool alpha;  // else beta
};
const std::vector<FeatureGate>& feature_gate_table();

// Sets what the text names. AllAlpha and AllBeta stand for the gates of their stage that the text
// does not name itself. InvalidArgument in etcd's words, and `gates` is as it was.
Status parse_feature_gates(std::string_view text, FeatureGates* gates);

// Whether the text names the gate itself.
bool names_feature_gate(std::string_view text, std::string_view name);

}  // namespace gatehouse::member
