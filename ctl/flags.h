// Flags as Go's pflag reads them, which is what etcdctl's users have in their fingers and scripts:
// anywhere among the words, `--name value`, `--name=value`, `--bool`, `-wjson`, `-w json`, `-ih`;
// `--` ends them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "ctl/command.h"

namespace gatehouse::ctl {

class FlagValues {
 public:
  // The initial values. The flags must outlive this.
  explicit FlagValues(std::vector<const Flag*> flags);

  // InvalidArgument in pflag's words, `strconv.ParseInt: parsing "x": invalid syntax`, without the
  // flag's name. The first value of a kStrings replaces the initial one, others are added.
  Status set(const Flag& flag, std::string_view text);

  // A name that is none of the flags is a bug of the caller (CHECK), as is a wrong kind.
  bool boolean(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  uint64_t unsigned_integer(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  const std::vector<std::string>& texts(std::string_view name) const;
  std::chrono::nanoseconds duration(std::string_view name) const;
  // Was it set, by the command line or by set()?
  bool given(std::string_view name) const;
  // As the program would print it: "[a,b]", "5s", "true".
  std::string printed(std::string_view name) const;

  const Flag* find(std::string_view name) const;  // null: no such
  const Flag* find(char shorthand) const;
  const std::vector<const Flag*>& all() const { return flags_; }

 private:
  struct Value {
    const Flag* flag = nullptr;
    bool given = false;
    std::vector<std::string> texts;  // one, but for kStrings
    int64_t number = 0;              // bool, int, nanoseconds, or the bits of a uint
  };
  const Value& value(std::string_view name, FlagKind kind) const;

  std::vector<const Flag*> flags_;
  std::map<std::string_view, Value> values_;
};

struct ParsedWords {
  std::vector<std::string> words;
  std::optional<size_t> dash;  // how many words came before "--"
  bool help = false;           // --help or -h
};

// InvalidArgument in pflag's words: "unknown flag: --x", "flag needs an argument: 'w' in -w".
Status parse_words(std::span<const std::string> arguments, FlagValues& values, ParsedWords& parsed);

// "--limit", or "-w, --write-out" where there is a shorthand.
std::string display_name(const Flag& flag);

// strconv's numbers: base 0 takes 0x, 0o, 0b and 0 prefixes. InvalidArgument in its words.
Status parse_int(std::string_view text, int base, int64_t& value);
Status parse_uint(std::string_view text, int base, uint64_t& value);

}  // namespace gatehouse::ctl
