// What a command is: its words, flags and function. One tree of these (command_table.h) is all that
// parsing, help, completion and the manual know.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ctl/exit.h"

namespace gatehouse::ctl {

class Invocation;

enum class FlagKind : uint8_t { kBool, kInt, kUint, kString, kStrings, kDuration };

struct Flag {
  std::string_view name;  // without "--"
  FlagKind kind = FlagKind::kString;
  std::string_view initial = {};  // as it would be written; "" of a bool is false, of a number 0
  std::string_view help = {};
  char shorthand = 0;
  bool required = false;
};

// The headings of the program's help, in their order.
enum class Heading : uint8_t {
  kKeyValue,
  kMaintenance,
  kConcurrency,
  kAuthentication,
  kUtility,
};

struct Command {
  std::string_view name;
  std::string_view arguments = {};  // "<key> [range_end]"
  std::string_view summary = {};    // one line
  std::string_view details = {};    // what help says instead, if it says more
  std::string_view examples = {};
  std::vector<Flag> flags = {};
  std::vector<Flag> shared_flags = {};  // of this and all below
  std::vector<Command> commands = {};
  Exit (*run)(Invocation&) = nullptr;          // none: prints help
  int word_count = -1;                         // that many words or a usage error; -1: run() checks
  std::vector<std::string_view> choices = {};  // the only words there are
  Heading heading = Heading::kUtility;         // of the root's commands
};

// From the root to a command; never empty.
using CommandPath = std::vector<const Command*>;

}  // namespace gatehouse::ctl
