// An HTTP/2 client session and a server session, and the frames the server says.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {

struct Pair {
  explicit Pair(const Http2ServerOptions& server_options = {},
                const Http2ClientOptions& client_options = {})
      : server(make_http2_server(host, requests, {.address = "memory"}, server_options)),
        client(make_http2_client(host, client_options)) {}

  // Settings and their acknowledgements out of the way.
  void settle() { ASSERT_TRUE(exchange_all(*client, *server)); }

  // The server's next output as frames, handed on to the client.
  std::vector<Frame> from_server() {
    const std::string bytes = take(*server);
    client->feed(bytes);
    return reader.read(bytes);
  }
  void to_server() { server->feed(take(*client)); }

  TestHost host;
  TestServer requests;
  std::unique_ptr<Http2Server> server;
  std::unique_ptr<Http2Client> client;
  FrameReader reader;
};

}  // namespace gatehouse::http::testing
