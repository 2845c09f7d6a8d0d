#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "ctl/kv.h"
#include "ctl/methods.h"
#include "ctl/process.h"
#include "ctl/watch_language.h"
#include "ctl/watcher.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const char* type_name(const mvccpb::Event& event) {
  return event.type() == mvccpb::Event::PUT ? "PUT" : "DELETE";
}

void print_simple(Output& out, const pb::WatchResponse& response) {
  for (const mvccpb::Event& event : response.events()) {
    out.line(type_name(event));
    if (event.has_prev_kv()) print_pair(out, event.prev_kv());
    print_pair(out, event.kv());
  }
}

void print_fields(Output& out, const pb::WatchResponse& response) {
  out.header_fields(response.header());
  for (const mvccpb::Event& event : response.events()) {
    out.field("Type", type_name(event));
    if (event.has_prev_kv()) pair_fields(out, "Prev", event.prev_kv());
    pair_fields(out, "", event.kv());
  }
}

std::string as_json(const pb::WatchResponse& response) {
  std::string events;
  for (const mvccpb::Event& event : response.events()) {
    if (!events.empty()) events += ',';
    events += to_json(event);
  }
  return JsonObject()
      .raw("Header", to_json(response.header()))
      .raw("Events", events.empty() ? "null" : "[" + events + "]")
      .number("CompactRevision", response.compact_revision())
      .boolean("Canceled", response.canceled())
      .boolean("Created", response.created())
      .text("CancelReason", response.cancel_reason())
      .finish();
}

std::string why_cancelled(const pb::WatchResponse& response) {
  if (response.compact_revision() != 0) {
    return "etcdserver: mvcc: required revision has been compacted";
  }
  if (response.cancel_reason().empty()) {
    return "etcdserver: mvcc: required revision is a future revision";
  }
  return response.cancel_reason();
}

// One response of a watch: printed, then the command for each event.
class Printer {
 public:
  explicit Printer(Invocation& in) : in_(in) {}

  size_t add(std::vector<std::string> command) {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
    return commands_.size() - 1;
  }

  bool take(size_t tag, const pb::WatchResponse& response) {
    if (response.canceled()) {
      std::fprintf(stderr, "watch was canceled (%s)\n", why_cancelled(response).c_str());
      exit_ = {kExitInterrupted, "watch is canceled by the server"};
    }
    if (response.events().empty() && !response.canceled()) {
      in_.out.line("progress notify: " + std::to_string(response.header().revision()));
    }
    pb::WatchResponse shown = response;
    shown.clear_watch_id();
    const Exit printed = emit(in_.out, shown,
                              {.simple = [&](Output& out) { print_simple(out, response); },
                               .fields = [&](Output& out) { print_fields(out, response); },
                               .json = [&] { return as_json(response); }});
    in_.out.flush();
    if (!printed.ok()) exit_ = printed;
    if (exit_.ok()) run_commands(tag, response);
    return exit_.ok();
  }
  const Exit& exit() const { return exit_; }

 private:
  void run_commands(size_t tag, const pb::WatchResponse& response) {
    std::vector<std::string> command;
    {
      const std::lock_guard lock(mutex_);
      command = commands_[tag];
    }
    if (command.empty()) return;
    for (const mvccpb::Event& event : response.events()) {
      const CommandEnd end = run_command(
          command, {"ETCD_WATCH_REVISION=" + std::to_string(response.header().revision()),
                    "ETCD_WATCH_EVENT_TYPE=" + go_quote(type_name(event)),
                    "ETCD_WATCH_KEY=" + go_quote(event.kv().key()),
                    "ETCD_WATCH_VALUE=" + go_quote(event.kv().value())});
      if (end.text.empty()) continue;
      std::string list;
      for (const std::string& word : command) list += (list.empty() ? "" : " ") + go_quote(word);
      std::fprintf(stderr, "command [%s] error (%s)\n", list.c_str(), end.text.c_str());
      exit_ = {kExitError};
      return;
    }
  }

  Invocation& in_;
  std::mutex mutex_;
  std::vector<std::vector<std::string>> commands_;
  Exit exit_;
};

Exit ended(const Status& status, const Printer& printer) {
  if (!printer.exit().ok()) return printer.exit();
  if (!status.ok()) {
    std::fprintf(stderr, "watch was canceled (%s)\n", status.message().c_str());
    return {kExitInterrupted, "watch is canceled by the server"};
  }
  return {};
}

Exit run_interactive(Invocation& in, const WatchEnvironment& environment) {
  CTL_RETURN_IF_FAILED(in.connect());
  Printer printer(in);
  Watcher watcher(in.client());
  std::thread thread;  // prints what comes while the next line is read
  const auto stop = [&] {
    watcher.stop();
    if (thread.joinable()) thread.join();
  };
  while (const std::optional<std::string> line = read_line()) {
    WatchLine parsed;
    const Exit exit = parse_watch_line(*line, in.path.back()->flags, environment, parsed);
    if (!exit.ok()) {
      stop();
      return exit;
    }
    if (parsed.kind == WatchLine::Kind::kWrong) {
      std::fprintf(stderr, "%s\n", parsed.problem.c_str());
      continue;
    }
    if (parsed.kind == WatchLine::Kind::kProgress) {
      watcher.request_progress();
    } else {
      watcher.add(parsed.request, printer.add(std::move(parsed.words.command)));
    }
    if (thread.joinable()) continue;
    thread = std::thread([&] {
      const Status status = watcher.run([&](size_t tag, const pb::WatchResponse& response) {
        return printer.take(tag, response);
      });
      const Exit end = ended(status, printer);
      if (end.ok()) return;
      // The reader of lines cannot be called back: the program ends here, as etcdctl does.
      if (!end.message.empty()) std::fprintf(stderr, "Error: %s\n", end.message.c_str());
      std::fflush(stdout);
      std::_Exit(end.code);
    });
  }
  stop();
  return invalid_input("error reading watch request line: EOF");
}

}  // namespace

Exit run_watch(Invocation& in) {
  const WatchEnvironment environment = {variable("ETCDCTL_WATCH_KEY"),
                                        variable("ETCDCTL_WATCH_RANGE_END")};
  if (in.flags.boolean("interactive")) return run_interactive(in, environment);
  WatchWords words;
  CTL_RETURN_IF_FAILED(parse_watch_words(in.words, in.dash, environment, words));
  pb::WatchCreateRequest request;
  CTL_RETURN_IF_FAILED(watch_request(in.flags, words, request));
  CTL_RETURN_IF_FAILED(in.connect());
  Printer printer(in);
  Watcher watcher(in.client());
  watcher.add(request, printer.add(words.command));
  const Status status = watcher.run(
      [&](size_t tag, const pb::WatchResponse& response) { return printer.take(tag, response); });
  return ended(status, printer);
}

}  // namespace gatehouse::ctl
