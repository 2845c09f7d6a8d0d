#include "common/transcode/json_splitter.h"

#include <algorithm>

namespace gatehouse::transcode {

Result<bool> JsonSplitter::next(std::string_view& input, std::string& value) {
  if (depth_ == 0) {
    input.remove_prefix(std::min(input.find_first_not_of(" \t\r\n"), input.size()));
    if (input.empty()) return false;
    if (input.front() != '{') return invalid_argument("JSON: expected an object");
  }

  size_t at = 0;
  do {
    if (at == input.size() || pending_.size() + at >= max_value_bytes_) break;
    const char c = input[at++];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      if (++depth_ > kMaxJsonDepth) {
        return invalid_argument("JSON: more than " + std::to_string(kMaxJsonDepth) +
                                " objects and arrays within each other");
      }
    } else if (c == '}' || c == ']') {
      --depth_;
    }
  } while (depth_ > 0);

  if (depth_ > 0 && at < input.size()) {
    return resource_exhausted("JSON: one value of more than " + std::to_string(max_value_bytes_) +
                              " bytes");
  }
  pending_.append(input.substr(0, at));
  input.remove_prefix(at);
  if (depth_ > 0) return false;
  value = std::move(pending_);
  pending_.clear();
  return true;
}

Status JsonSplitter::finish() const {
  if (depth_ == 0) return Status();
  return invalid_argument("JSON: the stream ended within an object");
}

}  // namespace gatehouse::transcode
