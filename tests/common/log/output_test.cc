// Outputs: files, one write per line, and what happens when an output does not take a line.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/log/log.h"

namespace gatehouse::log {
namespace {

class Output : public testing::Test {
 protected:
  Output() {
    std::string pattern = testing::TempDir() + "gatehouse-log-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Output() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  static std::string content(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  std::string directory_;
};

TEST_F(Output, AppendsToEachFile) {
  std::ofstream(path("a")) << "before\n";
  {
    const Result<Logger> logger = create({.outputs = {path("a"), path("b")}});
    ASSERT_TRUE(logger.ok());
    LOG_INFO(*logger, "one");
    // No flush: the line is there when the call returns.
    EXPECT_NE(content(path("b")).find("\"one\"}\n"), std::string::npos);
  }
  EXPECT_TRUE(content(path("a")).starts_with("before\n{\"level\":\"info\""));
}

TEST_F(Output, NamesTheFileThatItCannotOpen) {
  const Result<Logger> logger = create({.outputs = {"stderr", path("no/such/place")}});
  ASSERT_FALSE(logger.ok());
  EXPECT_EQ(logger.status().message(),
            "cannot open log output " + path("no/such/place") + ": No such file or directory");
  EXPECT_FALSE(create({.outputs = {""}}).ok());
}

// Standard error replaced for the duration of a test.
class Redirected {
 public:
  explicit Redirected(int to) : saved_(dup(2)) { dup2(to, 2); }
  ~Redirected() {
    dup2(saved_, 2);
    close(saved_);
  }

 private:
  int saved_;
};

TEST_F(Output, WritesALineWithOneWrite) {
  int ends[2];
  // Packets keep the boundaries of the writes.
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const Result<Logger> logger = create({.outputs = {"stderr"}});
  {
    const Redirected redirected(ends[0]);
    LOG_INFO(*logger, "first", {"text", std::string(4000, 'x')});
    LOG_INFO(*logger, "second");
  }
  char packet[8192];
  ssize_t size = recv(ends[1], packet, sizeof packet, MSG_DONTWAIT);
  ASSERT_GT(size, 4000);
  EXPECT_EQ(packet[0], '{');
  EXPECT_EQ(packet[size - 1], '\n');
  size = recv(ends[1], packet, sizeof packet, MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_NE(std::string_view(packet, static_cast<size_t>(size)).find("second"),
            std::string_view::npos);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Output, DropsAndCountsWhatAFullPipeDoesNotTakeAndStartsAnewOnItsOwnLine) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  const Result<Logger> logger = create({.outputs = {"stderr"}});
  std::string read_back;
  const auto drain = [&] {
    char bytes[4096];
    for (ssize_t n = read(ends[0], bytes, sizeof bytes); n > 0;
         n = read(ends[0], bytes, sizeof bytes)) {
      read_back.append(bytes, static_cast<size_t>(n));
    }
  };
  {
    const Redirected redirected(ends[1]);
    LOG_INFO(*logger, "too long for the pipe", {"text", std::string(6000, 'x')});  // in part
    LOG_INFO(*logger, "not at all");
    drain();
    LOG_INFO(*logger, "whole again");
    drain();
  }
  EXPECT_EQ(logger->dropped_lines(), 2U);
  EXPECT_EQ(read_back.find("not at all"), std::string::npos);
  const size_t end_of_torn = read_back.find('\n');
  ASSERT_NE(end_of_torn, std::string::npos);
  const std::string next = read_back.substr(end_of_torn + 1);
  EXPECT_TRUE(next.starts_with("{\"level\":\"info\"")) << next;
  EXPECT_TRUE(next.ends_with("\"whole again\"}\n")) << next;
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Output, AFullDiskLosesLinesAndNothingElse) {
  const Result<Logger> logger = create({.outputs = {"/dev/full", path("a")}});
  ASSERT_TRUE(logger.ok());
  LOG_ERROR(*logger, "m");
  EXPECT_EQ(logger->dropped_lines(), 1U);
  EXPECT_NE(content(path("a")).find("\"m\"}\n"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::log
