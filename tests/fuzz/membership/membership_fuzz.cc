// Any bytes as what other members, old files and operators say of the membership: refused, or read
// to something that is written and read again to the same. The first byte chooses the reader.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "member/membership/conf_change.h"
#include "member/membership/initial_cluster.h"
#include "member/membership/v2.h"
#include "member/schema/member_json.h"

namespace gatehouse::membership {
namespace {

void member(std::string_view bytes) {
  const Result<schema::ParsedMember> parsed = schema::parse_member(bytes);
  if (!parsed.ok()) return;
  const Result<schema::ParsedMember> again =
      schema::parse_member(schema::member_json(parsed.value().member));
  CHECK(again.ok() && again.value().member == parsed.value().member);
}

void downgrade(std::string_view bytes) {
  const Result<Downgrade> parsed = schema::parse_downgrade(bytes);
  if (!parsed.ok()) return;
  CHECK(schema::parse_downgrade(schema::downgrade_json(parsed.value())).value() == parsed.value());
}

void v2_tree(std::string_view bytes) {
  const Result<Members> parsed = parse_v2_snapshot(bytes);
  if (!parsed.ok()) return;
  Members expected = parsed.value();
  // Attributes are written once a member has a name.
  for (auto& [id, found] : expected.by_id) {
    if (!found.started()) found.client_urls.clear();
  }
  CHECK(parse_v2_snapshot(v2_snapshot(parsed.value(), 1)).value() == expected);
}

void initial_cluster(std::string_view bytes) {
  const Result<InitialCluster> parsed = parse_initial_cluster(bytes);
  if (!parsed.ok()) return;
  CHECK(parse_initial_cluster(to_text(parsed.value())).value() == parsed.value());
  static_cast<void>(initial_members(parsed.value(), "token"));
  static_cast<void>(check_new_cluster(parsed.value(), "a", {"http://a:1"}));
  static_cast<void>(check_existing_cluster(parsed.value(), "a"));
}

void change(std::string_view bytes) {
  raftpb::ConfChange change;
  if (change.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    static_cast<void>(parse_change(change));
  }
}

}  // namespace
}  // namespace gatehouse::membership

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gatehouse::membership;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 6) {
    case 0:
      member(bytes);
      break;
    case 1:
      downgrade(bytes);
      break;
    case 2:
      v2_tree(bytes);
      break;
    case 3:
      initial_cluster(bytes);
      break;
    case 4:
      change(bytes);
      break;
    case 5:
      static_cast<void>(parse_v2_request(bytes));
      break;
  }
  return 0;
}
