// The two streams that each member holds open at each other.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::transport {

enum class StreamKind : uint8_t {
  kAppend,   // MsgApp only, in the framing of msgappv2
  kGeneral,  // everything else
};

inline constexpr std::string_view kAppendStreamPath = "/raft/stream/msgapp";
inline constexpr std::string_view kGeneralStreamPath = "/raft/stream/message";

inline std::string_view stream_path(StreamKind kind) {
  return kind == StreamKind::kAppend ? kAppendStreamPath : kGeneralStreamPath;
}
// etcd's names, in logs.
inline std::string_view stream_name(StreamKind kind) {
  return kind == StreamKind::kAppend ? "stream MsgApp v2" : "stream Message";
}

}  // namespace gatehouse::transport
