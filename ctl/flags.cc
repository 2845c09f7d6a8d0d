#include "ctl/flags.h"

#include <charconv>

#include "common/base/check.h"
#include "common/base/duration.h"
#include "ctl/go_text.h"

namespace gatehouse::ctl {
namespace {

Status parse_bool(std::string_view text, int64_t& value) {
  for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return value = 1, Status();
  }
  for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return value = 0, Status();
  }
  return invalid_argument("strconv.ParseBool: parsing " + go_quote(text) + ": invalid syntax");
}

// The digits without sign, and their base.
std::string_view without_prefix(std::string_view digits, int& base) {
  if (base != 0) return digits;
  base = 10;
  if (digits.size() > 2 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    if (mark == 'x') base = 16;
    if (mark == 'o') base = 8;
    if (mark == 'b') base = 2;
    if (base != 10) return digits.substr(2);
  }
  if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    return digits.substr(1);
  }
  return digits;
}

enum class Digits : uint8_t { kRead, kSyntax, kRange };

Digits parse_digits(std::string_view digits, int base, uint64_t& value) {
  digits = without_prefix(digits, base);
  if (digits.empty()) return Digits::kSyntax;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    return Digits::kSyntax;
  }
  return error == std::errc() ? Digits::kRead : Digits::kRange;
}

Status number_error(std::string_view function, std::string_view text, Digits digits) {
  return invalid_argument("strconv." + std::string(function) + ": parsing " + go_quote(text) +
                          (digits == Digits::kRange ? ": value out of range" : ": invalid syntax"));
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  while (true) {
    const size_t comma = text.find(',');
    items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Status parse_int(std::string_view text, int base, int64_t& value) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative || text.starts_with('+') ? text.substr(1) : text;
  uint64_t magnitude = 0;
  Digits read = parse_digits(digits, base, magnitude);
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (read == Digits::kRead && magnitude > limit) read = Digits::kRange;
  if (read != Digits::kRead) return number_error("ParseInt", text, read);
  value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return {};
}

Status parse_uint(std::string_view text, int base, uint64_t& value) {
  const Digits read = parse_digits(text, base, value);
  return read == Digits::kRead ? Status() : number_error("ParseUint", text, read);
}

std::string display_name(const Flag& flag) {
  std::string name;
  if (flag.shorthand != 0) name = std::string("-") + flag.shorthand + ", ";
  return name + "--" + std::string(flag.name);
}

FlagValues::FlagValues(std::vector<const Flag*> flags) : flags_(std::move(flags)) {
  for (const Flag* flag : flags_) {
    values_[flag->name] = Value{flag, false, {std::string()}, 0};
    if (flag->initial.empty()) continue;
    const Status status = set(*flag, flag->initial);
    CHECK_MSG(status.ok(), status.message());
    values_[flag->name].given = false;
  }
}

Status FlagValues::set(const Flag& flag, std::string_view text) {
  Value& value = values_.at(flag.name);
  int64_t number = value.number;
  switch (flag.kind) {
    case FlagKind::kBool:
      GATEHOUSE_RETURN_IF_ERROR(parse_bool(text, number));
      break;
    case FlagKind::kInt:
      GATEHOUSE_RETURN_IF_ERROR(parse_int(text, 0, number));
      break;
    case FlagKind::kUint: {
      uint64_t bits = 0;
      GATEHOUSE_RETURN_IF_ERROR(parse_uint(text, 0, bits));
      number = static_cast<int64_t>(bits);
      break;
    }
    case FlagKind::kDuration: {
      const Result<std::chrono::nanoseconds> duration = parse_duration(text);
      GATEHOUSE_RETURN_IF_ERROR(duration.status());
      number = duration->count();
      break;
    }
    case FlagKind::kString:
      value.texts = {std::string(text)};
      break;
    case FlagKind::kStrings: {
      std::vector<std::string> items = split_commas(text);
      if (!value.given) value.texts.clear();
      value.texts.insert(value.texts.end(), items.begin(), items.end());
      break;
    }
  }
  value.number = number;
  value.given = true;
  return {};
}

const FlagValues::Value& FlagValues::value(std::string_view name, FlagKind kind) const {
  const auto found = values_.find(name);
  CHECK_MSG(found != values_.end(), "no such flag: " + std::string(name));
  CHECK_MSG(found->second.flag->kind == kind, "a flag of another kind: " + std::string(name));
  return found->second;
}

bool FlagValues::boolean(std::string_view name) const {
  return value(name, FlagKind::kBool).number != 0;
}
int64_t FlagValues::integer(std::string_view name) const {
  return value(name, FlagKind::kInt).number;
}
uint64_t FlagValues::unsigned_integer(std::string_view name) const {
  return static_cast<uint64_t>(value(name, FlagKind::kUint).number);
}
const std::string& FlagValues::text(std::string_view name) const {
  return value(name, FlagKind::kString).texts.front();
}
const std::vector<std::string>& FlagValues::texts(std::string_view name) const {
  return value(name, FlagKind::kStrings).texts;
}
std::chrono::nanoseconds FlagValues::duration(std::string_view name) const {
  return std::chrono::nanoseconds(value(name, FlagKind::kDuration).number);
}

bool FlagValues::given(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && found->second.given;
}

std::string FlagValues::printed(std::string_view name) const {
  const Value& value = values_.at(name);
  switch (value.flag->kind) {
    case FlagKind::kBool:
      return value.number != 0 ? "true" : "false";
    case FlagKind::kInt:
      return std::to_string(value.number);
    case FlagKind::kUint:
      return std::to_string(static_cast<uint64_t>(value.number));
    case FlagKind::kDuration:
      return format_duration(std::chrono::nanoseconds(value.number));
    case FlagKind::kString:
      return value.texts.front();
    case FlagKind::kStrings: {
      std::string list;
      for (const std::string& text : value.texts) list += (list.empty() ? "" : ",") + text;
      return "[" + list + "]";
    }
  }
  return {};
}

const Flag* FlagValues::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : found->second.flag;
}

