// Bounds on foreign JSON.
#pragma once

#include <cstddef>

namespace gatehouse::transcode {

// One JSON value. etcd's largest request (1.5 MiB and 0.5 MiB for the rest of the message) is 2.7
// MiB of base64. Answers the client that sends one endless string.
inline constexpr size_t kDefaultMaxJsonBytes = 4 * 1024 * 1024;

// Objects and arrays within each other. A nested transaction takes three, and protobuf's own limit
// of 64 messages within each other comes first for known fields. Answers "[[[[[[…": readers recurse
// this deep.
inline constexpr int kMaxJsonDepth = 100;

}  // namespace gatehouse::transcode
