// The two ways of reading a command line. The messages of the Go way were printed by Go 1.26's flag
// package for the same words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/config/schema_for_test.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Loaded go(const Words& words) { return load(schema_for_test(Syntax::kGoFlag), {words, {}}); }
Loaded cobra(const Words& words) { return load(schema_for_test(Syntax::kCobra), {words, {}}); }
const Settings& settings(const Loaded& loaded) {
  const auto* exit = std::get_if<Exit>(&loaded);
  EXPECT_EQ(exit, nullptr) << exit->text;
  return std::get<Settings>(loaded);
}
const Exit& exit_of(const Loaded& loaded) { return std::get<Exit>(loaded); }

TEST(GoFlags, TakeOneDashOrTwoAndEqualsOrTheNextWord) {
  for (const Words& words : std::vector<Words>{
           {"-name", "x"}, {"--name", "x"}, {"-name=x"}, {"--name=x"}, {"-name=", "-name", "x"}}) {
    EXPECT_EQ(settings(go(words)).string("name"), "x");
  }
  EXPECT_EQ(settings(go({"-name", "-bool"})).string("name"), "-bool");  // whatever comes next
  EXPECT_EQ(settings(go({"-name=a=b"})).string("name"), "a=b");
  EXPECT_EQ(settings(go({"-name="})).string("name"), "");
}

TEST(GoFlags, ReadEachType) {
  const Loaded loaded = go({"-bool", "-int=-0x10", "-uint", "18446744073709551615", "-uint32=7",
                            "-duration=1h30m", "-bytes=2KiB", "-list=x, y", "-enum=two"});
  const Settings& s = settings(loaded);
  EXPECT_TRUE(s.boolean("bool"));
  EXPECT_EQ(s.int64("int"), -16);
  EXPECT_EQ(s.uint64("uint"), UINT64_MAX);
  EXPECT_EQ(s.uint32("uint32"), 7U);
  EXPECT_EQ(s.duration("duration"), std::chrono::minutes(90));
  EXPECT_EQ(s.uint64("bytes"), 2048U);
  EXPECT_THAT(s.list("list"), ElementsAre("x", "y"));
  EXPECT_EQ(s.string("enum"), "two");
}

TEST(GoFlags, ABooleanDoesNotTakeTheNextWord) {
  EXPECT_FALSE(settings(go({"-bool=F"})).boolean("bool"));
  EXPECT_EQ(exit_of(go({"-bool", "true"})).text, "\"true\" is not a valid flag\n");
  EXPECT_EQ(exit_of(go({"-bool", "true"})).code, 1);
}

TEST(GoFlags, StopAtTheFirstOtherWord) {
  EXPECT_EQ(first_line(go({"word", "-unknown"})), "\"word\" is not a valid flag");
  EXPECT_EQ(first_line(go({"--", "-name"})), "\"-name\" is not a valid flag");
  EXPECT_EQ(first_line(go({"-"})), "\"-\" is not a valid flag");
  EXPECT_EQ(settings(go({"-name", "x", "--"})).string("name"), "x");
}

TEST(GoFlags, ALaterOccurrenceReplacesAnEarlierOne) {
  EXPECT_THAT(settings(go({"-list=a,b", "-list=c"})).list("list"), ElementsAre("c"));
  EXPECT_EQ(settings(go({"-int=1", "-int=2"})).int64("int"), 2);
}

TEST(GoFlags, SpeakGosWordsAndEndWith2) {
  const struct {
    Words words;
    const char* message;
  } cases[] = {
      {{"-xyz"}, "flag provided but not defined: -xyz"},
      {{"--xyz=1"}, "flag provided but not defined: -xyz"},
      {{"---bool"}, "bad flag syntax: ---bool"},
      {{"-=1"}, "bad flag syntax: -=1"},
      {{"--=1"}, "bad flag syntax: --=1"},
      {{"-int"}, "flag needs an argument: -int"},
      {{"-bool=maybe"}, "invalid boolean value \"maybe\" for -bool: parse error"},
      {{"-int=1x"}, "invalid value \"1x\" for flag -int: parse error"},
      {{"-int=99999999999999999999"},
       "invalid value \"99999999999999999999\" for flag -int: value out of range"},
      {{"-duration=5"}, "invalid value \"5\" for flag -duration: parse error"},
      {{"-duration", "1d"}, "invalid value \"1d\" for flag -duration: parse error"},
      {{"-uint=-1"}, "invalid value \"-1\" for flag -uint: parse error"},
      {{"-int=\"q\\"}, "invalid value \"\\\"q\\\\\" for flag -int: parse error"},
      {{"-uint32=4294967296"}, "invalid value \"4294967296\" for flag -uint32: value out of range"},
      {{"-enum=three"}, "invalid value \"three\" for flag -enum: must be one of one, two"},
      {{"-even=3"}, "invalid value \"3\" for flag -even: must be even"},
      {{"-bytes=many"}, "invalid value \"many\" for flag -bytes: parse error"},
  };
  for (const auto& c : cases) {
    const Loaded loaded = go(c.words);
    EXPECT_EQ(first_line(loaded), c.message);
    ASSERT_TRUE(std::holds_alternative<Exit>(loaded));
    EXPECT_EQ(exit_of(loaded).code, 2);
    EXPECT_TRUE(exit_of(loaded).to_stderr);
    EXPECT_THAT(exit_of(loaded).text, HasSubstr("Usage:\n  prog [flags]\n"));
  }
}

