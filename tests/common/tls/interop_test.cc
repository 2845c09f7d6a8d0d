// The same handshakes with OpenSSL on the other side: `openssl s_server` and `openssl s_client`
// over a loopback socket.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>

#include "tests/common/tls/session_pair.h"

extern char** environ;

namespace gatehouse::tls {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(20);

bool have_openssl() { return ::system("openssl version >/dev/null 2>&1") == 0; }

class Fd {
 public:
  explicit Fd(int number = -1) : number_(number) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return number_; }
  void reset(int number = -1) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }

 private:
  int number_;
};

// A child with its standard input and output as pipes; killed with its object.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command) {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_.reset(in[1]);
    output_.reset(out[0]);
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void say(std::string_view text) {
    EXPECT_EQ(::write(input_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_input() { input_.reset(); }

  // Reads until `text` has come, or the child is silent for too long or gone. Returns all it has
  // said so far.
  const std::string& wait_for(const std::string& text) {
    const auto until = Clock::now() + kPatience;
    while (said_.find(text) == std::string::npos) {
      pollfd poll_one{output_.get(), POLLIN, 0};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0 || ::poll(&poll_one, 1, static_cast<int>(left)) <= 0) break;
      std::array<char, 4096> buffer;
      const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
      if (got <= 0) break;
      said_.append(buffer.data(), static_cast<size_t>(got));
    }
    return said_;
  }

 private:
  pid_t pid_ = -1;
  Fd input_, output_;
  std::string said_;
};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Carries bytes between a session and a socket until `until` holds, the session fails or the peer
// ends.
Status drive(Session& session, int socket, std::string& plaintext,
             const std::function<bool()>& until) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    const std::string out = taken_output(session);
    for (size_t at = 0; at < out.size();) {
      const ssize_t sent = ::send(socket, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) break;
      at += static_cast<size_t>(sent);
    }
    if (until()) return Status();
    pollfd poll_one{socket, POLLIN, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || ::poll(&poll_one, 1, static_cast<int>(left)) <= 0) {
      return unavailable("nothing came for too long");
    }
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return session.end_of_input();
    Status status = session.feed({buffer.data(), static_cast<size_t>(got)});
    session.take_plaintext(plaintext);
    if (!status.ok()) {
      const std::string alert = taken_output(session);
      static_cast<void>(::send(socket, alert.data(), alert.size(), MSG_NOSIGNAL));
      return status;
    }
  }
}

class InteropTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_openssl()) GTEST_SKIP() << "the openssl command is not installed";
  }

  // openssl s_server on a free port of its own choice.
  static uint16_t port_of(Process& server) {
    const std::string& said = server.wait_for("ACCEPT 127.0.0.1:");
    const size_t at = said.find("ACCEPT 127.0.0.1:");
    if (at == std::string::npos) {
      ADD_FAILURE() << said;
      return 0;
    }
    server.wait_for("\n");
    return static_cast<uint16_t>(std::stoi(said.substr(at + 17)));
  }

  static int connect_to(uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return socket;
  }

  TestCertificates authority_;
};

class OpenSslServerTest : public InteropTest, public ::testing::WithParamInterface<KeyKind> {};

TEST_P(OpenSslServerTest, OurClientSpeaksWithIt) {
  const TestCertificates::Files files = authority_.server(GetParam());
  const TestCertificates::Files mine = authority_.client("interop");
  Process server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", files.cert_file, "-key",
                  files.key_file, "-CAfile", authority_.ca_file(), "-Verify", "1",
                  "-verify_return_error", "-alpn", "http/1.1", "-rev"});
  ClientOptions options = client_options(authority_);
  options.server_name = "127.0.0.1";
  options.cert_file = mine.cert_file;
  options.key_file = mine.key_file;
  Result<std::unique_ptr<Session>> session = Session::create(must(Context::client(options)));
  ASSERT_TRUE(session.ok());
  Session& client = **session;
  const Fd socket(connect_to(port_of(server)));
  std::string plaintext;
  Status status = drive(client, socket.get(), plaintext, [&] { return client.handshake_done(); });
  ASSERT_TRUE(status.ok()) << status.to_string() << "\n" << server.wait_for("ERROR");
  EXPECT_EQ(client.alpn(), "http/1.1");
  ASSERT_TRUE(client.write("gatehouse\n").ok());
  status = drive(client, socket.get(), plaintext, [&] { return plaintext.size() >= 10; });
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(plaintext, "esuohetag\n");
  client.close_notify();
  EXPECT_TRUE(drive(client, socket.get(), plaintext, [&] { return client.peer_closed(); }).ok());
  EXPECT_THAT(server.wait_for("CONNECTION CLOSED"), HasSubstr("interop"));
}

INSTANTIATE_TEST_SUITE_P(Keys, OpenSslServerTest,
                         ::testing::Values(KeyKind::kEcdsaP256, KeyKind::kRsa2048),
                         [](const auto& kind) {
                           return kind.param == KeyKind::kRsa2048 ? "Rsa" : "Ecdsa";
                         });

class OpenSslClientTest : public InteropTest {
 protected:
  void SetUp() override {
    InteropTest::SetUp();
    if (IsSkipped()) return;
    const sockaddr_in address = loopback(0);
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    ASSERT_EQ(::listen(listener_.get(), 1), 0);
    sockaddr_in bound{};
    socklen_t size = sizeof(bound);
    ASSERT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    port_ = std::to_string(ntohs(bound.sin_port));
    files_ = authority_.server(KeyKind::kRsa2048);
  }

