// Flags and commands, as pflag and cobra read them; and what is written from the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ctl/command_table.h"
#include "ctl/completion.h"
#include "ctl/dispatch.h"
#include "ctl/flags.h"
#include "ctl/help.h"
#include "ctl/man.h"

namespace gatehouse::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Flag>& flags() {
  static const std::vector<Flag> kFlags = {
      {"limit", FlagKind::kInt, "0", ""},
      {"prefix", FlagKind::kBool, "", ""},
      {"interactive", FlagKind::kBool, "", "", 'i'},
      {"write-out", FlagKind::kString, "simple", "", 'w'},
      {"endpoints", FlagKind::kStrings, "a:1", ""},
      {"timeout", FlagKind::kDuration, "5s", ""},
      {"size", FlagKind::kUint, "7", ""},
  };
  return kFlags;
}

struct Parse {
  explicit Parse(std::vector<std::string> arguments)
      : values([] {
          std::vector<const Flag*> all;
          for (const Flag& flag : flags()) all.push_back(&flag);
          return all;
        }()) {
    status = parse_words(arguments, values, words);
  }
  FlagValues values;
  ParsedWords words;
  Status status;
};

TEST(Flags, Forms) {
  const Parse parse({"a", "--limit", "3", "--prefix", "-wjson", "b", "--size=0x10"});
  ASSERT_TRUE(parse.status.ok());
  EXPECT_THAT(parse.words.words, ElementsAre("a", "b"));
  EXPECT_EQ(parse.values.integer("limit"), 3);
  EXPECT_TRUE(parse.values.boolean("prefix"));
  EXPECT_EQ(parse.values.text("write-out"), "json");
  EXPECT_EQ(parse.values.unsigned_integer("size"), 16);
  EXPECT_EQ(Parse({"-w", "x"}).values.text("write-out"), "x");
  EXPECT_EQ(Parse({"-w=x"}).values.text("write-out"), "x");
  EXPECT_EQ(Parse({"-iw", "x"}).values.text("write-out"), "x");
  EXPECT_FALSE(Parse({"--prefix=false"}).values.boolean("prefix"));
}

TEST(Flags, DashesEndThem) {
  const Parse parse({"k", "--", "-v", "--limit"});
  ASSERT_TRUE(parse.status.ok());
  EXPECT_THAT(parse.words.words, ElementsAre("k", "-v", "--limit"));
  EXPECT_EQ(parse.words.dash, 1u);
  EXPECT_THAT(Parse({"-"}).words.words, ElementsAre("-"));
}

TEST(Flags, Lists) {
  EXPECT_THAT(Parse({}).values.texts("endpoints"), ElementsAre("a:1"));
  EXPECT_THAT(Parse({"--endpoints=b,c", "--endpoints", "d"}).values.texts("endpoints"),
              ElementsAre("b", "c", "d"));
  EXPECT_TRUE(Parse({"--endpoints="}).values.texts("endpoints").empty());
}

TEST(Flags, SaysWhatIsWrong) {
  const auto message = [](std::vector<std::string> arguments) {
    return Parse(std::move(arguments)).status.message();
  };
  EXPECT_EQ(message({"--bogus"}), "unknown flag: --bogus");
  EXPECT_EQ(message({"-v"}), "unknown shorthand flag: 'v' in -v");
  EXPECT_EQ(message({"--limit"}), "flag needs an argument: --limit");
  EXPECT_EQ(message({"-iw"}), "flag needs an argument: 'w' in -w");
  EXPECT_EQ(message({"--limit=zz"}), R"(invalid argument "zz" for "--limit" flag: )"
                                     R"(strconv.ParseInt: parsing "zz": invalid syntax)");
  EXPECT_EQ(message({"--prefix=foo"}), R"(invalid argument "foo" for "--prefix" flag: )"
                                       R"(strconv.ParseBool: parsing "foo": invalid syntax)");
  EXPECT_EQ(message({"--limit=9223372036854775808"}),
            R"(invalid argument "9223372036854775808" for "--limit" flag: )"
            R"(strconv.ParseInt: parsing "9223372036854775808": value out of range)");
}

TEST(ParseInt, Bounds) {
  int64_t value = 0;
  EXPECT_TRUE(parse_int("-9223372036854775808", 10, value).ok());
  EXPECT_EQ(value, INT64_MIN);
  EXPECT_FALSE(parse_int("", 10, value).ok());
  EXPECT_FALSE(parse_int("-", 10, value).ok());
  EXPECT_FALSE(parse_int("0x10", 10, value).ok());
  EXPECT_TRUE(parse_int("7fffffffffffffff", 16, value).ok());
  uint64_t number = 0;
  EXPECT_FALSE(parse_uint("-1", 16, number).ok());
  EXPECT_TRUE(parse_uint("ffffffffffffffff", 16, number).ok());
}

std::string found(std::vector<std::string> arguments) {
  return called_as(find_command(command_table(), arguments).path, "ctl");
}

TEST(FindCommand, FullNamesPrefixesAndFlagsBefore) {
  EXPECT_EQ(found({"get", "a"}), "ctl get");
  EXPECT_EQ(found({"compact", "5"}), "ctl compaction");
  EXPECT_EQ(found({"comp", "5"}), "ctl");  // completion, too
  EXPECT_EQ(found({"--endpoints", "x", "-w", "json", "lease", "gr", "5"}), "ctl lease grant");
  EXPECT_EQ(found({"--hex", "get", "a"}), "ctl get");
  EXPECT_EQ(found({"endpoint", "--cluster", "status"}), "ctl endpoint status");
  EXPECT_EQ(found({"lease", "bogus"}), "ctl lease");
  EXPECT_EQ(found({}), "ctl");
}

TEST(FindCommand, Suggestions) {
  EXPECT_EQ(
      unknown_command(command_table(), "ctl", "comp"),
      "unknown command \"comp\" for \"ctl\"\n\nDid you mean this?\n\tcompaction\n\tcompletion\n");
  EXPECT_EQ(unknown_command(command_table(), "ctl", "bogus"),
            "unknown command \"bogus\" for \"ctl\"");
}

// Of every command: its initial flag values parse, its names are distinct, and it has a summary.
void check(const CommandPath& path) {
  const Command& command = *path.back();
  SCOPED_TRACE(called_as(path, "ctl"));
  EXPECT_FALSE(command.summary.empty());
  EXPECT_TRUE(command.run != nullptr || !command.commands.empty());
  const auto all = flags_of(path);
  const FlagValues values(all);
  std::set<std::string_view> names;
  for (const Flag* flag : all) {
    EXPECT_TRUE(names.insert(flag->name).second) << flag->name;
    EXPECT_FALSE(flag->help.empty()) << flag->name;
  }
  EXPECT_THAT(help_text(path, "ctl"), HasSubstr(called_as(path, "ctl")));
  EXPECT_THAT(man_page(path, "ctl"), HasSubstr(".SH NAME"));
  for (const Command& below : command.commands) {
    CommandPath longer = path;
    longer.push_back(&below);
    check(longer);
  }
}
TEST(CommandTable, EveryCommandIsWhole) { check({&command_table()}); }

TEST(Completion, NamesEveryCommand) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell, command_table(), "ctl");
    for (const char* name : {"compaction", "keep-alive", "hashkv", "grant-permission", "disk"}) {
      EXPECT_THAT(script, HasSubstr(name)) << shell;
    }
  }
}

}  // namespace
}  // namespace gatehouse::ctl
