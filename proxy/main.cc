// gatehouse-proxy: options, a logger, run.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "common/base/version.h"
#include "common/env/service.h"
#include "common/log/log.h"
#include "proxy/options.h"
#include "proxy/proxy.h"

int main(int argc, char** argv) {
  using namespace gatehouse;
  const proxy::ParsedOptions parsed = proxy::parse_options(argc, argv, environ);
  if (const auto* exit = std::get_if<config::Exit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->to_stderr ? stderr : stdout);
    return exit->code;
  }
  const auto& options = std::get<proxy::Options>(parsed);
  env::raise_descriptor_limit();
  const Result<log::Logger> logger = log::create(options.log);
  if (!logger.ok()) {
    std::fprintf(stderr, "gatehouse-proxy: %s\n", logger.status().message().c_str());
    return 1;
  }
  for (const std::string& warning : options.warnings) LOG_WARN(*logger, warning);
  std::vector<log::Field> fields = {{"gatehouse-version", kVersion}};
  for (const auto& [name, value] : options.effective) fields.emplace_back(name, value);
  logger->write(log::Level::kInfo, {__FILE__, __LINE__}, "starting gatehouse-proxy", fields);
  const Status status = proxy::run(options, *logger);
  if (!status.ok()) {
    LOG_FATAL(*logger, "cannot serve", {"error", status.message()});
    return 1;
  }
  return 0;
}
