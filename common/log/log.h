// Structured log lines in the shape of etcd's (zap): one JSON object a line, or the console form.
//
//   {"level":"info","ts":"2026-11-20T09:54:51.908000Z","caller":"proxy/main.cc:42","msg":"started
//   gRPC proxy","address":"127.0.0.1:23790"}                                (one line, wrapped
//   here)
//
//   LOG_INFO(logger, "started gRPC proxy", {"address", address}, {"endpoints", endpoints});
//   LOG_WARN(logger, "lost the watch stream", {"endpoint", name}, {"error", status});
//
// A statement whose level is off costs one load and a branch: its fields are not evaluated. A
// logger is passed, not global. Loggers are thread-safe and cheap to copy; copies share level and
// outputs, and the outputs are closed with the last copy.
//
// panic and fatal are levels only: whoever writes such a line ends the process itself, in order.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/status.h"

namespace gatehouse::log {

enum class Level : int8_t { kDebug, kInfo, kWarn, kError, kPanic, kFatal, kOff };

// "debug", "info", "warn", "error", "panic", "fatal"; "off" for kOff.
std::string_view level_name(Level level);
// The six names above, any case. InvalidArgument otherwise.
Result<Level> parse_level(std::string_view name);

enum class Format : uint8_t { kJson, kConsole };
// "json" or "console". InvalidArgument otherwise.
Result<Format> parse_format(std::string_view name);

// A key and a view of a value. It lives for one log statement: it refers to the strings and lists
// that it was made from.
class Field {
 public:
  enum class Kind : uint8_t { kString, kInt, kUint, kDouble, kBool, kDuration, kStrings };

  Field(std::string_view key, std::string_view value)
      : key_(key), kind_(Kind::kString), string_(value) {}
  Field(std::string_view key, const char* value)
      : Field(key, value == nullptr ? std::string_view() : std::string_view(value)) {}
  Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}
  // The message of the status with its code's name: "Unavailable: connection refused".
  Field(std::string_view key, const Status& value)
      : key_(key), kind_(Kind::kString), owned_(value.to_string()) {}
  template <std::same_as<bool> T>  // a template, so that no pointer becomes a bool
  Field(std::string_view key, T value) : key_(key), kind_(Kind::kBool), int_(value ? 1 : 0) {}
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Field(std::string_view key, T value)
      : key_(key),
        kind_(std::is_signed_v<T> ? Kind::kInt : Kind::kUint),
        int_(static_cast<int64_t>(value)) {}
  template <std::floating_point T>
  Field(std::string_view key, T value)
      : key_(key), kind_(Kind::kDouble), double_(static_cast<double>(value)) {}
  // Written as Go writes durations: "1.5s".
  template <typename Rep, typename Period>
  Field(std::string_view key, std::chrono::duration<Rep, Period> value)
      : key_(key),
        kind_(Kind::kDuration),
        int_(std::chrono::duration_cast<std::chrono::nanoseconds>(value).count()) {}
  Field(std::string_view key, const std::vector<std::string>& values)
      : key_(key), kind_(Kind::kStrings), strings_(values) {}

  std::string_view key() const { return key_; }
  Kind kind() const { return kind_; }
  std::string_view string() const { return owned_.empty() ? string_ : std::string_view(owned_); }
  int64_t integer() const { return int_; }  // also bool (0, 1), duration (ns) and, by bits, kUint
  double number() const { return double_; }
  std::span<const std::string> strings() const { return strings_; }

 private:
  std::string_view key_;
  Kind kind_;
  int64_t int_ = 0;
  double double_ = 0;
  std::string_view string_;
  std::string owned_;
  std::span<const std::string> strings_;
};

struct Place {
  const char* file;  // as __FILE__; written as its last directory and name
  int line;
};

// Longer string values are cut at a character and end in "…(+<n> bytes)", so that no peer can make
// a line of any length.
inline constexpr size_t kMaxStringBytes = 16 * 1024;
// Of longer lists the rest is told by its number: "…(+<n> items)".
inline constexpr size_t kMaxListItems = 256;

// When a file output is full, it is renamed by the time ("x.log" to
// "x-2026-11-20T09-54-51.908.log") and a new one takes its place. Between two lines, never within
// one.
struct Rotation {
  uint64_t max_bytes = uint64_t{100} << 20;  // a longer line than this has a file of its own
  uint32_t max_files = 0;                    // old ones that are kept; 0: all
  std::chrono::hours max_age{0};             // older ones go at the next change; 0: they stay
  bool local_time = false;                   // in the names; otherwise UTC
};

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kJson;
  // "stderr", "stdout", "default" (stderr), or the path of a file that is appended to.
  std::vector<std::string> outputs = {"stderr"};
  std::optional<Rotation> rotation;  // of the outputs that are files
  // Doors for tests; the system's clocks when empty.
  std::function<std::chrono::system_clock::time_point()> now;
  std::function<std::chrono::steady_clock::time_point()> steady_now;
};

class Core;

class Logger {
 public:
  // Discards everything.
  Logger() = default;