const Flag* FlagValues::find(char shorthand) const {
  for (const Flag* flag : flags_) {
    if (flag->shorthand != 0 && flag->shorthand == shorthand) return flag;
  }
  return nullptr;
}

namespace {

Status set_named(const Flag& flag, std::string_view text, FlagValues& values) {
  const Status status = values.set(flag, text);
  if (status.ok()) return status;
  return invalid_argument("invalid argument " + go_quote(text) + " for \"" + display_name(flag) +
                          "\" flag: " + status.message());
}

// One "--…"; takes its value from `next` when it needs one. `used` counts the arguments.
Status parse_long(std::string_view argument, const std::string* next, FlagValues& values,
                  ParsedWords& parsed, size_t& used) {
  const std::string_view body = argument.substr(2);
  if (body[0] == '-' || body[0] == '=') {
    return invalid_argument("bad flag syntax: " + std::string(argument));
  }
  const size_t equals = body.find('=');
  const std::string_view name = body.substr(0, equals);
  const Flag* flag = values.find(name);
  if (flag == nullptr) {
    if (name == "help") return parsed.help = true, Status();
    return invalid_argument("unknown flag: --" + std::string(name));
  }
  if (equals != std::string_view::npos) return set_named(*flag, body.substr(equals + 1), values);
  if (flag->kind == FlagKind::kBool) return set_named(*flag, "true", values);
  if (next == nullptr) return invalid_argument("flag needs an argument: " + std::string(argument));
  used = 2;
  return set_named(*flag, *next, values);
}

Status parse_short(std::string_view argument, const std::string* next, FlagValues& values,
                   ParsedWords& parsed, size_t& used) {
  std::string_view letters = argument.substr(1);
  while (!letters.empty()) {
    const char letter = letters[0];
    const std::string in = "'" + std::string(1, letter) + "' in -" + std::string(letters);
    letters.remove_prefix(1);
    const Flag* flag = values.find(letter);
    if (flag == nullptr) {
      if (letter == 'h') return parsed.help = true, Status();
      return invalid_argument("unknown shorthand flag: " + in);
    }
    if (letters.size() > 1 && letters[0] == '=') {
      return set_named(*flag, letters.substr(1), values);
    }
    if (flag->kind == FlagKind::kBool) {
      GATEHOUSE_RETURN_IF_ERROR(set_named(*flag, "true", values));
      continue;
    }
    if (!letters.empty()) return set_named(*flag, letters, values);
    if (next == nullptr) return invalid_argument("flag needs an argument: " + in);
    used = 2;
    return set_named(*flag, *next, values);
  }
  return {};
}

}  // namespace

Status parse_words(std::span<const std::string> arguments, FlagValues& values,
                   ParsedWords& parsed) {
  for (size_t i = 0; i < arguments.size();) {
    const std::string& argument = arguments[i];
    const std::string* next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
    size_t used = 1;
    if (argument == "--") {
      parsed.dash = parsed.words.size();
      parsed.words.insert(parsed.words.end(), arguments.begin() + static_cast<ptrdiff_t>(i) + 1,
                          arguments.end());
      return {};
    }
    if (argument.starts_with("--")) {
      GATEHOUSE_RETURN_IF_ERROR(parse_long(argument, next, values, parsed, used));
    } else if (argument.size() > 1 && argument[0] == '-') {
      GATEHOUSE_RETURN_IF_ERROR(parse_short(argument, next, values, parsed, used));
    } else {
      parsed.words.push_back(argument);
    }
    i += used;
  }
  return {};
}

}  // namespace gatehouse::ctl
