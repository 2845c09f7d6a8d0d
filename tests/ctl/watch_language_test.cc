#include "ctl/watch_language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/command_table.h"

namespace gatehouse::ctl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Flag> watch_flags() {
  for (const Command& command : key_value_commands()) {
    if (command.name == "watch") return command.flags;
  }
  return {};
}

WatchLine line(std::string_view text, const WatchEnvironment& environment = {}) {
  WatchLine parsed;
  const Exit exit = parse_watch_line(text, watch_flags(), environment, parsed);
  EXPECT_TRUE(exit.ok()) << exit.message;
  return parsed;
}

Exit refused(std::string_view text, const WatchEnvironment& environment = {}) {
  WatchLine parsed;
  return parse_watch_line(text, watch_flags(), environment, parsed);
}

TEST(WatchWords, KeyRangeAndCommand) {
  WatchWords parsed;
  ASSERT_TRUE(parse_watch_words({"a", "b", "echo", "x"}, 2, {}, parsed).ok());
  EXPECT_EQ(parsed.key, "a");
  EXPECT_EQ(parsed.range_end, "b");
  EXPECT_THAT(parsed.command, ElementsAre("echo", "x"));
}

TEST(WatchWords, WithoutDashesThereIsNoCommand) {
  WatchWords parsed;
  ASSERT_TRUE(parse_watch_words({"a", "echo", "hi"}, std::nullopt, {}, parsed).ok());
  EXPECT_EQ(parsed.range_end, "");  // only of two words is the second one
  EXPECT_THAT(parsed.command, IsEmpty());
}

TEST(WatchWords, Environment) {
  WatchWords parsed;
  ASSERT_TRUE(parse_watch_words({"echo"}, 0, {"k", "l"}, parsed).ok());
  EXPECT_EQ(parsed.key, "k");
  EXPECT_EQ(parsed.range_end, "l");
  EXPECT_THAT(parsed.command, ElementsAre("echo"));
  EXPECT_EQ(parse_watch_words({"a"}, std::nullopt, {"k", ""}, parsed).message,
            "bad number of arguments (found conflicting environment key)");
}

TEST(WatchWords, SaysWhatIsWrong) {
  WatchWords parsed;
  EXPECT_EQ(parse_watch_words({}, std::nullopt, {}, parsed).message, "bad number of arguments");
  EXPECT_EQ(parse_watch_words({"a"}, 1, {}, parsed).message,
            "bad number of arguments (found separator --, but no commands)");
}

TEST(WatchLine, Watch) {
  const WatchLine parsed = line(R"(watch "a key" --rev 5 --prev-kv -- echo "x y")");
  EXPECT_EQ(parsed.kind, WatchLine::Kind::kWatch);
  EXPECT_EQ(parsed.request.key(), "a key");
  EXPECT_EQ(parsed.request.start_revision(), 5);
  EXPECT_TRUE(parsed.request.prev_kv());
  EXPECT_THAT(parsed.words.command, ElementsAre("echo", "x y"));
}

TEST(WatchLine, PrefixOfNothingIsAllKeys) {
  const WatchLine parsed = line(R"(watch "" --prefix)");
  EXPECT_EQ(parsed.request.key(), std::string(1, '\0'));
  EXPECT_EQ(parsed.request.range_end(), std::string(1, '\0'));
}

TEST(WatchLine, OtherLines) {
  EXPECT_EQ(line("progress").kind, WatchLine::Kind::kProgress);
  EXPECT_EQ(line("foo").problem, "Invalid command foo (only support watch)");
  EXPECT_EQ(line("watch").problem, "Invalid command watch (command type or key is not provided)");
  EXPECT_EQ(
      line("watch a b --prefix").problem,
      "Invalid command watch a b --prefix (`range_end` and `--prefix` are mutually exclusive)");
  EXPECT_EQ(line("").kind, WatchLine::Kind::kWrong);
  EXPECT_EQ(line("watch", {"k", ""}).request.key(), "k");
}

TEST(WatchLine, SomeErrorsEndTheProgram) {
  EXPECT_EQ(refused("watch a --bogus").message, "unknown flag: --bogus");
  EXPECT_EQ(refused("watch a --bogus").code, kExitBadArguments);
}

}  // namespace
}  // namespace gatehouse::ctl
