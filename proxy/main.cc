// gatehouse-proxy: options, a logger, run.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "common/base/version.h"
#include "common/log/log.h"
#include "proxy/options.h"
#include "proxy/proxy.h"

namespace {

// As Go programs do at their start: the soft limit, 1024 in most places, is there for programs that
// use select(), and would be the number of clients.
void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where that is refused, the old limit stays
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gatehouse;
  const proxy::ParsedOptions parsed = proxy::parse_options(argc, argv, environ);
  if (const auto* exit = std::get_if<config::Exit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->to_stderr ? stderr : stdout);
    return exit->code;
  }
  const auto& options = std::get<proxy::Options>(parsed);
  raise_descriptor_limit();
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
