// Foreign bytes into a session at every stage: fresh, in the middle of a handshake, and open. The
// first bytes of the input choose the side, the stage and how the rest is used:
//   byte 0: bit 0 side (0 server, 1 client), bit 1 client certificates, bit 2 what the rest is (0
//   bytes to feed as they
//           are, 1 edits to the honest peer's next flight), bits 3-4 how many flights are exchanged
//           before
//   byte 1: the size of the pieces that are fed, less one
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/tls/session.h"
#include "tests/common/tls/test_certificates.h"

namespace gatehouse::tls {
namespace {

struct Contexts {
  Contexts() {
    TestCertificates authority;
    const TestCertificates::Files server_files = authority.server();
    const TestCertificates::Files client_files = authority.client("fuzz");
    ServerOptions server;
    server.cert_file = server_files.cert_file;
    server.key_file = server_files.key_file;
    plain_server = must(Context::server(server));
    server.client_auth = ClientAuth::kRequest;
    server.trusted_ca_file = authority.ca_file();
    asking_server = must(Context::server(server));
    ClientOptions options;
    options.ca_file = authority.ca_file();
    options.server_name = "127.0.0.1";
    options.cert_file = client_files.cert_file;
    options.key_file = client_files.key_file;
    client = must(Context::client(options));
    options.insecure_skip_verify = true;
    lax_client = must(Context::client(options));
  }

  static std::shared_ptr<const Context> must(Result<std::shared_ptr<const Context>> context) {
    CHECK_MSG(context.ok(), context.status().message());
    return *std::move(context);
  }

  std::shared_ptr<const Context> plain_server, asking_server, client, lax_client;
};

std::unique_ptr<Session> new_session(const std::shared_ptr<const Context>& context) {
  Result<std::unique_ptr<Session>> session = Session::create(context);
  CHECK(session.ok());
  return *std::move(session);
}

std::string output_of(Session& session) {
  std::string bytes;
  session.take_output(bytes);
  return bytes;
}

// Positions and values to change, two bytes and one each; what is left over is put in front.
std::string edited(std::string flight, std::string_view edits) {
  while (edits.size() >= 3 && !flight.empty()) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(edits[at]); };
    flight[(byte(0) * 256u + byte(1)) % flight.size()] = edits[2];
    edits.remove_prefix(3);
  }
  return flight + std::string(edits);
}

void feed_all(Session& session, std::string_view bytes, size_t piece) {
  const bool was_open = session.handshake_done();
  size_t fed = 0;
  Status failure;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    fed += part.size();
    const Status status = session.feed(part);
    CHECK_MSG(failure.ok() || failure == status, "an error must stay");
    CHECK_MSG(status.ok() || !status.message().empty(), "an error must say something");
    failure = status;
    if (!status.ok()) CHECK(session.write("x") == status);
  }
  // What comes out is bounded by what went in (the honest peer's last flight may hold a record of
  // plaintext).
  CHECK(session.plaintext_size() <= fed + 16384);
  CHECK(session.output_size() <= fed * 4 + 32768);
  CHECK_MSG(was_open || session.handshake_done() || session.plaintext_size() == 0,
            "plaintext from a session that is not open");
}

void run(std::string_view input) {
  if (input.size() < 2) return;
  static const Contexts contexts;
  const auto choice = static_cast<uint8_t>(input[0]);
  const size_t piece = static_cast<uint8_t>(input[1]) + size_t{1};
  input.remove_prefix(2);
  const std::unique_ptr<Session> server =
      new_session((choice & 2) != 0 ? contexts.asking_server : contexts.plain_server);
  if ((choice & 0x1d) == 0) return feed_all(*server, input, piece);  // fresh: no peer is needed
  // Handshakes are what a run costs; where the client is only the honest peer it need not verify.
  const std::unique_ptr<Session> client =
      new_session((choice & 1) != 0 ? contexts.client : contexts.lax_client);
  std::string to_server = output_of(*client);
  std::string to_client;
  for (int flight = 0; flight < ((choice >> 3) & 3); flight++) {
    CHECK(server->feed(to_server).ok());
    to_client = output_of(*server);
    CHECK(client->feed(to_client).ok());
    to_server = output_of(*client);
  }
  if (client->handshake_done() && client->write("from the client").ok())
    to_server += output_of(*client);
  Session& target = (choice & 1) != 0 ? *client : *server;
  if ((choice & 1) != 0) {  // the server's next flight
    CHECK(server->feed(to_server).ok());
    to_client = output_of(*server);
    if (server->handshake_done() && server->write("from the server").ok())
      to_client += output_of(*server);
  }
  const std::string honest = (choice & 1) != 0 ? to_client : to_server;
  feed_all(target, (choice & 4) != 0 ? edited(honest, input) : std::string(input), piece);
}

}  // namespace
}  // namespace gatehouse::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::tls::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
