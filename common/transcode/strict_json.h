// What protobuf 3.21's JSON parser lets through or gets wrong where etcd's does not, put right
// before it sees the text:
//   - grammar beyond RFC 8259; bytes after the first value; nesting without bound
//   - the same field twice, under one or two names (kept: the last, or both merged)
//   - a value where a list is meant, a list where a value is meant, null within a list
//   - numbers for strings, "true" for true, "1" for an enum's name
//   - integers with a fraction or exponent beyond 2^53 (rounded), or within a string (refused)
//   - unknown fields without a name or nested deep (refused)
//   - base64 with line ends, or with bits in its last digit that belong to no byte (refused)
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::transcode {

// The first value of `text`, an object that fits `type` as far as the list above goes: a view of
// `text` or, where something had to be rewritten, of `scratch`. InvalidArgument, with the offset
// in `text`, otherwise.
Result<std::string_view> strict_json(const google::protobuf::Descriptor& type,
                                     std::string_view text, std::string& scratch);

}  // namespace gatehouse::transcode
