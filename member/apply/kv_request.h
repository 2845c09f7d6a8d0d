// Put and delete requests taken apart: views into the encoded messages.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::apply {

struct PutView {
  std::string_view key;
  std::string_view value;
  int64_t lease = 0;
  bool prev_kv = false;
  bool ignore_value = false;
  bool ignore_lease = false;
};

struct DeleteView {
  std::string_view key;
  std::string_view end;
  bool prev_kv = false;
};

// False when the bytes are no protobuf message. A field of another wire type than it should have is
// passed over as an unknown one.
bool parse_put(std::string_view bytes, PutView& put);
bool parse_delete(std::string_view bytes, DeleteView& del);

}  // namespace gatehouse::apply
