// A client and a server session joined in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/tls/session.h"
#include "tests/common/tls/test_certificates.h"

namespace gatehouse::tls {

inline std::shared_ptr<const Context> must(Result<std::shared_ptr<const Context>> context) {
  EXPECT_TRUE(context.ok()) << context.status().to_string();
  return context.ok() ? *std::move(context) : nullptr;
}

inline ServerOptions server_options(const TestCertificates::Files& files) {
  ServerOptions options;
  options.cert_file = files.cert_file;
  options.key_file = files.key_file;
  return options;
}

inline ClientOptions client_options(const TestCertificates& authority) {
  ClientOptions options;
  options.ca_file = authority.ca_file();
  options.server_name = "localhost";
  return options;
}

inline std::string taken_output(Session& session) {
  std::string bytes;
  session.take_output(bytes);
  return bytes;
}

inline std::string taken_plaintext(Session& session) {
  std::string bytes;
  session.take_plaintext(bytes);
  return bytes;
}

struct SessionPair {
  SessionPair(std::shared_ptr<const Context> client_context,
              std::shared_ptr<const Context> server_context, std::string_view name = {}) {
    Result<std::unique_ptr<Session>> made_client = Session::create(std::move(client_context), name);
    Result<std::unique_ptr<Session>> made_server = Session::create(std::move(server_context));
    EXPECT_TRUE(made_client.ok()) << made_client.status().to_string();
    EXPECT_TRUE(made_server.ok()) << made_server.status().to_string();
    if (made_client.ok()) client = *std::move(made_client);
    if (made_server.ok()) server = *std::move(made_server);
  }

  // Carries bytes both ways, at most `piece` at once, until both are silent. The first error of
  // each side is kept.
  void pump(size_t piece = std::string::npos) {
    for (;;) {
      const std::string to_server = taken_output(*client);
      const std::string to_client = taken_output(*server);
      if (to_server.empty() && to_client.empty()) return;
      feed(*server, to_server, piece, server_status);
      feed(*client, to_client, piece, client_status);
    }
  }

  static void feed(Session& session, std::string_view bytes, size_t piece, Status& first_error) {
    for (size_t at = 0; at < bytes.size();) {
      const std::string_view part = bytes.substr(at, piece);
      at += part.size();
      Status status = session.feed(part);
      if (first_error.ok()) first_error = std::move(status);
    }
  }

  bool both_done() const { return client->handshake_done() && server->handshake_done(); }

  std::unique_ptr<Session> client;
  std::unique_ptr<Session> server;
  Status client_status;
  Status server_status;
};

}  // namespace gatehouse::tls
