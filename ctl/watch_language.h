// What to watch: from the words of the command or of a line of `watch -i`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/exit.h"
#include "ctl/flags.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

// The watch that the environment names: ETCDCTL_WATCH_KEY, ETCDCTL_WATCH_RANGE_END.
struct WatchEnvironment {
  std::string key;
  std::string range_end;
};

struct WatchWords {
  std::string key;
  std::string range_end;
  std::vector<std::string> command;  // to be run for each event
};

// `dash`: how many of the words stand before "--". kExitBadArguments in etcdctl's words.
Exit parse_watch_words(const std::vector<std::string>& words, std::optional<size_t> dash,
                       const WatchEnvironment& environment, WatchWords& parsed);

// With the command's flags: prefix, rev, prev-kv, progress-notify.
Exit watch_request(const FlagValues& flags, const WatchWords& words,
                   etcdserverpb::WatchCreateRequest& request);

// A line of `watch -i`.
struct WatchLine {
  enum class Kind : uint8_t { kWatch, kProgress, kWrong } kind = Kind::kWrong;
  std::string problem;  // kWrong: to be told, and the next line is read
  WatchWords words;
  etcdserverpb::WatchCreateRequest request;
};
// `flags`: those of watch. An error ends the program.
Exit parse_watch_line(std::string_view line, const std::vector<Flag>& flags,
                      const WatchEnvironment& environment, WatchLine& parsed);

}  // namespace gatehouse::ctl
