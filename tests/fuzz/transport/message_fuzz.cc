// The body of a POST: where we read a message, protobuf reads the same, and what we write of it
// reads back.
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "member/raft/wire.h"
#include "member/transport/message_codec.h"

using namespace gatehouse;  // NOLINT: a fuzz target is one function

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<raft::Message> ours = transport::decode_message(bytes);
  if (!ours.ok()) return 0;
  raftpb::Message proto;
  CHECK(proto.ParseFromString(std::string(bytes)));
  const Result<raft::Message> theirs = raft::from_proto(proto);
  CHECK(theirs.ok());
  std::string a, b;
  transport::append_message(a, *ours);
  transport::append_message(b, *theirs);
  CHECK(a == b);
  CHECK(a == raft::to_proto(*ours).SerializeAsString());
  CHECK(transport::decode_message(a).ok());
  return 0;
}
