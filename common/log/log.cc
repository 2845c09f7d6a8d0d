#include "common/log/log.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/log/core.h"
#include "common/log/line.h"

namespace gatehouse::log {

namespace {
constexpr std::array<std::string_view, 7> kLevelNames = {"debug", "info",  "warn", "error",
                                                         "panic", "fatal", "off"};

// spdlog knows one level above error. It filters nothing here: that was done before.
spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    default:
      return spdlog::level::critical;
  }
}
}  // namespace

std::string_view level_name(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

Result<Level> parse_level(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (size_t i = 0; i < static_cast<size_t>(Level::kOff); ++i) {
    if (lower == kLevelNames[i]) return static_cast<Level>(i);
  }
  return invalid_argument("unknown log level \"" + std::string(name) +
                          "\"; known: debug, info, warn, error, panic, fatal");
}

Result<Format> parse_format(std::string_view name) {
  if (name == "json") return Format::kJson;
  if (name == "console") return Format::kConsole;
  return invalid_argument("unknown log format \"" + std::string(name) + "\"; known: json, console");
}

Core::Core(const Options& options, std::vector<spdlog::sink_ptr> sinks,
           std::vector<std::shared_ptr<FileSink>> outputs)
    : level_(options.level),
      format_(options.format),
      now_(options.now),
      steady_now_(options.steady_now),
      outputs_(std::move(outputs)),
      sinks_("", sinks.begin(), sinks.end()) {
  sinks_.set_level(spdlog::level::trace);
}

void Core::write(Level level, Place place, std::string_view message,
                 std::span<const Field> fields) {
  Buffer line;
  const auto now = now_ ? now_() : std::chrono::system_clock::now();
  append_line(line, format_, level, now, place, message, fields);
  sinks_.log(now, spdlog::source_loc{}, spdlog_level(level),
             spdlog::string_view_t(line.data(), line.size()));
}

uint64_t Core::dropped_lines() const {
  uint64_t sum = 0;
  for (const auto& output : outputs_) sum += output->dropped_lines();
  return sum;
}

std::chrono::steady_clock::time_point Core::steady_now() const {
  return steady_now_ ? steady_now_() : std::chrono::steady_clock::now();
}

Logger::Logger(std::shared_ptr<Core> core) : core_(std::move(core)), level_(&core_->level_) {}

void Logger::set_level(Level level) const {
  if (core_ != nullptr) core_->level_.store(level, std::memory_order_relaxed);
}

Level Logger::level() const {
  return core_ == nullptr ? Level::kOff : level_->load(std::memory_order_relaxed);
}

void Logger::write(Level level, Place place, std::string_view message,
                   std::span<const Field> fields) const {
  if (core_ != nullptr) core_->write(level, place, message, fields);
}

uint64_t Logger::dropped_lines() const { return core_ == nullptr ? 0 : core_->dropped_lines(); }

std::chrono::steady_clock::time_point Logger::steady_now() const {
  return core_ == nullptr ? std::chrono::steady_clock::now() : core_->steady_now();
}

Result<Logger> create(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  std::vector<std::shared_ptr<FileSink>> outputs;
  for (const std::string& name : options.outputs) {
    Result<std::shared_ptr<FileSink>> output = open_output(name, options.rotation);
    if (!output.ok()) return output.status();
    sinks.push_back(*output);
    outputs.push_back(*output);
  }
  return Core::logger(std::make_shared<Core>(options, std::move(sinks), std::move(outputs)));
}

}  // namespace gatehouse::log
