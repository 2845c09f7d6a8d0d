#include <vector>

#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/fuzz/http/driver.h"

using namespace gatehouse::http::testing;  // NOLINT: a fuzz target is one function

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Whims whims(data, size);
  TestHost host;
  std::vector<std::unique_ptr<TestCall>> calls;
  auto session = gatehouse::http::make_http2_client(host);
  const auto open = [&] {
    if (calls.size() > 20) return;
    calls.push_back(std::make_unique<TestCall>());
    TestCall& call = *calls.back();
    call.consume = whims.below(4) != 0;
    if (whims.below(8) == 0) call.when_head = [](TestCall& self) { self.stream->cancel(); };
    if (whims.below(8) == 0) call.when_body = [](TestCall& self) { self.stream->cancel(); };
    call.start(*session, request_head(whims.below(4) == 0 ? "HEAD" : "POST", "/"),
               std::string(whims.below(100'000), 'x'));
  };
  for (uint32_t i = whims.below(4); i > 0; --i) open();
  std::string out;
  session->take_output(out, SIZE_MAX);
  session->feed(settings());
  drive(host, *session, rest_of(data, size), whims);
  return 0;
}
