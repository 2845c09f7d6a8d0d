#include "common/env/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/env/service.h"

namespace gatehouse::env {

namespace {

// A whole number, as the supervisor writes them.
std::optional<uint64_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const char* const end = text + std::strlen(text);
  uint64_t value = 0;
  const auto [parsed, error] = std::from_chars(text, end, value);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<uint64_t> watchdog_timeout_ms() {
  const std::optional<uint64_t> timeout_us = number_of("WATCHDOG_USEC");
  if (!timeout_us || *timeout_us == 0) return std::nullopt;
  if (std::getenv("WATCHDOG_PID") != nullptr &&
      number_of("WATCHDOG_PID") != static_cast<uint64_t>(::getpid())) {
    return std::nullopt;
  }
  return std::max<uint64_t>(1, *timeout_us / 1'000);
}

Watchdog::Watchdog(Executor& own, std::vector<Executor*> watched,
                   UniqueFunction<void(const Status&)> on_failure)
    : watched_(std::move(watched)),
      on_failure_(std::move(on_failure)),
      timer_(own, [this] { on_tick(); }) {
  const std::optional<uint64_t> timeout_ms = watchdog_timeout_ms();
  if (!timeout_ms) return;
  period_ms_ = std::max<uint64_t>(1, *timeout_ms / 4);
  ask();
  timer_.arm(period_ms_);
}

void Watchdog::ask() {
  answers_ = std::make_shared<std::atomic<size_t>>(0);
  for (Executor* each : watched_) {
    each->post([answers = answers_] { answers->fetch_add(1, std::memory_order_relaxed); });
  }
}

void Watchdog::on_tick() {
  timer_.arm(period_ms_);
  // Who has not answered is not asked again: its queue would grow while it hangs.
  if (answers_->load(std::memory_order_relaxed) < watched_.size()) return;
  const Status told = notify_supervisor("WATCHDOG=1");
  if (!told.ok() && on_failure_) std::exchange(on_failure_, nullptr)(told);
  ask();
}

}  // namespace gatehouse::env
