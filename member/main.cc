// gatehouse-member: options, a logger, run.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "common/base/version.h"
#include "common/env/service.h"
#include "common/log/log.h"
#include "member/member.h"
#include "member/options.h"
#include "member/version.h"

int main(int argc, char** argv) {
  using namespace gatehouse;
  const member::ParsedOptions parsed = member::parse_options(argc, argv, environ);
  if (const auto* exit = std::get_if<config::Exit>(&parsed)) return member::report(*exit);
  const auto& options = std::get<member::Options>(parsed);
  env::raise_descriptor_limit();
  const Result<log::Logger> created = log::create(options.log);
  if (!created.ok()) {
    std::fprintf(stderr, "gatehouse-member: %s\n", created.status().message().c_str());
    return 1;
  }
  const log::Logger& logger = *created;
  for (const std::string& warning : options.warnings) LOG_WARN(logger, warning);
  for (const std::string& line : options.not_effective) LOG_WARN(logger, line);
  std::vector<log::Field> fields = {{"etcd-version", member::kEtcdVersion},
                                    {"git-sha", git_commit()},
                                    {"gatehouse-version", kVersion}};
  for (const auto& [name, value] : options.effective) fields.emplace_back(name, value);
  if (logger.enabled(log::Level::kInfo)) {
    logger.write(log::Level::kInfo, {__FILE__, __LINE__}, "starting an etcd server", fields);
  }

  const member::Ended ended = member::run(options, logger);
  if (!ended.status.ok()) {
    LOG_FATAL(logger, "the member cannot go on", {"error", ended.status.message()});
    return 1;
  }
  if (ended.signal != 0) env::end_by_signal(ended.signal);
  return 0;
}
