#include <algorithm>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "member/option_translation.h"

namespace gatehouse::member {

namespace {

// Each once, in the order given.
std::vector<std::string> unique_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> unique;
  for (const std::string& text : texts) {
    if (std::find(unique.begin(), unique.end(), text) == unique.end()) unique.push_back(text);
  }
  return unique;
}

Status translate_rotation(const OptionValues& values, Options* options) {
  log::Options& log = options->log;
  size_t files = 0;
  for (const std::string& output : log.outputs) {
    files += output != "default" && output != "stderr" && output != "stdout" ? 1 : 0;
  }
  if (files > 1 || (files == 0 && log.outputs.size() == 1)) {
    return invalid_argument(
        "--log-outputs requires a single file path when --log-rotate-config-json is defined");
  }
  config::Schema schema;
  schema.options = {{.name = "maxsize", .type = config::Type::kUint32, .default_text = "100"},
                    {.name = "maxage", .type = config::Type::kUint32},
                    {.name = "maxbackups", .type = config::Type::kUint32},
                    {.name = "localtime", .type = config::Type::kBool},
                    {.name = "compress", .type = config::Type::kBool}};
  const Result<config::Settings> rotation =
      config::load_text(schema, "log rotation config", values.string("log-rotation-config-json"));
  if (!rotation.ok()) return rotation.status().with_context("invalid log rotation config");
  constexpr uint64_t kDefaultMegabytes = 100;
  const uint64_t megabytes = rotation->uint32("maxsize");
  log.rotation = log::Rotation{
      .max_bytes = (megabytes == 0 ? kDefaultMegabytes : megabytes) << 20,
      .max_files = rotation->uint32("maxbackups"),
      .max_age = std::chrono::hours(24) * rotation->uint32("maxage"),
      .local_time = rotation->boolean("localtime"),
  };
  if (rotation->boolean("compress")) {
    options->not_effective.emplace_back(
        "--log-rotation-config-json: compress is not supported by this release: old log files stay "
        "as they are");
  }
  return Status();
}

}  // namespace

Status translate_log(const OptionValues& values, Options* options) {
  const std::string& logger = values.string("logger");
  if (logger == "capnslog") return invalid_argument("--logger=capnslog is removed in v3.5");
  if (logger != "zap") return invalid_argument("unknown logger option \"" + logger + "\"");
  log::Options& log = options->log;
  log.outputs = unique_texts(values.list("log-outputs"));
  if (log.outputs.empty() && values.is_set("log-outputs") && !values.from_file("log-outputs")) {
    log.outputs = {""};
  }
  if (log.outputs.empty()) log.outputs = {"default"};
  for (std::string& output : log.outputs) {
    if (output == "default" && log.outputs.size() > 1) {
      return invalid_argument("multi logoutput for \"default\" is not supported yet");
    }
    if (output.empty()) {
      return invalid_argument("open sink \"\": open : no such file or directory");
    }
    if (output == "systemd/journal") output = "stderr";  // which journald reads
  }
  if (values.boolean("enable-log-rotation")) {
    GATEHOUSE_RETURN_IF_ERROR(translate_rotation(values, options));
  }
  const std::string level = values.settings().boolean("debug") && !values.is_set("log-level")
                                ? "debug"
                                : values.string("log-level");
  const Result<log::Level> parsed = log::parse_level(level);
  if (!parsed.ok()) return parsed.status();
  log.level = *parsed;
  const std::string& format_name = values.string("log-format");
  const Result<log::Format> format = log::parse_format(format_name);
  if (!format.ok()) {
    return invalid_argument("unknown log format: " + format_name +
                            ", supported values json, console");
  }
  log.format = *format;
  return Status();
}

}  // namespace gatehouse::member
