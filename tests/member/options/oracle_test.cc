// The same bad command lines to stock etcd: it ends with the same code.
//
// The program is $GATEHOUSE_ORACLE/etcd, or what tests/oracle/unpack has left in the build
// directory; without either the test is skipped. Against a 3.7 the text is compared as well.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "tests/member/options/bad_command_lines.h"
#include "tests/member/options/parsing.h"

namespace gatehouse::member {
namespace {

namespace fs = std::filesystem;

// An etcd that has not ended by then has taken its flags.
constexpr int kPatienceMs = 20'000;

struct Outcome {
  int code = -1;  // -1: still running
  std::string output;
};

// Runs it in an empty directory of its own, with one variable and PATH.
Outcome run(const std::string& program, const Words& words, const std::string& variable) {
  std::string directory = testing::TempDir() + "gatehouse-oracle-XXXXXX";
  EXPECT_NE(mkdtemp(directory.data()), nullptr);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())}, environment;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (!variable.empty()) environment.push_back(const_cast<char*>(variable.c_str()));
  environment.push_back(nullptr);

  std::array<int, 2> pipe_ends{};
  EXPECT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(directory.c_str()) != 0) _exit(126);
    dup2(pipe_ends[1], 1);
    dup2(pipe_ends[1], 2);
    execve(program.c_str(), argv.data(), environment.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  Outcome outcome;
  std::array<char, 4096> buffer{};
  for (;;) {
    pollfd output{pipe_ends[0], POLLIN, 0};
    if (poll(&output, 1, kPatienceMs) <= 0) {
      kill(child, SIGKILL);
      break;
    }
    const ssize_t bytes = read(pipe_ends[0], buffer.data(), buffer.size());
    if (bytes <= 0) break;
    outcome.output.append(buffer.data(), static_cast<size_t>(bytes));
    // It serves: whatever comes, it has taken the flags.
    if (outcome.output.find("ready to serve client requests") != std::string::npos)
      kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(pipe_ends[0]);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  fs::remove_all(directory);
  return outcome;
}

std::string find_program() {
  const char* directory = std::getenv("GATEHOUSE_ORACLE");
  const fs::path program =
      directory != nullptr ? fs::path(directory) / "etcd" : fs::path(GATEHOUSE_ORACLE_PROGRAM);
  return fs::exists(program) ? program.string() : "";
}

// As it stands in a JSON string.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

TEST(Oracle, EndsWithTheSameCode) {
  const std::string program = find_program();
  if (program.empty()) GTEST_SKIP() << "no etcd at " << GATEHOUSE_ORACLE_PROGRAM;
  const std::string version = run(program, {"--version"}, "").output;
  const bool is_37 = version.find("etcd Version: 3.7.") != std::string::npos;
  ASSERT_THAT(version, testing::HasSubstr("etcd Version: 3."));
  size_t compared = 0;
  for (const BadCommandLine& line : bad_command_lines()) {
    using In = BadCommandLine::In;
    if (line.in == In::kOurs || (line.in == In::k37 && !is_37)) continue;
    SCOPED_TRACE(line.environment + " " + line.words);
    const Outcome outcome = run(program, split_words(line.words), line.environment);
    EXPECT_EQ(outcome.code, line.code) << outcome.output;
    ++compared;
    if (is_37 && line.environment.find("ETCD_NAME") == std::string::npos) {
      EXPECT_THAT(outcome.output,
                  testing::HasSubstr(line.code == 2 ? line.text : escaped(line.text)));
    }
  }
  std::printf("%zu command lines compared with %s", compared, version.c_str());
}

}  // namespace
}  // namespace gatehouse::member
