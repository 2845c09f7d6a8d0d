// The configuration file: from YAML to options. Private to the room, as is yaml-cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/config.h"

namespace gatehouse::config {

struct FileValue {
  Value value;
  int line = 0;  // from 1
};

struct FileContent {
  std::vector<std::optional<FileValue>> values;  // as Schema::options
  std::vector<std::string> unknown;              // "<file>:<line>: <key>"
};

// Errors name file, line and key where there are such.
Result<FileContent> read_config_file(const Schema& schema, const std::string& path);

// The same for a text; `name` is what errors call it.
Result<FileContent> parse_config_text(const Schema& schema, const std::string& name,
                                      const std::string& text);

}  // namespace gatehouse::config
