#include "ctl/watch_language.h"

#include "ctl/kv.h"
#include "ctl/words.h"

namespace gatehouse::ctl {

Exit parse_watch_words(const std::vector<std::string>& words, std::optional<size_t> dash,
                       const WatchEnvironment& environment, WatchWords& parsed) {
  const std::string wrong = "bad number of arguments";
  const size_t before = dash.value_or(words.size());
  if (dash && before == words.size()) {
    return bad_arguments(wrong + " (found separator --, but no commands)");
  }
  if (!environment.key.empty()) {
    if (before > 0) return bad_arguments(wrong + " (found conflicting environment key)");
    parsed.key = environment.key;
    parsed.range_end = environment.range_end;
  } else {
    if (before == 0) return bad_arguments(wrong);
    parsed.key = words[0];
    if (before == 2) parsed.range_end = words[1];  // of more words only the first counts
  }
  parsed.command.assign(words.begin() + static_cast<ptrdiff_t>(before), words.end());
  return {};
}

Exit watch_request(const FlagValues& flags, const WatchWords& words,
                   etcdserverpb::WatchCreateRequest& request) {
  std::string key = words.key;
  std::string end = words.range_end;
  if (flags.boolean("prefix")) {
    if (!end.empty()) return bad_arguments("`range_end` and `--prefix` are mutually exclusive");
    prefix_range(key, end);
  }
  request.set_key(key);
  request.set_range_end(end);
  request.set_start_revision(flags.integer("rev"));
  request.set_prev_kv(flags.boolean("prev-kv"));
  request.set_progress_notify(flags.boolean("progress-notify"));
  return {};
}

Exit parse_watch_line(std::string_view line, const std::vector<Flag>& flags,
                      const WatchEnvironment& environment, WatchLine& parsed) {
  const std::string text(trimmed(line));
  const Result<std::vector<std::string>> words = split_words(text);
  if (!words.ok()) return failed(words.status(), kExitInvalidInput);
  if (words->size() == 1 && words->front() == "progress") {
    parsed.kind = WatchLine::Kind::kProgress;
    return {};
  }
  parsed.kind = WatchLine::Kind::kWrong;
  if (words->size() < 2 && environment.key.empty()) {
    parsed.problem = "Invalid command " + text + " (command type or key is not provided)";
  }
  if (words->empty() || words->front() != "watch") {
    parsed.problem = "Invalid command " + text + " (only support watch)";
    return {};
  }
  if (!parsed.problem.empty()) return {};
  std::vector<const Flag*> known;
  for (const Flag& flag : flags) known.push_back(&flag);
  FlagValues values(known);
  ParsedWords read;
  const std::vector<std::string> arguments(words->begin() + 1, words->end());
  const Status status = parse_words(arguments, values, read);
  if (!status.ok()) return bad_arguments(status.message());
  CTL_RETURN_IF_FAILED(parse_watch_words(read.words, read.dash, environment, parsed.words));
  const Exit made = watch_request(values, parsed.words, parsed.request);
  if (made.ok()) {
    parsed.kind = WatchLine::Kind::kWatch;
  } else {
    parsed.problem = "Invalid command " + text + " (" + made.message + ")";
  }
  return {};
}

}  // namespace gatehouse::ctl
