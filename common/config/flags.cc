#include "common/config/flags.h"

#include <algorithm>

#include "common/config/option_value.h"

namespace gatehouse::config {

namespace {

// --name=value in its parts.
struct Word {
  std::string_view name;
  std::optional<std::string_view> value;
};

// nullopt: "bad flag syntax".
std::optional<Word> split_word(std::string_view without_dashes) {
  if (without_dashes.empty() || without_dashes[0] == '-' || without_dashes[0] == '=') {
    return std::nullopt;
  }
  const size_t equals = without_dashes.find('=');
  if (equals == std::string_view::npos) return Word{without_dashes, std::nullopt};
  return Word{without_dashes.substr(0, equals), without_dashes.substr(equals + 1)};
}

// What pflag says about a value: the message of the Go function that did not take it.
std::string pflag_reason(Type type, std::string_view text, const std::string& reason) {
  const bool syntax = reason == "parse error";
  if (!syntax && reason != "value out of range") return reason;
  const char* function = nullptr;
  switch (type) {
    case Type::kBool:
      function = "strconv.ParseBool";
      break;
    case Type::kInt64:
      function = "strconv.ParseInt";
      break;
    case Type::kUint64:
    case Type::kUint32:
      function = "strconv.ParseUint";
      break;
    default:
      return reason;
  }
  return std::string(function) + ": parsing " + quote(text) + ": " +
         (syntax ? "invalid syntax" : reason);
}

class Parser {
 public:
  Parser(const Schema& schema, std::span<const std::string_view> arguments)
      : schema_(schema), rest_(arguments) {
    flags_.values.resize(schema.options.size());
  }

  std::variant<Flags, FlagError> run() {
    while (!rest_.empty() && !flags_.help && !error_.has_value()) {
      const std::string_view word = rest_.front();
      if (word.size() < 2 || word[0] != '-') {
        stray_word(word);
        break;
      }
      rest_ = rest_.subspan(1);
      if (word == "--") {
        if (!rest_.empty()) stray_word(rest_.front());
        break;
      }
      if (go()) {
        go_flag(word);
      } else if (word[1] == '-') {
        cobra_flag(word);
      } else {
        // pflag's shorthands: none but -h is defined.
        flags_.help = word[1] == 'h';
        if (!flags_.help) {
          fail("unknown shorthand flag: '" + std::string(1, word[1]) + "' in " + std::string(word));
        }
      }
    }
    if (error_.has_value()) return *std::move(error_);
    return std::move(flags_);
  }

 private:
  bool go() const { return schema_.syntax == Syntax::kGoFlag; }

  void fail(std::string message) { error_ = FlagError{go() ? 2 : 1, std::move(message), true}; }

  // etcd parses with Go's rules, where the first other word ends the flags, and then refuses it.
  // With pflag's rules other words may stand anywhere; no program of ours takes any.
  void stray_word(std::string_view word) {
    if (go()) {
      error_ = FlagError{1, quote(word) + " is not a valid flag", false};
    } else {
      error_ =
          FlagError{1, "unknown command " + quote(word) + " for " + quote(schema_.program), true};
    }
  }

  // The index of the option, or SIZE_MAX.
  size_t find(std::string_view name) const {
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (schema_.options[i].name == name) return i;
    }
    return SIZE_MAX;
  }

  // The value in the word, or the next word, which a boolean does not take.
  std::optional<std::string_view> value_of(const Word& word, const Option& option) {
    if (word.value.has_value()) return word.value;
    if (option.type == Type::kBool || option.value_optional) return "true";
    if (rest_.empty()) return std::nullopt;
    const std::string_view next = rest_.front();
    rest_ = rest_.subspan(1);
    return next;
  }

  // https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
  void go_flag(std::string_view text) {
    const std::optional<Word> word = split_word(text.substr(text[1] == '-' ? 2 : 1));
    if (!word.has_value()) return fail("bad flag syntax: " + std::string(text));
    const std::string name(word->name);
    const size_t index = find(name);
    if (index == SIZE_MAX) {
      flags_.help = name == "help" || name == "h";
      if (!flags_.help) fail("flag provided but not defined: -" + name);
      return;
    }
    const Option& option = schema_.options[index];
    const std::optional<std::string_view> value = value_of(*word, option);
    if (!value.has_value()) return fail("flag needs an argument: -" + name);
    Result<Value> parsed = parse_value(option, *value);
    if (!parsed.ok()) {
      // Go tells a bad duration as any other text that does not parse.
      const bool plain =
          option.type == Type::kDuration && parsed.status().message().starts_with("time: ");
      const std::string reason = plain ? "parse error" : parsed.status().message();
      return fail(option.type == Type::kBool
                      ? "invalid boolean value " + quote(*value) + " for -" + name + ": " + reason
                      : "invalid value " + quote(*value) + " for flag -" + name + ": " + reason);
    }
    flags_.values[index] = *std::move(parsed);
  }

  // github.com/spf13/pflag, which cobra uses.
  void cobra_flag(std::string_view text) {
    const std::optional<Word> word = split_word(text.substr(2));
    if (!word.has_value()) return fail("bad flag syntax: " + std::string(text));
    const size_t index = find(word->name);
    if (index == SIZE_MAX) {
      flags_.help = word->name == "help";
      if (!flags_.help) fail("unknown flag: --" + std::string(word->name));
      return;
    }
    const Option& option = schema_.options[index];
    const std::optional<std::string_view> value = value_of(*word, option);
    if (!value.has_value()) return fail("flag needs an argument: " + std::string(text));
    Result<Value> parsed = parse_value(option, *value);
    if (!parsed.ok()) {
      return fail("invalid argument " + quote(*value) + " for \"--" + option.name +
                  "\" flag: " + pflag_reason(option.type, *value, parsed.status().message()));
    }
    std::optional<Value>& slot = flags_.values[index];
    if (slot.has_value() && option.type == Type::kList) {
      auto& items = std::get<std::vector<std::string>>(*slot);
      auto& more = std::get<std::vector<std::string>>(*parsed);
      items.insert(items.end(), more.begin(), more.end());
    } else {
      slot = *std::move(parsed);
    }
  }

  const Schema& schema_;
  std::span<const std::string_view> rest_;
  Flags flags_;
  std::optional<FlagError> error_;
};

}  // namespace

std::variant<Flags, FlagError> parse_flags(const Schema& schema,
                                           std::span<const std::string_view> arguments) {
  return Parser(schema, arguments).run();
}

}  // namespace gatehouse::config
