#include "common/rpc/metadata.h"

namespace gatehouse::rpc {

std::optional<std::string_view> find(const Metadata& metadata, std::string_view key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return std::nullopt;
}

}  // namespace gatehouse::rpc