TEST(GoFlags, PrintHelpOnStandardOutput) {
  for (const auto* word : {"-h", "--h", "-help", "--help", "--help=1"}) {
    const Loaded loaded = go({"-int=5", word, "-unknown"});
    ASSERT_TRUE(std::holds_alternative<Exit>(loaded)) << word;
    EXPECT_EQ(exit_of(loaded).code, 0);
    EXPECT_FALSE(exit_of(loaded).to_stderr);
    EXPECT_EQ(exit_of(loaded).text, help_text(schema_for_test()));
  }
}

TEST(GoFlags, PrintTheShortUsageWhereThereIsOne) {
  Schema schema = schema_for_test();
  schema.usage = "Usage: prog\n";
  EXPECT_EQ(exit_of(load(schema, {{"--nope"}, {}})).text,
            "flag provided but not defined: -nope\nUsage: prog\n");
  EXPECT_THAT(exit_of(load(schema, {{"-h"}, {}})).text, HasSubstr("--uint32"));
}

TEST(GoFlags, AFlagWithAnOptionalValueTakesNoNextWord) {
  Schema schema = schema_for_test();
  schema.options.push_back({.name = "was", .value_optional = true, .hidden = true});
  const auto was = [&](const Words& words) {
    return settings(load(schema, {words, {}})).string("was");
  };
  EXPECT_EQ(was({"--was"}), "true");
  EXPECT_EQ(was({"--was=3", "--name", "x"}), "3");
  EXPECT_EQ(first_line(load(schema, {{"--was", "3"}, {}})), "\"3\" is not a valid flag");
  EXPECT_THAT(help_text(schema), Not(HasSubstr("--was")));
}

TEST(CobraFlags, TakeTwoDashes) {
  EXPECT_EQ(settings(cobra({"--name", "x"})).string("name"), "x");
  EXPECT_EQ(settings(cobra({"--name=x", "--bool"})).string("name"), "x");
  EXPECT_TRUE(settings(cobra({"--bool", "--int=3"})).boolean("bool"));
  EXPECT_EQ(settings(cobra({"--name", "x", "--"})).string("name"), "x");
}

TEST(CobraFlags, AppendRepeatedListsToEachOtherButNotToTheDefault) {
  EXPECT_THAT(settings(cobra({"--list=x,y", "--list", "z"})).list("list"),
              ElementsAre("x", "y", "z"));
  EXPECT_EQ(settings(cobra({"--int=1", "--int=2"})).int64("int"), 2);
}

TEST(CobraFlags, SpeakPflagsWordsAndEndWith1) {
  const struct {
    Words words;
    const char* message;
  } cases[] = {
      {{"--xyz"}, "Error: unknown flag: --xyz"},
      {{"--xyz=1"}, "Error: unknown flag: --xyz"},
      {{"-name", "x"}, "Error: unknown shorthand flag: 'n' in -name"},
      {{"--=1"}, "Error: bad flag syntax: --=1"},
      {{"---x"}, "Error: bad flag syntax: ---x"},
      {{"--int"}, "Error: flag needs an argument: --int"},
      {{"--int=1x"},
       "Error: invalid argument \"1x\" for \"--int\" flag: strconv.ParseInt: parsing \"1x\": "
       "invalid syntax"},
      {{"--uint=18446744073709551616"},
       "Error: invalid argument \"18446744073709551616\" for \"--uint\" flag: strconv.ParseUint: "
       "parsing \"18446744073709551616\": value out of range"},
      {{"--bool=maybe"},
       "Error: invalid argument \"maybe\" for \"--bool\" flag: strconv.ParseBool: parsing "
       "\"maybe\": invalid syntax"},
      {{"--duration=5"},
       "Error: invalid argument \"5\" for \"--duration\" flag: time: missing unit in duration "
       "\"5\""},
      {{"--enum=three"},
       "Error: invalid argument \"three\" for \"--enum\" flag: must be one of one, two"},
      {{"--bool", "true"}, "Error: unknown command \"true\" for \"prog\""},
      {{"word"}, "Error: unknown command \"word\" for \"prog\""},
  };
  for (const auto& c : cases) {
    const Loaded loaded = cobra(c.words);
    EXPECT_EQ(first_line(loaded), c.message);
    ASSERT_TRUE(std::holds_alternative<Exit>(loaded));
    EXPECT_EQ(exit_of(loaded).code, 1);
    EXPECT_TRUE(exit_of(loaded).to_stderr);
    EXPECT_THAT(exit_of(loaded).text, HasSubstr("Usage:\n"));
  }
}

TEST(CobraFlags, PrintHelpOnStandardOutput) {
  for (const auto* word : {"-h", "--help"}) {
    const Loaded loaded = cobra({word});
    ASSERT_TRUE(std::holds_alternative<Exit>(loaded));
    EXPECT_EQ(exit_of(loaded).code, 0);
    EXPECT_FALSE(exit_of(loaded).to_stderr);
    EXPECT_THAT(exit_of(loaded).text, Not(HasSubstr("Error")));
  }
}

}  // namespace
}  // namespace gatehouse::config
