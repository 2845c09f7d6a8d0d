// The two streams that are read from a peer: any bytes, any chunking, the same messages whichever
// way they are cut. The first byte says which stream and how it is cut.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "member/transport/framing.h"
#include "member/transport/message_codec.h"

using namespace gatehouse;             // NOLINT: a fuzz target is one function
using namespace gatehouse::transport;  // NOLINT

namespace {

struct Kept final : MessageSink {
  std::string all;
  bool on_frame(raft::Message message) override {
    append_message(all, message);
    return true;
  }
};

template <typename Decoder>
bool feed(Decoder decoder, std::string_view bytes, size_t chunk, Kept& kept) {
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, chunk));  // of its own, for the sanitizer
    if (!decoder.feed(piece, kept).ok()) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

template <typename Decoder>
void compare(const Decoder& fresh, std::string_view bytes, size_t chunk) {
  Kept whole, pieces;
  const bool ok = feed(fresh, bytes, SIZE_MAX, whole);
  CHECK(ok == feed(fresh, bytes, chunk, pieces));
  CHECK(whole.all == pieces.all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t chunk = 1 + data[0] / 2;
  constexpr uint64_t kMaxFrame = 1 << 20;
  if (data[0] % 2 == 0) {
    compare(MessageDecoder(kMaxFrame), bytes, chunk);
  } else {
    compare(AppendDecoder(1, 2, kMaxFrame), bytes, chunk);
  }
  return 0;
}
