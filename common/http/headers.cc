#include "common/http/headers.h"

#include "common/base/check.h"

namespace gatehouse::http {

void Headers::add(std::string_view name, std::string_view value) {
  const size_t offset = text_.size();
  // Sessions bound a list far below this; 4 GiB of headers would be our own mistake.
  CHECK(offset + name.size() + value.size() <= UINT32_MAX);
  text_.append(name);
  text_.append(value);
  spans_.push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(name.size()),
                    static_cast<uint32_t>(value.size())});
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const Field& field : *this) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

}  // namespace gatehouse::http
