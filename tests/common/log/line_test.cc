// What a line looks like, byte by byte, and that nothing foreign can break it.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "common/log/capture.h"
#include "common/log/log.h"

namespace gatehouse::log {
namespace {

using std::chrono::system_clock;

// 2026-11-20T09:54:51.908000Z
constexpr system_clock::time_point kNoon{std::chrono::microseconds(1'795'168'491'908'000)};

Options fixed_time(Format format = Format::kJson) {
  return {.level = Level::kDebug, .format = format, .now = [] { return kNoon; }};
}

std::string only_line(const Capture& capture) {
  EXPECT_EQ(capture.lines().size(), 1U);
  return capture.lines().empty() ? "" : capture.lines().front();
}

// What stands between `"msg":"` and the end.
std::string message_and_fields(const Capture& capture) {
  const std::string line = only_line(capture);
  const size_t start = line.find("\"msg\":");
  return start == std::string::npos ? line : line.substr(start);
}

TEST(Line, HasEtcdsShape) {
  Capture capture(fixed_time());
  const std::vector<std::string> endpoints = {"127.0.0.1:2379", "https://b:2379"};
  capture.logger().write(Level::kInfo, {"/src/gatehouse/proxy/main.cc", 42}, "started gRPC proxy",
                         {{"address", "127.0.0.1:23790"}, {"endpoints", endpoints}});
  EXPECT_EQ(only_line(capture),
            R"({"level":"info","ts":"2026-11-20T09:54:51.908000Z","caller":"proxy/main.cc:42",)"
            R"("msg":"started gRPC proxy","address":"127.0.0.1:23790",)"
            R"("endpoints":["127.0.0.1:2379","https://b:2379"]})");
}

TEST(Line, ConsoleFormHasZapsColumns) {
  Capture capture(fixed_time(Format::kConsole));
  const Logger& logger = capture.logger();
  logger.write(Level::kWarn, {"proxy/main.cc", 7}, "slow",
               {{"took", std::chrono::seconds(2)}, {"n", 3}});
  logger.write(Level::kInfo, {"main.cc", 8}, "no\nfields");
  ASSERT_EQ(capture.lines().size(), 2U);
  EXPECT_EQ(
      capture.lines()[0],
      "2026-11-20T09:54:51.908000Z\twarn\tproxy/main.cc:7\tslow\t{\"took\": \"2s\", \"n\": 3}");
  EXPECT_EQ(capture.lines()[1], "2026-11-20T09:54:51.908000Z\tinfo\tmain.cc:8\tno\\nfields");
}

TEST(Line, WritesEachTypeOfField) {
  Capture capture;
  const std::vector<std::string> none;
  LOG_INFO(capture.logger(), "m", {"int", -5}, {"min", std::numeric_limits<int64_t>::min()},
           {"max", std::numeric_limits<uint64_t>::max()}, {"yes", true}, {"no", false},
           {"half", 0.5}, {"nan", std::nan("")}, {"inf", -std::numeric_limits<double>::infinity()},
           {"took", std::chrono::milliseconds(1500)}, {"list", none},
           {"view", std::string_view("v")}, {"string", std::string("s")},
           {"null", static_cast<const char*>(nullptr)}, {"small", uint8_t{255}});
  EXPECT_EQ(message_and_fields(capture),
            R"("msg":"m","int":-5,"min":-9223372036854775808,"max":18446744073709551615,)"
            R"("yes":true,"no":false,"half":0.5,"nan":"NaN","inf":"-Inf","took":"1.5s",)"
            R"("list":[],"view":"v","string":"s","null":"","small":255})");
}

TEST(Line, PutsTheErrorLast) {
  Capture capture;
  LOG_WARN(capture.logger(), "m", {"error", unavailable("connection refused")}, {"endpoint", "a"});
  EXPECT_EQ(message_and_fields(capture),
            R"("msg":"m","endpoint":"a","error":"Unavailable: connection refused"})");
}

TEST(Line, EscapesWhatJsonWants) {
  Capture capture;
  LOG_INFO(capture.logger(), "quote \" back \\ slash / nl \n cr \r tab \t bell \a del \x7f",
           {"k\"ey", std::string_view("\0x", 2)});
  EXPECT_EQ(message_and_fields(capture),
            R"("msg":"quote \" back \\ slash / nl \n cr \r tab \t bell \u0007 del \u007f",)"
            R"("k\"ey":"\u0000x"})");
}

TEST(Line, KeepsUtf8AndReplacesWhatIsNot) {
  const struct {
    std::string_view bytes, written;
  } cases[] = {
      {"\u00fc \u20ac \U0001f600 \u2026", "\u00fc \u20ac \U0001f600 \u2026"},
      {"\xff", R"(\ufffd)"},
      {"a\x80z", R"(a\ufffdz)"},                            // a continuation alone
      {"\xc0\xaf", R"(\ufffd\ufffd)"},                      // overlong '/'
      {"\xe0\x80\xaf", R"(\ufffd\ufffd\ufffd)"},            // overlong in three
      {"\xed\xa0\x80", R"(\ufffd\ufffd\ufffd)"},            // a surrogate
      {"\xf4\x90\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},  // above U+10FFFF
      {"\xf0\x80\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},  // overlong in four
      {"\xe2\x82", R"(\ufffd\ufffd)"},                      // cut short
      {"\xf5\x80", R"(\ufffd\ufffd)"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},                  // U+10FFFF
      {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"},  // either side of the surrogates
  };
  for (const auto& c : cases) {
    Capture capture;
    LOG_INFO(capture.logger(), "m", {"k", c.bytes});
    EXPECT_EQ(message_and_fields(capture), R"("msg":"m","k":")" + std::string(c.written) + R"("})");
  }
}

TEST(Line, BoundsStringsAtACharacterAndLists) {
  Capture capture;
  // 'a', then two-byte characters: the limit falls into the middle of one.
  std::string text = "a";
  while (text.size() <= kMaxStringBytes + 10) text += "\u00fc";
  const std::vector<std::string> list(kMaxListItems + 3, "x");
  LOG_INFO(capture.logger(), "m", {"text", text}, {"list", list});
  const std::string line = message_and_fields(capture);
  const std::string kept = text.substr(0, kMaxStringBytes - 1);
  const std::string withheld = std::to_string(text.size() - kept.size());
  EXPECT_NE(line.find("\"text\":\"" + kept + "\u2026(+" + withheld + " bytes)\","),
            std::string::npos);
  EXPECT_NE(line.find("\"x\",\"\u2026(+3 items)\"]"), std::string::npos);
}

// One character of JSON string content; npos when the text is not such.
size_t json_character(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x20 || byte == '"') return std::string_view::npos;
  if (byte != '\\') return 1;
  if (text.size() < 2) return std::string_view::npos;
  if (text[1] != 'u') {
    return std::string_view("\"\\nrt").find(text[1]) == std::string_view::npos
               ? std::string_view::npos
               : 2;
  }
  if (text.size() < 6) return std::string_view::npos;
  return text.substr(2, 4).find_first_not_of("0123456789abcdef") == std::string_view::npos
             ? 6
             : std::string_view::npos;
}

TEST(Line, StaysOneWellFormedLineForAnyBytes) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    Capture capture;
    LOG_INFO(capture.logger(), "m", {"k", bytes});
    const std::string line = only_line(capture);
    std::string_view rest = line;
    const std::string_view start = R"("msg":"m","k":")";
    rest.remove_prefix(rest.find(start) + start.size());
    ASSERT_TRUE(rest.ends_with("\"}"));
    rest.remove_suffix(2);
    while (!rest.empty()) {
      const size_t length = json_character(rest);
      ASSERT_NE(length, std::string_view::npos) << testing::PrintToString(bytes);
      rest.remove_prefix(length);
    }
  }
}

}  // namespace
}  // namespace gatehouse::log
