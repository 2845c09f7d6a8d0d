#include "member/option_rules.h"

#include <chrono>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "member/feature_gates.h"
#include "member/url.h"

namespace gatehouse::member {

namespace {

const std::vector<std::string>& list(const config::Value& value) {
  return std::get<std::vector<std::string>>(value);
}

// -1, 0, 1.
int sign(const config::Value& value) {
  const auto* number = std::get_if<int64_t>(&value);
  const int64_t n = number != nullptr ? *number : std::get<std::chrono::nanoseconds>(value).count();
  return n < 0 ? -1 : n > 0 ? 1 : 0;
}

}  // namespace

Status urls_rule(const config::Value& value) { return parse_urls(list(value)).status(); }

Status cors_rule(const config::Value& value) {
  if (list(value) == std::vector<std::string>{"*"}) return Status();
  if (list(value).empty()) return parse_urls({""}).status();
  return urls_rule(value);
}

Status feature_gates_rule(const config::Value& value) {
  FeatureGates gates;
  return parse_feature_gates(std::get<std::string>(value), &gates);
}

Status log_level_rule(const config::Value& value) {
  const auto& name = std::get<std::string>(value);
  if (log::parse_level(name).ok()) return Status();
  return invalid_argument("unrecognized level: \"" + name + "\"");
}

Status not_negative_rule(const config::Value& value) {
  if (sign(value) >= 0) return Status();
  return invalid_argument("must not be negative");
}

Status above_zero_rule(const config::Value& value) {
  if (sign(value) > 0) return Status();
  return invalid_argument("must be above 0");
}

}  // namespace gatehouse::member
