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
  if (error.show_usage) text += "\n" + (schema.usage.empty() ? help_text(schema) : schema.usage);
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
    GivenValues from_file(schema_.options.size());
    const std::string path = config_file(from_flags, input.environment);
    const bool file_only = !path.empty() && schema_.file_mode == Schema::FileMode::kExclusive;
    if (file_only) {
      ignore(from_flags);
      ignore(input.environment, &from_environment);
    } else {
      if (std::optional<Exit> exit = find_conflict(from_flags, input.environment)) {
        return *std::move(exit);
      }
      if (std::optional<Exit> exit = read_environment(input.environment, &from_environment)) {
        return *std::move(exit);
      }
    }
    if (!path.empty()) {
      if (std::optional<Exit> exit = read_file(path, &from_file)) return *std::move(exit);
    }
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (std::optional<Exit> exit = settle(i, from_flags[i], from_environment[i], from_file[i])) {
        return *std::move(exit);
      }
    }
    return std::move(settings_);
  }

  Result<Settings> run_text(const std::string& name, const std::string& text) {
    Result<FileContent> content = parse_config_text(schema_, name, text);
    if (!content.ok()) return content.status();
    if (!content->unknown.empty()) {
      return invalid_argument(content->unknown.front() + ": unknown key");
    }
    std::optional<Given> none;
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      std::optional<Given> given;
      std::optional<FileValue>& value = content->values[i];
      if (value.has_value()) given = Given{std::move(value->value), name};
      if (std::optional<Exit> exit = settle(i, none, none, given)) {
        return invalid_argument(exit->text.substr(0, exit->text.size() - 1));
      }
    }
    return std::move(settings_);
  }

 private:
  const Option& option(size_t i) const { return schema_.options[i]; }
  bool is_config_file(size_t i) const { return option(i).name == schema_.config_file_option; }
  void warn(std::string text) { settings_.warnings_.push_back(std::move(text)); }

  // "NAME=value" in its parts.
  static std::pair<std::string_view, std::string_view> split_variable(std::string_view variable) {
    const size_t equals = std::min(variable.find('='), variable.size());
    return {variable.substr(0, equals), variable.substr(std::min(equals + 1, variable.size()))};
  }

  // The option of a variable, or SIZE_MAX.
  size_t find_variable(std::string_view name) const {
    if (schema_.env_prefix.empty()) return SIZE_MAX;
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (environment_name(schema_, option(i)) == name) return i;
    }
    return SIZE_MAX;
  }

  std::optional<Exit> read_environment(const std::vector<std::string_view>& environment,
                                       GivenValues* given) {
    if (schema_.env_prefix.empty()) return std::nullopt;
    for (const std::string_view variable : environment) {
      const auto [name, text] = split_variable(variable);
      const size_t i = find_variable(name);
      if (i == SIZE_MAX) {
        // Never an error: Kubernetes sets <SERVICE>_PORT and the like for a service of that name.
        if (name.starts_with(schema_.env_prefix)) {
          warn("unrecognized environment variable " + std::string(variable));
        }
        continue;
      }
      if (text.empty()) continue;  // as unset, as in etcd
      Result<Value> value = parse_value(option(i), text);
      if (!value.ok()) {
        return failure("invalid value " + quote(text) + " for " + std::string(name) + ": " +
                       value.status().message());
      }
      (*given)[i] = Given{*std::move(value), std::string(name)};
    }
    return std::nullopt;
  }

  std::string config_file(const GivenValues& from_flags,
                          const std::vector<std::string_view>& environment) const {
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (!is_config_file(i) || !from_flags[i].has_value()) continue;
      const auto& path = std::get<std::string>(from_flags[i]->value);
      if (!path.empty()) return path;
    }
    for (const std::string_view variable : environment) {
      const auto [name, text] = split_variable(variable);
      const size_t i = find_variable(name);
      if (i != SIZE_MAX && is_config_file(i)) return std::string(text);
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
  void ignore(GivenValues& flags) {
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (!flags[i].has_value() || is_config_file(i)) continue;
      warn_ignored(flags[i]->place);
      flags[i].reset();
    }
  }
  void ignore(const std::vector<std::string_view>& environment, GivenValues* given) {
    for (const std::string_view variable : environment) {
      const auto [name, text] = split_variable(variable);
      const size_t i = find_variable(name);
      if (i == SIZE_MAX || text.empty()) continue;
      if (is_config_file(i)) {
        (*given)[i] = Given{std::string(text), std::string(name)};
      } else {
        warn_ignored(std::string(name));
      }
    }
  }
  void warn_ignored(const std::string& place) {
    warn(place + " is ignored, because a configuration file is given");
  }

  std::optional<Exit> find_conflict(const GivenValues& from_flags,
                                    const std::vector<std::string_view>& environment) const {
    if (schema_.env_conflict != Schema::EnvConflict::kError) return std::nullopt;
    for (const std::string_view variable : environment) {
      const std::string_view name = split_variable(variable).first;
      const size_t i = find_variable(name);
      if (i == SIZE_MAX || !from_flags[i].has_value()) continue;
      return failure("conflicting environment variable " + quote(name) +
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

Result<Settings> load_text(const Schema& schema, const std::string& name, const std::string& text) {
  return Loader(schema).run_text(name, text);
}

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
