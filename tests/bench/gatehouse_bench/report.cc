#include "tests/bench/gatehouse_bench/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "tests/bench/gatehouse_bench/json_writer.h"
#include "tests/bench/gatehouse_bench/statistics.h"

namespace gatehouse::bench {
namespace {

struct Figure {
  std::string label;  // of the table
  std::string name;   // of the JSON member
  int decimals;
  std::function<double(const Measurement&)> of;
};

Figure percentile_figure(std::string label, std::string name, double percent) {
  return {std::move(label), std::move(name), 0, [percent](const Measurement& round) {
            return static_cast<double>(round.tally.latency.percentile(percent));
          }};
}

std::vector<Figure> figures(const Options& options, bool with_cpu) {
  const bool watch = options.operation == Operation::kWatch;
  const std::string what = watch ? "events" : "requests";
  std::vector<Figure> out;
  out.push_back({what + "/s", what + "_per_s", 0, [](const Measurement& m) { return m.rate(); }});
  if (watch) {
    out.push_back({"puts/s", "puts_per_s", 0, [](const Measurement& round) {
                     return static_cast<double>(round.writes.completed()) / round.seconds;
                   }});
  }
  out.push_back(percentile_figure("p50 us", "p50_us", 50));
  out.push_back(percentile_figure("p90 us", "p90_us", 90));
  out.push_back(percentile_figure("p99 us", "p99_us", 99));
  out.push_back(percentile_figure("p99.9 us", "p99_9_us", 99.9));
  out.push_back({"max us", "max_us", 0, [](const Measurement& round) {
                   return static_cast<double>(round.tally.latency.max());
                 }});
  out.push_back({"answers MB/s", "answer_mb_per_s", 1, [](const Measurement& round) {
                   return static_cast<double>(round.tally.answer_bytes) / 1e6 / round.seconds;
                 }});
  if (with_cpu) {
    out.push_back({"server CPU us each", "server_cpu_us_each", 2,
                   [](const Measurement& round) { return round.cpu_us_per_request(); }});
  }
  out.push_back({"own CPU us each", "own_cpu_us_each", 2,
                 [](const Measurement& round) { return round.own_cpu_us_per_request(); }});
  out.push_back({"errors", "errors", 0, [](const Measurement& round) {
                   return static_cast<double>(round.tally.failed + round.writes.failed);
                 }});
  return out;
}

std::vector<double> over_rounds(const TargetResult& result, const Figure& figure) {
  std::vector<double> values;
  for (const Measurement& round : result.rounds) values.push_back(figure.of(round));
  return values;
}

bool has_cpu(const std::vector<TargetResult>& results) {
  return std::any_of(results.begin(), results.end(), [](const TargetResult& result) {
    return result.rounds.front().server_cpu_us.has_value();
  });
}

// 1234567.8 with one decimal: 1,234,567.8
std::string grouped(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  const size_t point = std::min(text.find('.'), text.size());
  for (size_t at = point; at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string headline(const Options& options) {
  std::string line = fmt::format("{}, {} x {}", operation_name(options.operation),
                                 options.connections, options.streams);
  if (options.operation != Operation::kEcho && options.operation != Operation::kLeaseGrant &&
      options.operation != Operation::kKeepalive) {
    line += fmt::format(", {} keys of {} bytes", options.keys.count, options.keys.key_bytes);
  }
  if (options.operation == Operation::kRange) line += fmt::format(", {} each", options.range_keys);
  if (options.operation == Operation::kWatch) {
    line += fmt::format(", {} watchers, {} puts under way", options.watchers, options.writers);
  }
  line += fmt::format(", values of {} bytes", options.value_bytes);
  if (options.serializable) line += ", serializable";
  const std::string length =
      options.requests > 0 ? fmt::format("{} requests", options.requests)
                           : fmt::format("{:g} s", static_cast<double>(options.duration_ms) / 1e3);
  return line + fmt::format("; {} round{} of {}, seed {}", options.rounds,
                            options.rounds == 1 ? "" : "s", length, options.seed);
}

Errors all_errors(const TargetResult& result) {
  Tally sum;
  for (const Measurement& round : result.rounds) {
    sum.merge(round.tally);
    sum.merge(round.writes);
  }
  return sum.errors;
}

}  // namespace

std::string text_report(const Options& options, const std::vector<TargetResult>& results) {
  constexpr int kWidth = 24;
  std::string out = headline(options) + "\n";
  if (options.rounds > 1) out += "medians over the rounds; a ratio is the median of theirs\n";
  out += fmt::format("\n{:<20}", "");
  for (const TargetResult& result : results)
    out += fmt::format("{:>{}}", result.target.endpoint, kWidth);
  if (results.size() == 2) out += fmt::format("{:>12}", "ratio");
  out += "\n";

  bool first = true;
  for (const Figure& figure : figures(options, has_cpu(results))) {
    std::string values = fmt::format("{:<20}", figure.label);
    std::string spread = fmt::format("{:<20}", "  lowest..highest");
    std::vector<std::vector<double>> columns;
    for (const TargetResult& result : results) {
      columns.push_back(over_rounds(result, figure));
      const std::vector<double>& column = columns.back();
      const auto [low, high] = std::minmax_element(column.begin(), column.end());
      values += fmt::format("{:>{}}", grouped(median(column), figure.decimals), kWidth);
      spread += fmt::format("{:>{}}",
                            grouped(*low, figure.decimals) + ".." + grouped(*high, figure.decimals),
                            kWidth);
    }
    if (columns.size() == 2) {
      const double ratio = median_ratio(columns[0], columns[1]);
      values += ratio > 0 ? fmt::format("{:>12.2f}", ratio) : fmt::format("{:>12}", "-");
    }
    out += values + "\n";
    if (first && options.rounds > 1) out += spread + "\n";
    first = false;
  }

  for (const TargetResult& result : results) {
    for (const auto& [what, error] : all_errors(result)) {
      out += fmt::format("{}: {} x {}: {}\n", result.target.endpoint, error.count, what,
                         error.first_message);
    }
  }
  return out;
}

std::string json_report(const Options& options, const std::vector<TargetResult>& results) {
  const std::vector<Figure> shown = figures(options, has_cpu(results));
  JsonWriter json;
  json.begin_object();
  json.name("operation").value(operation_name(options.operation));
  json.name("connections").value(uint64_t{options.connections});
  json.name("streams").value(uint64_t{options.streams});
  json.name("threads").value(uint64_t{options.threads});
  json.name("keys").value(options.keys.count);
  json.name("key_bytes").value(uint64_t{options.keys.key_bytes});
  json.name("value_bytes").value(uint64_t{options.value_bytes});
  json.name("range_keys").value(options.range_keys);
  json.name("serializable").value(options.serializable);
  json.name("watchers").value(uint64_t{options.watchers});
  json.name("writers").value(uint64_t{options.writers});
  json.name("seed").value(options.seed);
  json.name("targets").begin_array();
  for (const TargetResult& result : results) {
    json.begin_object();
    json.name("endpoint").value(result.target.endpoint);
    json.name("median").begin_object();
    for (const Figure& figure : shown) {
      json.name(figure.name).value(median(over_rounds(result, figure)));
    }
    json.end_object();
    json.name("rounds").begin_array();
    for (const Measurement& round : result.rounds) {
      json.begin_object();
      for (const Figure& figure : shown) json.name(figure.name).value(figure.of(round));
      json.name("seconds").value(round.seconds);
      json.name("completed").value(round.tally.completed());
      json.end_object();
    }
    json.end_array();
    json.name("errors").begin_object();
    for (const auto& [what, error] : all_errors(result)) {
      json.name(what).begin_object();
      json.name("count").value(error.count);
      json.name("first_message").value(error.first_message);
      json.end_object();
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
  if (results.size() == 2) {
    json.name("median_ratio").begin_object();
    for (const Figure& figure : shown) {
      json.name(figure.name)
          .value(median_ratio(over_rounds(results[0], figure), over_rounds(results[1], figure)));
    }
    json.end_object();
  }
  json.end_object();
  return json.text() + "\n";
}

}  // namespace gatehouse::bench
