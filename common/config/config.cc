#include "common/config/config.h"

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/check.h"
#include "common/config/file.h"
#include "common/config/flags.h"
#include "common/config/option_value.h"

namespace gatehouse::config {

namespace {

Exit failure(std::string message, int code = 1) {
  return Exit{.code = code, .to_stderr = true, .text = std::move(message) + "\n"};
}

Exit flag_failure(const Schema& schema, const FlagError& error) {
  // cobra says "Error: " before it.
  std::string text = schema.syntax == Syntax::kCobra ? "Error: " + error.message : error.message;
  if (error.show_usage) text += "\n" + help_text(schema);
  if (!text.ends_with('\n')) text += '\n';
  return Exit{.code = error.exit_code, .to_stderr = true, .text = std::move(text)};
}

// A value from one source, and what messages call the place it came from.
struct Given {
  Value value;
  std::string place;
};
using GivenValues = std::vector<std::optional<Given>>;  // as Schema::options

// The table itself: names are unique, defaults are readable.
void check_schema(const Schema& schema) {
  std::set<std::string> names;
  for (const Option& option : schema.options) {
    CHECK_MSG(!option.name.empty() && names.insert(option.name).second, option.name);
    CHECK_MSG(option.type != Type::kEnum || !option.choices.empty(), option.name);
  }
  CHECK_MSG(schema.config_file_option.empty() || names.count(schema.config_file_option) == 1,
            schema.config_file_option);
}

Value default_value(const Option& option) {
  Option unchecked = option;
  unchecked.validate = nullptr;
  std::string text = option.default_text;
  if (text.empty()) {
    switch (option.type) {
      case Type::kString:
      case Type::kList:
      case Type::kEnum:
        break;
      case Type::kBool:
        text = "false";
        break;
      default:
        text = "0";
    }
  }
  Result<Value> value = parse_value(unchecked, text);
  CHECK_MSG(value.ok(), option.name);
  return *std::move(value);
}

}  // namespace

// Collects the sources, then merges them.
class Loader {
 public:
  explicit Loader(const Schema& schema) : schema_(schema) { check_schema(schema); }

  Loaded run(const Input& input) {
    auto flags = parse_flags(schema_, input.arguments);
    if (const auto* error = std::get_if<FlagError>(&flags)) return flag_failure(schema_, *error);
    if (std::get<Flags>(flags).help) return Exit{0, false, help_text(schema_)};
    GivenValues from_flags(schema_.options.size());
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      std::optional<Value>& value = std::get<Flags>(flags).values[i];
      if (value.has_value()) from_flags[i] = Given{*std::move(value), "--" + option(i).name};
    }

