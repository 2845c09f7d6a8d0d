#include "common/config/option_value.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "common/base/check.h"
#include "common/base/duration.h"
#include "common/config/values.h"

namespace gatehouse::config {

namespace {

template <typename T>
Status take(const Result<T>& result, Value* value) {
  if (result.ok()) *value = *result;
  return result.status();
}

Status parse_by_type(const Option& option, std::string_view text, Value* value) {
  switch (option.type) {
    case Type::kString:
      *value = std::string(text);
      return Status();
    case Type::kBool:
      return take(parse_bool(text), value);
    case Type::kInt64:
      return take(parse_int64(text), value);
    case Type::kUint64:
      return take(parse_uint64(text), value);
    case Type::kUint32: {
      const Result<uint64_t> number = parse_uint64(text);
      if (number.ok() && *number > std::numeric_limits<uint32_t>::max()) {
        return invalid_argument("value out of range");
      }
      return take(number, value);
    }
    case Type::kDuration:
      return take(parse_duration(text), value);
    case Type::kBytes:
      return take(parse_bytes(text), value);
    case Type::kList:
      *value = split_list(text);
      return Status();
    case Type::kEnum: {
      if (std::find(option.choices.begin(), option.choices.end(), text) != option.choices.end()) {
        *value = std::string(text);
        return Status();
      }
      std::string known;
      for (const std::string& choice : option.choices) {
        if (choice.empty()) continue;
        known += (known.empty() ? "" : ", ") + choice;
      }
      return invalid_argument("must be one of " + known);
    }
  }
  CHECK(false);
}

}  // namespace

Result<Value> parse_value(const Option& option, std::string_view text) {
  Value value;
  GATEHOUSE_RETURN_IF_ERROR(parse_by_type(option, text, &value));
  if (option.validate) GATEHOUSE_RETURN_IF_ERROR(option.validate(value));
  return value;
}

std::string value_text(Type type, const Value& value) {
  switch (type) {
    case Type::kString:
    case Type::kEnum:
      return std::get<std::string>(value);
    case Type::kBool:
      return std::get<bool>(value) ? "true" : "false";
    case Type::kInt64:
      return std::to_string(std::get<int64_t>(value));
    case Type::kUint64:
    case Type::kUint32:
      return std::to_string(std::get<uint64_t>(value));
    case Type::kDuration:
      return format_duration(std::get<std::chrono::nanoseconds>(value));
    case Type::kBytes:
      return format_bytes(std::get<uint64_t>(value));
    case Type::kList:
      return join_list(std::get<std::vector<std::string>>(value));
  }
  return "";
}

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr std::string_view kHex = "0123456789abcdef";
      result += "\\x";
      result += kHex[static_cast<unsigned char>(c) >> 4];
      result += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      result += c;
    }
  }
  return result += '"';
}

std::string environment_name(const Schema& schema, const Option& option) {
  if (schema.env_prefix.empty() || option.environment == kNoEnvironment) return "";
  if (!option.environment.empty()) return option.environment;
  std::string name = schema.env_prefix;
  for (const char c : option.name) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string file_key(const Option& option) {
  if (option.key == kNoKey) return "";
  return option.key.empty() ? option.name : option.key;
}

}  // namespace gatehouse::config
