// What requests are called in metrics, and how they read in logs: as in etcd, whose values, tokens and
// passwords are told by their size or not at all. For slow paths: it parses what it describes.
#pragma once

#include <string>
#include <string_view>

#include "member/apply/request.h"
#include "proto/rpc.pb.h"

namespace gatehouse::apply {

// "Put", "LeaseGrant", "ClusterVersionSet", …; "unknown" for a number that is none.
std::string kind_name(Kind kind);

// A message on one line, "key:\"a\" range_end:\"b\" revision:99". For messages without secrets.
std::string compact_text(const google::protobuf::Message& message);

// "key:\"a\" value_size:1 lease:7 ".
std::string describe(const etcdserverpb::PutRequest& put);
// "compare:<…> success:<request_put:<…>> failure:<>".
std::string describe(const etcdserverpb::TxnRequest& txn);
// "header:<ID:4342492673254213123> put:<key:\"a\" value_size:1 >".
std::string describe(const Request& request);

// "range_response_count:1", " " between those of several; of a TxnResponse's fields.
std::string describe_responses(std::string_view txn_response);

}  // namespace gatehouse::apply