    GivenValues from_environment(schema_.options.size());
    if (std::optional<Exit> exit = read_environment(input.environment, &from_environment)) {
      return *std::move(exit);
    }
    GivenValues from_file(schema_.options.size());
    const std::string path = config_file(from_flags, from_environment);
    if (!path.empty()) {
      if (std::optional<Exit> exit = read_file(path, &from_file)) return *std::move(exit);
      if (schema_.file_mode == Schema::FileMode::kExclusive) {
        ignore(&from_flags);
        ignore(&from_environment);
      }
    }
    if (std::optional<Exit> exit = find_conflict(from_flags, from_environment)) {
      return *std::move(exit);
    }
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (std::optional<Exit> exit = settle(i, from_flags[i], from_environment[i], from_file[i])) {
        return *std::move(exit);
      }
    }
    return std::move(settings_);
  }

 private:
  const Option& option(size_t i) const { return schema_.options[i]; }
  bool is_config_file(size_t i) const { return option(i).name == schema_.config_file_option; }
  void warn(std::string text) { settings_.warnings_.push_back(std::move(text)); }

  std::optional<Exit> read_environment(const std::vector<std::string_view>& environment,
                                       GivenValues* given) {
    if (schema_.env_prefix.empty()) return std::nullopt;
    for (const std::string_view variable : environment) {
      const size_t equals = std::min(variable.find('='), variable.size());
      const std::string name(variable.substr(0, equals));
      const std::string_view text = variable.substr(std::min(equals + 1, variable.size()));
      size_t i = 0;
      while (i < schema_.options.size() && environment_name(schema_, option(i)) != name) ++i;
      if (i == schema_.options.size()) {
        // Never an error: Kubernetes sets <SERVICE>_PORT and the like for a service of that name.
        if (name.starts_with(schema_.env_prefix)) {
          warn("unrecognized environment variable " + name + "=" + std::string(text));
        }
        continue;
      }
      if (text.empty()) continue;  // as unset, as in etcd
      Result<Value> value = parse_value(option(i), text);
      if (!value.ok()) {
        return failure("invalid value " + quote(text) + " for " + name + ": " +
                       value.status().message());
      }
      (*given)[i] = Given{*std::move(value), name};
    }
    return std::nullopt;
  }

  std::string config_file(const GivenValues& from_flags, const GivenValues& from_environment) {
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (!is_config_file(i)) continue;
      if (from_flags[i].has_value()) return std::get<std::string>(from_flags[i]->value);
      if (from_environment[i].has_value()) {
        return std::get<std::string>(from_environment[i]->value);
      }
    }
    return "";
  }

  std::optional<Exit> read_file(const std::string& path, GivenValues* given) {
    Result<FileContent> content = read_config_file(schema_, path);
    if (!content.ok()) return failure(content.status().message());
    for (const std::string& unknown : content->unknown) {
      if (schema_.unknown_keys == Schema::UnknownKeys::kError) {
        return failure(unknown + ": unknown key");
      }
      warn(unknown + ": unknown key, ignored");
    }
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      std::optional<FileValue>& value = content->values[i];
      if (!value.has_value() || is_config_file(i)) continue;
      (*given)[i] = Given{std::move(value->value),
                          path + ":" + std::to_string(value->line) + ": " + file_key(option(i))};
    }
    return std::nullopt;
  }

  // kExclusive: what was given beside the file does not count.
  void ignore(GivenValues* given) {
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (!(*given)[i].has_value() || is_config_file(i)) continue;
      warn((*given)[i]->place + " is ignored, because a configuration file is given");
      (*given)[i].reset();
    }
  }

  std::optional<Exit> find_conflict(const GivenValues& from_flags,
                                    const GivenValues& from_environment) const {
    if (schema_.env_conflict != Schema::EnvConflict::kError) return std::nullopt;
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (!from_flags[i].has_value() || !from_environment[i].has_value()) continue;
      return failure("conflicting environment variable " + quote(from_environment[i]->place) +
                     " is shadowed by corresponding command-line flag (either unset environment "
                     "variable or disable flag)");
    }
    return std::nullopt;
  }

  // Takes the value of the strongest source.
  std::optional<Exit> settle(size_t i, std::optional<Given>& flag,
                             std::optional<Given>& environment, std::optional<Given>& file) {
    Settings::Entry entry{option(i).name, option(i).type, default_value(option(i))};
    const std::pair<std::optional<Given>*, Source> sources[] = {
        {&flag, Source::kFlag}, {&environment, Source::kEnvironment}, {&file, Source::kFile}};
    for (const auto& [given, source] : sources) {
      if (!given->has_value()) continue;
      if (!option(i).rejected.empty() && (*given)->value != entry.value) {
        return failure((*given)->place + " " + option(i).rejected);
      }
      if (!option(i).deprecated.empty()) {
        warn((*given)->place + " is deprecated: " + option(i).deprecated);
      }
      entry.value = std::move((*given)->value);
      entry.source = source;
      break;
    }
    settings_.entries_.push_back(std::move(entry));
    return std::nullopt;
  }

  const Schema& schema_;
  Settings settings_;
};

Loaded load(const Schema& schema, const Input& input) { return Loader(schema).run(input); }

Exit usage_error(const Schema& schema, std::string_view message) {
  return failure(std::string(message) + "\nRun '" + schema.program + " --help' for usage.");
}

std::string_view source_name(Source source) {
  switch (source) {
    case Source::kDefault:
      return "default";
    case Source::kFile:
      return "file";
    case Source::kEnvironment:
      return "environment";
    case Source::kFlag:
      return "flag";
  }
  return "";
}

const Settings::Entry& Settings::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  CHECK_MSG(found != entries_.end(), name);
  return *found;
}

const std::string& Settings::string(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kString || entry.type == Type::kEnum, name);
  return std::get<std::string>(entry.value);
}
bool Settings::boolean(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kBool, name);
  return std::get<bool>(entry.value);
}
int64_t Settings::int64(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kInt64, name);
  return std::get<int64_t>(entry.value);
}
uint64_t Settings::uint64(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kUint64 || entry.type == Type::kBytes, name);
  return std::get<uint64_t>(entry.value);
}
uint32_t Settings::uint32(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kUint32, name);
  return static_cast<uint32_t>(std::get<uint64_t>(entry.value));
}
std::chrono::nanoseconds Settings::duration(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kDuration, name);
  return std::get<std::chrono::nanoseconds>(entry.value);
}
const std::vector<std::string>& Settings::list(std::string_view name) const {
  const Entry& entry = find(name);
  CHECK_MSG(entry.type == Type::kList, name);
  return std::get<std::vector<std::string>>(entry.value);
}

Source Settings::source(std::string_view name) const { return find(name).source; }

std::vector<std::pair<std::string, std::string>> Settings::effective(bool only_set) const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const Entry& entry : entries_) {
    if (only_set && entry.source == Source::kDefault) continue;
    result.emplace_back(entry.name, value_text(entry.type, entry.value));
  }
  return result;
}

}  // namespace gatehouse::config
