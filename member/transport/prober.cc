#include "member/transport/prober.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

constexpr size_t kMaxAnswerBytes = 1024;
// Reuses a connection from probe to probe, where the peer keeps it for its 5 s.
constexpr uint64_t kIdleBeyondIntervalMs = 500;

std::optional<int> digits(std::string_view& text, size_t count) {
  if (text.size() < count) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, std::string_view what) {
  if (text.substr(0, what.size()) != what) return false;
  text.remove_prefix(what.size());
  return true;
}

// "2026-11-25T16:13:13.123456789Z", or with an offset as "+02:00".
std::optional<system_clock::time_point> parse_rfc3339(std::string_view text) {
  std::tm parts = {};
  const auto year = digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = digits(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = digits(text, 2);
  if (!day || !take(text, "T")) return std::nullopt;
  const auto hour = digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = digits(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const auto second = digits(text, 2);
  if (!second) return std::nullopt;
  int64_t fraction_ns = 0;
  if (take(text, ".")) {
    int64_t unit = 100'000'000;
    while (const auto digit = digits(text, 1)) {
      fraction_ns += *digit * unit;
      unit /= 10;
    }
  }
  int64_t offset_s = 0;
  if (!take(text, "Z")) {
    const bool west = take(text, "-");
    if (!west && !take(text, "+")) return std::nullopt;
    const auto hours = digits(text, 2);
    if (!hours || !take(text, ":")) return std::nullopt;
    const auto minutes = digits(text, 2);
    if (!minutes) return std::nullopt;
    offset_s = (*hours * 60 + *minutes) * 60 * (west ? -1 : 1);
  }
  if (!text.empty() || *year < 1970 || *year > 2200) return std::nullopt;
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  const nanoseconds since_epoch{(timegm(&parts) - offset_s) * 1'000'000'000 + fraction_ns};
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since_epoch));
}

}  // namespace

std::string probe_answer(system_clock::time_point now) {
  const int64_t ns = std::chrono::duration_cast<nanoseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[96];
  std::snprintf(text, sizeof text, "{\"OK\":true,\"Now\":\"%s.%09lldZ\"}\n", date,
                static_cast<long long>(ns % 1'000'000'000));
  return text;
}

std::optional<system_clock::time_point> time_in_probe_answer(std::string_view answer) {
  constexpr std::string_view kBefore = "{\"OK\":true,\"Now\":\"";
  if (!take(answer, kBefore)) return std::nullopt;
  return parse_rfc3339(answer.substr(0, answer.find('"')));
}

Prober::Prober(Link& link)
    : link_(link),
      exchange_(link.shared().executor, link.shared().dialer,
                {.dial_ms = link.shared().options.dial_timeout_ms,
                 .quiet_ms = link.shared().options.io_timeout_ms,
                 .idle_ms = link.shared().options.probe_interval_ms + kIdleBeyondIntervalMs},
                *this),
      timer_(link.shared().executor, [this] { probe(); }) {}

void Prober::start() { timer_.arm(link_.shared().options.probe_interval_ms); }

void Prober::stop() {
  stopped_ = true;
  timer_.cancel();
  exchange_.stop();
}

void Prober::probe() {
  timer_.arm(link_.shared().options.probe_interval_ms);
  if (exchange_.busy()) return;  // the one before still waits
  url_ = link_.url();
  status_ = 0;
  answer_.clear();
  asked_us_ = link_.shared().executor.now_us();
  http::RequestHead head;
  head.method = "GET";
  head.path = "/raft/probing";
  exchange_.start(url_, std::move(head));
}

void Prober::on_head(int status, const http::Headers&) { status_ = status; }

void Prober::on_body(std::string_view bytes) {
  if (answer_.size() < kMaxAnswerBytes) answer_.append(bytes.substr(0, kMaxAnswerBytes));
}

void Prober::on_done() {
  const Shared& shared = link_.shared();
  const auto there = time_in_probe_answer(answer_);
  if (status_ != 200 || !there) {
    on_failed(unavailable("answered " + std::to_string(status_)));
    return;
  }
  const std::chrono::microseconds round_trip(shared.executor.now_us() - asked_us_);
  link_.metrics().round_trip.observe(nanoseconds(round_trip));
  const nanoseconds drift = shared.wall_now() - *there - round_trip / 2;
  if (drift > kMaxClockDrift || drift < -kMaxClockDrift) {
    LOG_WARN_LIMITED(shared.logger, "prober found high clock drift", {"peer-id", link_.name()},
                     {"clock-drift", drift}, {"rtt", round_trip});
  }
}

void Prober::on_failed(const Status& why) {
  if (stopped_) return;
  LOG_WARN_LIMITED(link_.shared().logger, "prober detected unhealthy status",
                   {"peer-id", link_.name()}, {"error", why});
}

}  // namespace gatehouse::transport
