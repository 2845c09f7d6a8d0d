#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/fuzz/http/driver.h"

using namespace gatehouse::http::testing;  // NOLINT: a fuzz target is one function

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Whims whims(data, size);
  TestHost host;
  TestServer server;
  set_whims(server, whims);
  {
    auto session = gatehouse::http::make_http2_server(host, server, {.address = "fuzz"});
    // Past the preface: what is of interest comes after.
    session->feed(std::string(kPreface) + settings());
    drive(host, *session, rest_of(data, size), whims);
  }
  CHECK(server.alive() == 0);
  return 0;
}
