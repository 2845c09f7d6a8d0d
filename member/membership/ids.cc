#include "member/membership/ids.h"

#include <algorithm>

#include "common/codec/fixed.h"
#include "common/codec/sha1.h"

namespace gatehouse::membership {
namespace {

uint64_t first_eight(std::string_view bytes) {
  const std::array<uint8_t, 20> digest = codec::sha1(bytes);
  return codec::load_big_endian<uint64_t>(reinterpret_cast<const char*>(digest.data()));
}

}  // namespace

uint64_t member_id(std::vector<std::string> peer_urls, std::string_view token,
                   std::optional<int64_t> unix_seconds) {
  std::sort(peer_urls.begin(), peer_urls.end());
  std::string bytes;
  for (const std::string& url : peer_urls) bytes += url;
  bytes += token;
  if (unix_seconds) bytes += std::to_string(*unix_seconds);
  return first_eight(bytes);
}

uint64_t cluster_id(std::vector<uint64_t> member_ids) {
  std::sort(member_ids.begin(), member_ids.end());
  std::string bytes;
  for (const uint64_t id : member_ids) codec::append_big_endian(bytes, id);
  return first_eight(bytes);
}

}  // namespace gatehouse::membership
