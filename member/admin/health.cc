#include "member/admin/health.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/transcode/envelope.h"

namespace gatehouse::admin {

namespace {

constexpr char kText[] = "text/plain; charset=utf-8";

std::string_view name_of(Alarm alarm) {
  switch (alarm) {
    case Alarm::kNospace:
      return "NOSPACE";
    case Alarm::kCorrupt:
      return "CORRUPT";
    case Alarm::kUnknown:
      break;
  }
  return "UNKNOWN";
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// An exchange that is answered when a read of the state is done. The read cannot be called off: it
// finds out by the token that nobody waits any more.
class Waiting : public http::StreamHandler {
 public:
  explicit Waiting(HealthContext the_context) : context(the_context) {}
  void on_body(std::string_view bytes) override { context.stream.consumed(bytes.size()); }
  void on_end(const http::Headers&) override {}
  void on_abort(const http::Abort&) override { waits_.reset(); }

 protected:
  // Then on_read() is called, unless the client has gone.
  void read(bool linearizable) {
    State::Done done = [this, waits = std::weak_ptr<bool>(waits_)](const Status& status) {
      if (!waits.expired()) on_read(status);
    };
    if (linearizable) {
      context.state.linearizable_read(std::move(done));
    } else {
      context.state.serializable_read(std::move(done));
    }
  }
  virtual void on_read(const Status& status) = 0;

  const HealthContext context;

 private:
  std::shared_ptr<bool> waits_ = std::make_shared<bool>();
};

class Health final : public Waiting {
 public:
  explicit Health(HealthContext the_context) : Waiting(the_context) {
    const std::string_view query = web::query_of(context.stream.request());
    const std::vector<std::string> given = web::query_values(query, "serializable");
    const bool serializable = !given.empty() && given.front() == "true";
    const std::vector<std::string> excluded = web::query_values(query, "exclude");
    for (const Alarm alarm : context.state.alarms()) {
      // An alarm that has no name cannot be excluded by one.
      if (alarm != Alarm::kUnknown && contains(excluded, name_of(alarm))) continue;
      answer("ALARM " + std::string(name_of(alarm)));
      return;
    }
    if (serializable || context.state.has_leader()) {
      read(!serializable);
    } else {
      answer("RAFT NO LEADER");
    }
  }

 private:
  void on_read(const Status& status) override {
    answer(status.ok() ? "" : "RANGE ERROR:" + status.message());
  }

  void answer(const std::string& reason) {
    web::Answer it;
    it.content_type = kText;
    it.body = reason.empty() ? R"({"health":"true","reason":)" : R"({"health":"false","reason":)";
    transcode::append_json_string(reason, it.body);
    it.body += '}';
    if (reason.empty()) {
      context.metrics.health_success.add();
      LOG_DEBUG(context.logger, "/health OK", {"status-code", 200});
    } else {
      it.status = 503;
      it.headers.add("x-content-type-options", "nosniff");
      it.body += '\n';
      context.metrics.health_failures.add();
      LOG_WARN(context.logger, "serving /health false", {"reason", reason});
    }
    web::send(context.stream, it, context.cors);
  }
};

enum class Check : uint8_t { kDataCorruption, kSerializableRead, kLinearizableRead, kNonLearner };

std::string_view name_of(Check check) {
  switch (check) {
    case Check::kDataCorruption:
      return "data_corruption";
    case Check::kSerializableRead:
      return "serializable_read";
    case Check::kLinearizableRead:
      return "linearizable_read";
    case Check::kNonLearner:
      break;
  }
  return "non_learner";
}

constexpr std::array kLive{Check::kSerializableRead};
constexpr std::array kReady{Check::kDataCorruption, Check::kSerializableRead,
                            Check::kLinearizableRead, Check::kNonLearner};

// What a path asks for.
struct Asked {
  std::string_view type;  // "livez" or "readyz"; empty: the path is no check
  std::vector<Check> checks;
  bool root = false;
};

Asked asked_by(std::string_view path) {
  Asked asked;
  using Kind = std::pair<std::string_view, std::span<const Check>>;
  for (const auto& [type, all] : {Kind("livez", kLive), Kind("readyz", kReady)}) {
    if (path.empty() || !path.substr(1).starts_with(type)) continue;
    std::string_view below = path.substr(1 + type.size());
    asked.root = below.empty();
    if (!asked.root && below.front() != '/') continue;
    for (const Check check : all) {
      if (asked.root || below.substr(1) == name_of(check)) asked.checks.push_back(check);
    }
    if (!asked.checks.empty()) asked.type = type;
  }
  return asked;
}

// Runs its checks one after the other.
class Checks final : public Waiting {
 public:
  Checks(HealthContext the_context, std::string_view path)
      : Waiting(the_context), path_(path), asked_(asked_by(path)) {
    const std::string_view query = web::query_of(context.stream.request());
    verbose_ = web::query_has(query, "verbose");
    if (asked_.root) {
      for (const std::string& name : web::query_values(query, "exclude")) {
        const auto gone = std::remove_if(asked_.checks.begin(), asked_.checks.end(),
                                         [&](Check check) { return name_of(check) == name; });
        if (gone == asked_.checks.end()) {
          LOG_WARN(context.logger, "some health checks cannot be excluded", {"missing", name});
        }
        asked_.checks.erase(gone, asked_.checks.end());
      }
    }
    go_on();
  }

 private:
  void go_on() {
    while (next_ < asked_.checks.size()) {
      const Check check = asked_.checks[next_];
      switch (check) {
        case Check::kSerializableRead:
        case Check::kLinearizableRead:
          read(check == Check::kLinearizableRead);
          return;
        case Check::kDataCorruption:
          note(corrupt() ? "alarm activated: CORRUPT" : "");
          break;
        case Check::kNonLearner:
          note(context.state.is_learner() ? "not supported for learner" : "");
          break;
      }
    }
    answer();
  }

  void on_read(const Status& status) override {
    note(status.ok() ? "" : status.message());
    go_on();
  }

  bool corrupt() const {
    const std::vector<Alarm> alarms = context.state.alarms();
    return std::find(alarms.begin(), alarms.end(), Alarm::kCorrupt) != alarms.end();
  }

  // The outcome of the next check; empty when it is good.
  void note(const std::string& error) {
    const std::string name(name_of(asked_.checks[next_++]));
    context.metrics.checked(asked_.type, name, error.empty());
    lines_ += error.empty() ? "[+]" + name + " ok\n" : "[-]" + name + " failed: " + error + "\n";
    failed_ = failed_ || !error.empty();
  }

  void answer() {
    web::Answer it;
    it.content_type = kText;
    it.headers.add("x-content-type-options", "nosniff");
    if (failed_) {
      it.status = 503;
      it.body = lines_ + "\n";
      LOG_ERROR(context.logger, "Health check error", {"path", path_}, {"output", lines_});
    } else {
      it.body = (verbose_ ? lines_ : "") + "ok\n";
      LOG_DEBUG(context.logger, "Health check OK", {"path", path_}, {"output", lines_});
    }
    web::send(context.stream, it, context.cors);
  }

  const std::string path_;
  Asked asked_;
  bool verbose_ = false;
  size_t next_ = 0;
  std::string lines_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<http::StreamHandler> start_health(HealthContext context) {
  return std::make_unique<Health>(context);
}

bool is_check(std::string_view path) { return !asked_by(path).type.empty(); }

std::unique_ptr<http::StreamHandler> start_checks(HealthContext context, std::string_view path) {
  CHECK(is_check(path));
  return std::make_unique<Checks>(context, path);
}

}  // namespace gatehouse::admin
