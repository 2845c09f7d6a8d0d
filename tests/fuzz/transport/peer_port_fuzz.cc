// A member's peer port, with a peer that answers anything and a client that says anything: the
// snapshot POST, the pipeline POST or raw bytes; and the member's own streams fed with the input.
// The first byte says which.
#include <cstdint>
#include <string>

#include "common/codec/fixed.h"
#include "member/transport/message_codec.h"
#include "tests/member/transport/rig.h"

using namespace gatehouse;                      // NOLINT: a fuzz target is one function
using namespace gatehouse::transport;           // NOLINT
using namespace gatehouse::transport::testing;  // NOLINT

namespace {

struct Ignore final : env::ByteStream::Sink {
  void on_bytes(std::string_view) override {}
  void on_end() override {}
  void on_drained() override {}
  void on_broken(const Status&) override {}
};

std::string post(const std::string& path, std::string_view body) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: m1:2380\r\nX-Etcd-Cluster-Id: " + to_hex(kCluster) +
         "\r\nX-Server-From: 2\r\nX-Server-Version: 3.7.0\r\nX-Min-Cluster-Version: "
         "3.0.0\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string bytes(input);
  if (data[0] % 4 == 1) bytes = post("/raft", input);
  if (data[0] % 4 == 2) bytes = post("/raft/snapshot", input);
  Net net;
  Ignore ignore;
  std::vector<std::unique_ptr<env::ByteStream>> streams;
  net.network.set_link({.max_chunk_bytes = size_t{1} + data[0]});
  // Peer 2 answers each request with the input: as it is, or behind a good head.
  net.network.listen(url_of(2), net.sim, [&](std::unique_ptr<env::ByteStream> stream) {
    stream->start(ignore);
    if (data[0] % 4 == 3) {
      stream->write(
          "HTTP/1.1 200 OK\r\nX-Server-Version: 3.7.0\r\nContent-Length: 1000000\r\n\r\n");
    }
    stream->write(input);
    streams.push_back(std::move(stream));
  });
  {
    Member member(net, 1);
    member.transport->add_peer(2, {url_of(2)});
    std::unique_ptr<net::Dialer> dialer = net.network.dialer("client", net.sim);
    auto dial = dialer->dial(url_of(1), [&](Result<std::unique_ptr<env::ByteStream>> made) {
      (*made)->start(ignore);
      (*made)->write(bytes);
      streams.push_back(*std::move(made));
    });
    net.sim.advance(150);
    streams.clear();
    net.sim.advance(50);
  }
  streams.clear();
  return 0;
}