  std::vector<std::string> client_command(std::vector<std::string> more) const {
    std::vector<std::string> command = {"openssl",
                                        "s_client",
                                        "-connect",
                                        "127.0.0.1:" + port_,
                                        "-CAfile",
                                        authority_.ca_file(),
                                        "-alpn",
                                        "h2,http/1.1",
                                        "-verify_ip",
                                        "127.0.0.1",
                                        "-verify_return_error",
                                        "-servername",
                                        "localhost"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  std::unique_ptr<Session> server_session(const ServerOptions& options) {
    Result<std::unique_ptr<Session>> session = Session::create(must(Context::server(options)));
    EXPECT_TRUE(session.ok());
    return *std::move(session);
  }

  int accept() {
    pollfd poll_one{listener_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&poll_one, 1, 20'000), 1);
    return ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  }

  Fd listener_;
  std::string port_;
  TestCertificates::Files files_;
};

TEST_F(OpenSslClientTest, ItSpeaksWithOurServer) {
  const TestCertificates::Files mine = authority_.client("interop");
  ServerOptions options = server_options(files_);
  options.client_auth = ClientAuth::kRequire;
  options.trusted_ca_file = authority_.ca_file();
  const std::unique_ptr<Session> server = server_session(options);
  Process client(client_command({"-cert", mine.cert_file, "-key", mine.key_file}));
  const Fd socket(accept());
  std::string plaintext;
  client.say("hello from openssl\n");
  Status status =
      drive(*server, socket.get(), plaintext, [&] { return plaintext.ends_with('\n'); });
  ASSERT_TRUE(status.ok()) << status.to_string() << client.wait_for("errno");
  EXPECT_EQ(plaintext, "hello from openssl\n");
  EXPECT_EQ(server->alpn(), "h2");
  EXPECT_EQ(server->server_name(), "localhost");
  ASSERT_NE(server->peer_certificate(), nullptr);
  EXPECT_EQ(server->peer_certificate()->common_name, "interop");
  ASSERT_TRUE(server->write("hello from gatehouse\n").ok());
  status = drive(*server, socket.get(), plaintext, [] { return true; });
  EXPECT_THAT(client.wait_for("hello from gatehouse"), HasSubstr("Verify return code: 0 (ok)"));
  EXPECT_THAT(client.wait_for("hello from gatehouse"), HasSubstr("hello from gatehouse"));
  client.close_input();
  EXPECT_TRUE(drive(*server, socket.get(), plaintext, [&] { return server->peer_closed(); }).ok());
}

TEST_F(OpenSslClientTest, ItIsToldThatItNeedsACertificate) {
  ServerOptions options = server_options(files_);
  options.client_auth = ClientAuth::kRequire;
  options.trusted_ca_file = authority_.ca_file();
  const std::unique_ptr<Session> server = server_session(options);
  Process client(client_command({"-tls1_2"}));
  const Fd socket(accept());
  std::string plaintext;
  const Status status =
      drive(*server, socket.get(), plaintext, [&] { return server->handshake_done(); });
  EXPECT_EQ(status.message(), "tls: client did not present a certificate");
  EXPECT_THAT(client.wait_for("alert number"), HasSubstr("bad certificate"));
}

// Renegotiation lets a client make the server work for nothing, so it is off; asking for it costs
// the asker an alert.
TEST_F(OpenSslClientTest, RenegotiationIsRefused) {
  const std::unique_ptr<Session> server = server_session(server_options(files_));
  Process client(client_command({"-tls1_2"}));
  const Fd socket(accept());
  std::string plaintext;
  client.say("first\n");
  ASSERT_TRUE(drive(*server, socket.get(), plaintext, [&] { return plaintext == "first\n"; }).ok());
  client.say("R\n");  // s_client's command: renegotiate
  // OpenSSL gives up when it is refused, with close_notify or without.
  static_cast<void>(drive(*server, socket.get(), plaintext, [&] { return server->peer_closed(); }));
  EXPECT_THAT(client.wait_for("renegotiation"), HasSubstr("RENEGOTIATING"));
  EXPECT_THAT(client.wait_for("no renegotiation"), HasSubstr("no renegotiation"));
  EXPECT_EQ(plaintext, "first\n");
}

// A resumed session brings back a client certificate that is not judged again, so there are tickets
// only where none counts.
TEST_F(OpenSslClientTest, ItResumesByTicketUnlessCertificatesCount) {
  const TestCertificates::Files mine = authority_.client("interop");
  const std::string saved = authority_.directory() + "/session.pem";
  for (const ClientAuth mode : {ClientAuth::kNone, ClientAuth::kRequest, ClientAuth::kRequire}) {
    ServerOptions options = server_options(files_);
    options.client_auth = mode;
    options.trusted_ca_file = authority_.ca_file();
    options.max_version = "TLS1.2";
    const std::shared_ptr<const Context> context = must(Context::server(options));
    for (const bool again : {false, true}) {
      Result<std::unique_ptr<Session>> server = Session::create(context);
      ASSERT_TRUE(server.ok());
      Process client(client_command({"-cert", mine.cert_file, "-key", mine.key_file,
                                     again ? "-sess_in" : "-sess_out", saved}));
      const Fd socket(accept());
      std::string plaintext;
      client.say("x\n");
      const Status status =
          drive(**server, socket.get(), plaintext, [&] { return plaintext == "x\n"; });
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_EQ((*server)->peer_certificate() != nullptr, mode != ClientAuth::kNone);
      const bool reused = again && mode == ClientAuth::kNone;
      EXPECT_THAT(client.wait_for("Extended master secret"),
                  HasSubstr(reused ? "Reused, TLSv1.2" : "New, TLSv1.2"));
      client.close_input();
      EXPECT_TRUE(
          drive(**server, socket.get(), plaintext, [&] { return (*server)->peer_closed(); }).ok());
      client.wait_for("the end of its output");
    }
  }
}

}  // namespace
}  // namespace gatehouse::tls
