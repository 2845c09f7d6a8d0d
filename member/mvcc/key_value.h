// mvccpb.KeyValue by hand: the records of the backend's rows and of responses. Byte exact with what
// protobuf writes (fields in order, zero and empty ones left out): hashes are over these bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::mvcc {

struct KeyValue {
  std::string_view key;
  int64_t created = 0;
  int64_t modified = 0;
  int64_t version = 0;
  std::string_view value;
  int64_t lease = 0;
};

// Views into `record`. False when it is no KeyValue; fields that are not known are skipped.
bool parse_key_value(std::string_view record, KeyValue& out);

size_t key_value_size(const KeyValue& pair);
void append_key_value(std::string& out, const KeyValue& pair);

}  // namespace gatehouse::mvcc
