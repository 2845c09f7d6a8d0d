// A table with one option of each type.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/config.h"

namespace gatehouse::config {

inline Schema schema_for_test(Syntax syntax = Syntax::kGoFlag) {
  Schema schema;
  schema.program = "prog";
  schema.syntax = syntax;
  schema.env_prefix = "ETCD_";
  schema.config_file_option = "config-file";
  schema.options = {
      {.name = "name", .type = Type::kString, .default_text = "default", .help = "a name"},
      {.name = "bool", .type = Type::kBool},
      {.name = "int", .type = Type::kInt64, .default_text = "-1"},
      {.name = "uint", .type = Type::kUint64},
      {.name = "uint32", .type = Type::kUint32, .default_text = "4294967295"},
      {.name = "duration", .type = Type::kDuration, .default_text = "1m30s"},
      {.name = "bytes", .type = Type::kBytes, .default_text = "1.5MiB"},
      {.name = "list", .type = Type::kList, .default_text = "a,b"},
      {.name = "enum", .type = Type::kEnum, .default_text = "one", .choices = {"one", "two"}},
      {.name = "cert-file", .type = Type::kString, .key = "client-transport-security.cert-file"},
      {.name = "even",
       .type = Type::kUint64,
       .default_text = "7",  // validators do not see defaults
       .validate =
           [](const Value& value) {
             return std::get<uint64_t>(value) % 2 == 0 ? Status()
                                                       : invalid_argument("must be even");
           }},
      {.name = "old", .type = Type::kString, .deprecated = "use --name"},
      {.name = "gone",
       .type = Type::kString,
       .rejected = "is not supported by this release: it is gone"},
      {.name = "flag-only",
       .type = Type::kString,
       .environment = std::string(kNoEnvironment),
       .key = std::string(kNoKey)},
      {.name = "config-file", .type = Type::kString, .key = std::string(kNoKey)},
  };
  return schema;
}

using Words = std::vector<std::string_view>;

// "" when it loads; otherwise the first line of what is printed.
inline std::string first_line(const Loaded& loaded) {
  const auto* exit = std::get_if<Exit>(&loaded);
  return exit == nullptr ? "" : exit->text.substr(0, exit->text.find('\n'));
}

}  // namespace gatehouse::config