  bool enabled(Level level) const {
    return core_ != nullptr && level >= level_->load(std::memory_order_relaxed);
  }

  // Takes effect on all copies at once.
  void set_level(Level level) const;
  Level level() const;

  // Writes one line with one write() per output, whatever the level: the macros ask enabled()
  // first. A field named "error" goes last. What an output does not take (disk full, a full
  // non-blocking pipe) is dropped and counted. A blocking pipe whose reader stalls does block.
  void write(Level level, Place place, std::string_view message,
             std::span<const Field> fields) const;
  void write(Level level, Place place, std::string_view message,
             std::initializer_list<Field> fields = {}) const {
    write(level, place, message, std::span<const Field>(fields.begin(), fields.size()));
  }

  // Lines that an output did not take since the start.
  uint64_t dropped_lines() const;

  std::chrono::steady_clock::time_point steady_now() const;

 private:
  friend class Core;
  explicit Logger(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
  const std::atomic<Level>* level_ = nullptr;  // in *core_
};

// InvalidArgument or the system's reason, naming the output, when one cannot be opened.
Result<Logger> create(const Options& options);

// Lets a few lines per interval through. One object per call site, usually made by
// LOG_WARN_LIMITED; thread-safe.
class RateLimit {
 public:
  RateLimit(uint32_t lines, std::chrono::nanoseconds interval)
      : lines_(lines), interval_(interval) {}

  struct Decision {
    bool write;
    uint64_t suppressed;  // lines withheld since the last one that was written; for the field
  };
  Decision ask(std::chrono::steady_clock::time_point now);

 private:
  const uint32_t lines_;
  const std::chrono::nanoseconds interval_;
  std::mutex mutex_;
  bool started_ = false;
  std::chrono::steady_clock::time_point window_start_;
  uint32_t in_window_ = 0;
  uint64_t suppressed_ = 0;
};

// What one call site may write by the limited macros: enough to see what happens, too little for
// foreign input to fill a disk with.
inline constexpr uint32_t kLimitedLines = 5;
inline constexpr std::chrono::seconds kLimitedInterval{10};

}  // namespace gatehouse::log

#define GATEHOUSE_LOG(logger, level, message, ...)                                            \
  do {                                                                                        \
    const ::gatehouse::log::Logger& gatehouse_logger = (logger);                              \
    if (gatehouse_logger.enabled(level)) {                                                    \
      gatehouse_logger.write((level), ::gatehouse::log::Place{__FILE__, __LINE__}, (message), \
                             {__VA_ARGS__});                                                  \
    }                                                                                         \
  } while (false)

#define LOG_DEBUG(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kDebug, __VA_ARGS__)
#define LOG_INFO(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kInfo, __VA_ARGS__)
#define LOG_WARN(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kWarn, __VA_ARGS__)
#define LOG_ERROR(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kError, __VA_ARGS__)
#define LOG_PANIC(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kPanic, __VA_ARGS__)
#define LOG_FATAL(logger, ...) GATEHOUSE_LOG(logger, ::gatehouse::log::Level::kFatal, __VA_ARGS__)

// As GATEHOUSE_LOG, at most `lines` per `interval` from this call site (all its loggers together).
// The first line after a flood has the field "suppressed": how many were withheld.
#define GATEHOUSE_LOG_EVERY(logger, level, lines, interval, message, ...)                       \
  do {                                                                                          \
    const ::gatehouse::log::Logger& gatehouse_logger = (logger);                                \
    if (gatehouse_logger.enabled(level)) {                                                      \
      static ::gatehouse::log::RateLimit gatehouse_limit((lines), (interval));                  \
      const auto gatehouse_decision = gatehouse_limit.ask(gatehouse_logger.steady_now());       \
      if (gatehouse_decision.write && gatehouse_decision.suppressed == 0) {                     \
        gatehouse_logger.write((level), ::gatehouse::log::Place{__FILE__, __LINE__}, (message), \
                               {__VA_ARGS__});                                                  \
      } else if (gatehouse_decision.write) {                                                    \
        gatehouse_logger.write(                                                                 \
            (level), ::gatehouse::log::Place{__FILE__, __LINE__}, (message),                    \
            {__VA_ARGS__ __VA_OPT__(, ){"suppressed", gatehouse_decision.suppressed}});         \
      }                                                                                         \
    }                                                                                           \
  } while (false)

// For lines that a client, a peer or a file can cause.
#define LOG_INFO_LIMITED(logger, ...)                                                          \
  GATEHOUSE_LOG_EVERY(logger, ::gatehouse::log::Level::kInfo, ::gatehouse::log::kLimitedLines, \
                      ::gatehouse::log::kLimitedInterval, __VA_ARGS__)
#define LOG_WARN_LIMITED(logger, ...)                                                          \
  GATEHOUSE_LOG_EVERY(logger, ::gatehouse::log::Level::kWarn, ::gatehouse::log::kLimitedLines, \
                      ::gatehouse::log::kLimitedInterval, __VA_ARGS__)
