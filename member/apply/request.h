// Requests as the log carries them: an etcdserverpb.InternalRaftRequest, taken apart without copying
// and put together around bytes that a client sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "member/raft/payload.h"

namespace gatehouse::apply {

// What is asked for; the numbers are the fields of InternalRaftRequest.
enum class Kind : uint16_t {
  kNone = 0,
  kRange = 3,
  kPut = 4,
  kDeleteRange = 5,
  kTxn = 6,
  kCompaction = 7,
  kLeaseGrant = 8,
  kLeaseRevoke = 9,
  kAlarm = 10,
  kLeaseCheckpoint = 11,
  kAuthEnable = 1000,
  kAuthDisable = 1011,
  kAuthenticate = 1012,
  kAuthStatus = 1013,
  kAuthUserAdd = 1100,
  kAuthUserDelete = 1101,
  kAuthUserGet = 1102,
  kAuthUserChangePassword = 1103,
  kAuthUserGrantRole = 1104,
  kAuthUserRevokeRole = 1105,
  kAuthUserList = 1106,
  kAuthRoleList = 1107,
  kAuthRoleAdd = 1200,
  kAuthRoleDelete = 1201,
  kAuthRoleGet = 1202,
  kAuthRoleGrantPermission = 1203,
  kAuthRoleRevokePermission = 1204,
  kClusterVersionSet = 1300,
  kClusterMemberAttrSet = 1301,
  kDowngradeInfoSet = 1302,
  kDowngradeVersionTest = 9900,
};

struct Request {
  Kind kind = Kind::kNone;
  uint64_t id = 0;             // by which the proposer knows it
  std::string_view username;   // "" : none
  uint64_t auth_revision = 0;  // of the store when the username was established
  std::string_view body;       // the encoded request message of the kind
};

// Views into `payload`. Nothing for what is no InternalRaftRequest (a bare v2 request of etcd 3.5
// and before, or no message at all). An unknown kind is kNone.
std::optional<Request> parse_request(std::string_view payload);

// The payload of an entry that asks for it.
raft::Payload make_payload(const Request& request);

}  // namespace gatehouse::apply
