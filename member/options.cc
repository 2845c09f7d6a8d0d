#include "member/options.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "member/not_effective.h"
#include "member/option_table.h"
#include "member/option_translation.h"
#include "member/option_values.h"
#include "member/version.h"

namespace gatehouse::member {

namespace {

using config::Exit;
using config::Settings;

Result<Options> translate(const config::Schema& schema, const Settings& settings) {
  const Result<OptionValues> values = OptionValues::of(settings);
  if (!values.ok()) return values.status();
  Options options;
  options.warnings = settings.warnings();
  // In the order in which etcd finds fault.
  for (const auto& part : {translate_log, translate_urls, translate_cluster, translate_timing,
                           translate_storage, translate_requests, translate_security}) {
    GATEHOUSE_RETURN_IF_ERROR(part(*values, &options));
  }
  GATEHOUSE_RETURN_IF_ERROR(
      find_not_effective(schema, *values, options.gates, &options.not_effective));
  for (auto& [name, text] : settings.effective()) {
    const bool secret = name == "discovery-password" && !text.empty();
    options.effective.emplace_back(name, secret ? "***" : text);
  }
  return options;
}

Exit failure(std::string reason) {
  return Exit{.code = 1, .to_stderr = true, .text = std::move(reason) + "\n"};
}

// Whatever environment and file hold: somebody who asks for the version gets it.
bool asks_for_version(const config::Schema& schema, const config::Input& input) {
  config::Schema flags_only = schema;
  flags_only.env_prefix.clear();
  flags_only.config_file_option.clear();
  const config::Loaded flags = config::load(flags_only, {input.arguments, {}});
  const auto* settings = std::get_if<Settings>(&flags);
  return settings != nullptr && settings->boolean("version");
}

// ETCD_VERSION is a name that scripts and images use for themselves; it is not --version. Returns
// its value.
std::string take_version_variable(std::vector<std::string_view>* environment) {
  constexpr std::string_view kVariable = "ETCD_VERSION=";
  const auto found =
      std::find_if(environment->begin(), environment->end(),
                   [&](std::string_view variable) { return variable.starts_with(kVariable); });
  if (found == environment->end()) return "";
  std::string value(found->substr(kVariable.size()));
  environment->erase(found);
  return value;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv, const char* const* environ) {
  config::Input input;
  if (argc > 1) input.arguments.assign(argv + 1, argv + argc);
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    input.environment.emplace_back(*environ);
  }
  const std::string_view command = input.arguments.empty() ? "" : input.arguments.front();
  if (command == "grpc-proxy" || command == "gateway") {
    return failure("\"" + std::string(command) +
                   "\" is no command of gatehouse-member; see gatehouse-proxy");
  }
  const config::Schema schema = option_schema();
  if (asks_for_version(schema, input)) return Exit{0, false, version_text()};
  const std::string version_variable = take_version_variable(&input.environment);
  config::Loaded loaded = config::load(schema, input);
  if (auto* exit = std::get_if<Exit>(&loaded)) return std::move(*exit);
  Result<Options> options = translate(schema, std::get<Settings>(loaded));
  if (!options.ok()) return failure(options.status().message());
  if (!version_variable.empty()) {
    options->warnings.push_back("cannot set special environment variable ETCD_VERSION=" +
                                version_variable);
  }
  return *std::move(options);
}

int report(const config::Exit& exit) {
  if (exit.code == 1) {
    const Result<log::Logger> logger = log::create(log::Options());
    const std::string_view reason(exit.text.data(), exit.text.find_last_not_of('\n') + 1);
    if (logger.ok()) LOG_WARN(*logger, "failed to verify flags", {"error", reason});
  } else {
    std::fputs(exit.text.c_str(), exit.to_stderr ? stderr : stdout);
  }
  return exit.code;
}

}  // namespace gatehouse::member
