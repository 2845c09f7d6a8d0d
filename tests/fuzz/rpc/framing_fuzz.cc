// Any bytes, in any pieces, through the framing decoder, gzip and Inbound: the same bytes give the
// same messages however they are cut, every byte is credited once, and limits hold.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/rpc/framing.h"
#include "common/rpc/gzip.h"
#include "common/rpc/inbound.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::rpc;

constexpr size_t kLimit = 100'000;

struct Collect final : Inbound::Sink {
  bool on_inbound(std::string_view message) override {
    CHECK(message.size() <= kLimit);
    messages.emplace_back(message);
    if (greedy) inbound->want();
    return true;
  }
  Inbound* inbound = nullptr;
  bool greedy = true;
  std::vector<std::string> messages;
};

struct Messages {
  std::vector<std::string> messages;
  Status error;
  bool cut_short = false;
};

// `greedy`: wants each next message at once; otherwise asks for each from outside.
Messages run(std::string_view bytes, size_t piece, bool greedy) {
  Inbound inbound(kLimit);
  inbound.allow_gzip();
  Collect sink;
  sink.inbound = &inbound;
  sink.greedy = greedy;
  size_t fed = 0;
  size_t credited = 0;
  size_t credit = 0;
  bool failed = false;
  const auto feed = [&](std::string_view part) {
    failed = inbound.feed(part, sink, credit) == Inbound::Outcome::kFailed;
    credited += credit;
  };
  while (!failed && fed < bytes.size()) {
    const std::string copy(bytes.substr(fed, piece));
    fed += copy.size();
    feed(copy);
    if (!failed) CHECK(credited + inbound.backlog_bytes() == fed);
  }
  if (!greedy) {
    while (!failed && inbound.want()) feed({});
  }
  if (!failed) CHECK(credited == bytes.size());
  CHECK(inbound.kept_bytes() <= kLimit + bytes.size());
  return {std::move(sink.messages), inbound.error(), inbound.cut_short()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Messages whole = run(bytes, SIZE_MAX, true);
  for (const Messages& other : {run(bytes, piece, true), run(bytes, piece, false)}) {
    CHECK(other.messages == whole.messages);
    CHECK(other.error == whole.error);
    if (whole.error.ok()) CHECK(other.cut_short == whole.cut_short);
  }
  // What was taken apart goes together again.
  std::string again;
  for (const std::string& message : whole.messages) append_message(again, message);
  CHECK(run(again, piece, true).messages == whole.messages);

  const auto unpacked = gzip_decompress(bytes, kLimit);
  if (unpacked.ok()) {
    CHECK(unpacked->size() <= kLimit);
    CHECK(*gzip_decompress(gzip_compress(*unpacked), kLimit) == *unpacked);
  }
  return 0;
}
