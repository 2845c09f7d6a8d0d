#include "common/log/line.h"

#include <cmath>
#include <ctime>
#include <iterator>

#include "common/base/duration.h"

namespace gatehouse::log {

namespace {

// "proxy/main.cc" of any path: zap's short caller.
std::string_view short_path(const char* file) {
  const std::string_view path(file);
  const size_t name = path.rfind('/');
  if (name == std::string_view::npos || name == 0) return path;
  const size_t directory = path.rfind('/', name - 1);
  return directory == std::string_view::npos ? path : path.substr(directory + 1);
}

// etcd's form since 3.5, UTC: 2026-11-20T09:54:51.908000Z
void append_time(Buffer& out, std::chrono::system_clock::time_point time) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
  const std::time_t since_epoch = seconds.count();
  std::tm utc{};
  gmtime_r(&since_epoch, &utc);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, (micros - seconds).count());
}

void append_double(Buffer& out, double value) {
  // JSON has no such numbers; zap writes these words.
  if (std::isnan(value)) return append(out, "\"NaN\"");
  if (std::isinf(value)) return append(out, value > 0 ? "\"+Inf\"" : "\"-Inf\"");
  fmt::format_to(std::back_inserter(out), "{}", value);
}

void append_strings(Buffer& out, std::span<const std::string> strings, std::string_view comma) {
  out.push_back('[');
  const size_t kept = std::min(strings.size(), kMaxListItems);
  for (size_t i = 0; i < kept; ++i) {
    if (i > 0) append(out, comma);
    append_json_string(out, strings[i]);
  }
  if (kept < strings.size()) {
    fmt::format_to(std::back_inserter(out), "{}\"\u2026(+{} items)\"", comma,
                   strings.size() - kept);
  }
  out.push_back(']');
}

void append_value(Buffer& out, const Field& field, std::string_view comma) {
  switch (field.kind()) {
    case Field::Kind::kString:
      return append_json_string(out, field.string());
    case Field::Kind::kInt:
      fmt::format_to(std::back_inserter(out), "{}", field.integer());
      return;
    case Field::Kind::kUint:
      fmt::format_to(std::back_inserter(out), "{}", static_cast<uint64_t>(field.integer()));
      return;
    case Field::Kind::kDouble:
      return append_double(out, field.number());
    case Field::Kind::kBool:
      return append(out, field.integer() != 0 ? "true" : "false");
    case Field::Kind::kDuration:
      return append_json_string(out, format_duration(std::chrono::nanoseconds(field.integer())));
    case Field::Kind::kStrings:
      return append_strings(out, field.strings(), comma);
  }
}

// Calls visit for every field, those named "error" last: readers look for it at the end of a line.
template <typename Visit>
void for_each_in_order(std::span<const Field> fields, Visit visit) {
  for (const Field& field : fields) {
    if (field.key() != "error") visit(field);
  }
  for (const Field& field : fields) {
    if (field.key() == "error") visit(field);
  }
}

void append_json(Buffer& out, Level level, std::chrono::system_clock::time_point time, Place place,
                 std::string_view message, std::span<const Field> fields) {
  append(out, R"({"level":")");
  append(out, level_name(level));
  append(out, R"(","ts":")");
  append_time(out, time);
  append(out, R"(","caller":")");
  append_json_text(out, short_path(place.file));
  fmt::format_to(std::back_inserter(out), R"(:{}","msg":)", place.line);
  append_json_string(out, message);
  for_each_in_order(fields, [&](const Field& field) {
    out.push_back(',');
    append_json_string(out, field.key());
    out.push_back(':');
    append_value(out, field, ",");
  });
  append(out, "}\n");
}

// zap's console form: columns by tabs, the fields as one JSON object with blanks.
void append_console(Buffer& out, Level level, std::chrono::system_clock::time_point time,
                    Place place, std::string_view message, std::span<const Field> fields) {
  append_time(out, time);
  out.push_back('\t');
  append(out, level_name(level));
  out.push_back('\t');
  append_json_text(out, short_path(place.file));
  fmt::format_to(std::back_inserter(out), ":{}\t", place.line);
  // Escaped too: a newline from a client must not forge a line.
  append_json_text(out, message);
  if (!fields.empty()) {
    append(out, "\t{");
    bool first = true;
    for_each_in_order(fields, [&](const Field& field) {
      if (!first) append(out, ", ");
      first = false;
      append_json_string(out, field.key());
      append(out, ": ");
      append_value(out, field, ", ");
    });
    out.push_back('}');
  }
  out.push_back('\n');
}

}  // namespace

void append_line(Buffer& out, Format format, Level level,
                 std::chrono::system_clock::time_point time, Place place, std::string_view message,
                 std::span<const Field> fields) {
  if (format == Format::kConsole) {
    append_console(out, level, time, place, message, fields);
  } else {
    append_json(out, level, time, place, message, fields);
  }
}

}  // namespace gatehouse::log
