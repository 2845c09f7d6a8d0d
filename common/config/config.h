// Flags + environment + a YAML (or JSON) file into one validated set of values.
//
// A program declares its options as a table and calls load(). Nothing throws; a failure comes back
// as an Exit: the text to print, where, and the process's exit code.
//
//   config::Schema schema;
//   schema.program = "gatehouse-proxy";
//   schema.env_prefix = "GATEHOUSE_PROXY_";
//   schema.config_file_option = "config-file";
//   schema.options = {
//       {.name = "endpoints", .type = Type::kList, .default_text = "127.0.0.1:2379",
//        .group = "Upstream", .help = "members of the cluster"}, …};
//   auto loaded = config::load(schema, {arguments, environment});
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/base/status.h"

namespace gatehouse::config {

enum class Type : uint8_t {
  kString,
  kBool,
  kInt64,
  kUint64,
  kUint32,
  kDuration,  // Go's form; in a file also an integer: nanoseconds
  kBytes,     // see parse_bytes
  kList,      // of strings: comma separated; in a file also a sequence
  kEnum,      // a string, one of `choices`
};

// string (kString, kEnum), bool, int64, uint64 (kUint64, kUint32, kBytes), nanoseconds, list.
using Value = std::variant<std::string, bool, int64_t, uint64_t, std::chrono::nanoseconds,
                           std::vector<std::string>>;

struct Option {
  std::string name;  // as the flag, without dashes
  Type type = Type::kString;
  // As an operator would write it; "" is the type's zero. Must be valid (CHECK at load).
  std::string default_text;
  // Groups are printed in the order of their first option.
  std::string group;
  // Without a full stop at the end, lower case; wrapped by the printer, which adds the default.
  std::string help;
  std::vector<std::string> choices;  // kEnum
  // The variable; "" is derived: env_prefix + NAME with '-' as '_'. kNoEnvironment: none.
  std::string environment;
  // Dotted path in the file, "client-transport-security.cert-file"; "" is the name. kNoKey: none.
  std::string key;
  // Called for every value that is given (not for the default). Its message goes into the error.
  std::function<Status(const Value&)> validate;
  // Not empty: accepted with the warning "--name is deprecated: <text>".
  std::string deprecated;
  // Not empty: a value other than the default is an error, "--name <text>", from any source.
  std::string rejected;
  // kString under Syntax::kGoFlag: written without "=", the flag is the text "true" and takes no
  // next word, as a boolean. For flags that once were something and now are nothing.
  bool value_optional = false;
  // Taken, but not in the help.
  bool hidden = false;
};
inline constexpr std::string_view kNoEnvironment = "-";
inline constexpr std::string_view kNoKey = "-";

// How flags are written and how their errors read.
enum class Syntax : uint8_t {
  // Go's flag package: -name x, --name x, -name=x, --name=x; booleans only with "="; stops at the
  // first other word or "--"; a later occurrence replaces an earlier one. Errors: exit 2.
  kGoFlag,
  // cobra (pflag): --name x, --name=x; words may stand between flags; "--" ends them; repeated
  // lists
  // are appended. Errors: exit 1.
  kCobra,
};

enum class Source : uint8_t { kDefault, kFile, kEnvironment, kFlag };
std::string_view source_name(Source source);  // "default", "file", "environment", "flag"

struct Schema {
  std::string
      program;  // for the usage line: "gatehouse-proxy" or "gatehouse-proxy grpc-proxy start"
  std::string description;  // one or two sentences at the top of the help
  // What stands below the message of a wrong flag; "" is the whole help.
  std::string usage;
  Syntax syntax = Syntax::kGoFlag;
  std::vector<Option> options;

  // "" leaves the environment out.
  std::string env_prefix;
  // A flag and its variable both given: the flag wins, or it is etcd's "conflicting environment
  // variable" error (exit 1), even if the variable is empty.
  enum class EnvConflict : uint8_t { kFlagWins, kError } env_conflict = EnvConflict::kFlagWins;

  // The option (kString) that names the file, by flag or environment; "" leaves files out.
  std::string config_file_option;
  // kLowest: flags beat environment beats file. kExclusive (etcd): with a file, all other flags and
  // variables are ignored, with a warning; the values of the variables are not even read.
  enum class FileMode : uint8_t { kLowest, kExclusive } file_mode = FileMode::kLowest;
  // Keys of the file that no option has: a warning each, or an error.
  enum class UnknownKeys : uint8_t { kWarn, kError } unknown_keys = UnknownKeys::kWarn;
};

// A larger file is refused: no sane configuration has this size, and YAML costs many times its
// text.
inline constexpr size_t kMaxConfigFileBytes = 1024 * 1024;

// What load() is fed with: argv without the program's name, and "NAME=value" strings.
struct Input {
  std::vector<std::string_view> arguments;
  std::vector<std::string_view> environment;
};

// The process should print and end.
struct Exit {
  int code = 0;  // 0 for help
  bool to_stderr = true;
  std::string text;  // ends in a newline
};

// The outcome: every option has a value. Asking for a name that the schema does not have, or by the
// wrong type, is a bug of ours (CHECK).
class Settings {
 public:
  const std::string& string(std::string_view name) const;  // kString, kEnum
  bool boolean(std::string_view name) const;
  int64_t int64(std::string_view name) const;
  uint64_t uint64(std::string_view name) const;  // kUint64, kBytes
  uint32_t uint32(std::string_view name) const;
  std::chrono::nanoseconds duration(std::string_view name) const;
  const std::vector<std::string>& list(std::string_view name) const;

  Source source(std::string_view name) const;
  // Given by flag, environment or file, even if equal to the default.
  bool is_set(std::string_view name) const { return source(name) != Source::kDefault; }

  // Name and printable value of every option, in the order of the table; only_set leaves the
  // defaults out. For the start-up log line.
  std::vector<std::pair<std::string, std::string>> effective(bool only_set = false) const;

  // For the log: deprecated options, unknown variables and keys, ignored flags.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class Loader;
  struct Entry {
    std::string name;
    Type type;
    Value value;
    Source source = Source::kDefault;
  };
  const Entry& find(std::string_view name) const;

  std::vector<Entry> entries_;  // as Schema::options
  std::vector<std::string> warnings_;
};

using Loaded = std::variant<Settings, Exit>;

// Reads the file that the options name, nothing else. -h, -help, --help: Exit{0} with the help on
// standard output.
Loaded load(const Schema& schema, const Input& input);

// The settings of a text alone, YAML or JSON with the options' keys, as a value of an option may
// hold. `name` is what messages call the text. InvalidArgument for what does not read and for keys
// that the schema does not have.
Result<Settings> load_text(const Schema& schema, const std::string& name, const std::string& text);

// A mistake found after load(), told as load() tells its own: "<message>", and a hint to --help.
Exit usage_error(const Schema& schema, std::string_view message);

// The whole help, grouped and wrapped to `width` columns.
std::string help_text(const Schema& schema, size_t width = 100);

// The value as an operator would write it.
std::string value_text(Type type, const Value& value);

}  // namespace gatehouse::config
