#include "proxy/services/methods.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "proto/rpc.pb.h"
#include "proto/v3election.pb.h"
#include "proto/v3lock.pb.h"
#include "proxy/services/member_list.h"

namespace gatehouse::services {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

rpc::MethodKind kind_of(const MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? rpc::MethodKind::kBidiStream
                                     : rpc::MethodKind::kClientStream;
  }
  return method.server_streaming() ? rpc::MethodKind::kServerStream : rpc::MethodKind::kUnary;
}

TEST(Methods, AreExactlyThoseOfTheContract) {
  std::map<std::string, rpc::MethodKind> contract;
  for (const FileDescriptor* file : {etcdserverpb::RangeRequest::descriptor()->file(),
                                     v3lockpb::LockRequest::descriptor()->file(),
                                     v3electionpb::CampaignRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const MethodDescriptor& method = *file->service(s)->method(m);
        contract[method.full_name()] = kind_of(method);
      }
    }
  }
  std::map<std::string, rpc::MethodKind> table;
  for (const Rpc& rpc : all_rpcs()) {
    table[std::string(rpc.service) + "." + std::string(rpc.name)] = rpc.kind;
  }
  EXPECT_EQ(table.size(), all_rpcs().size()) << "one of them is there twice";
  EXPECT_EQ(table, contract);
}

TEST(Methods, NothingThatWritesIsRepeatable) {
  for (const Rpc& rpc : all_rpcs()) {
    for (const char* writing :
         {"Put",        "Delete", "Txn",       "Compact",  "Grant",    "Revoke", "Add",
          "Remove",     "Update", "Promote",   "Enable",   "Disable",  "Change", "Alarm",
          "Defragment", "Move",   "Downgrade", "Campaign", "Proclaim", "Resign", "Unlock"}) {
      if (rpc.name.find(writing) != std::string_view::npos || rpc.name == "Lock") {
        EXPECT_EQ(rpc.repeat, upstream::Repeat::kNever) << rpc.name;
      }
    }
  }
}

TEST(MemberList, ClientUrlsBecomeTheProxysAndAllElseStays) {
  etcdserverpb::MemberListResponse list;
  list.mutable_header()->set_cluster_id(77);
  auto* started = list.add_members();
  started->set_id(5);
  started->set_name("m1");
  started->add_peerurls("http://10.0.0.1:2380");
  started->add_clienturls("http://10.0.0.1:2379");
  started->add_clienturls("http://10.0.0.1:4001");
  auto* not_started = list.add_members();
  not_started->set_id(6);
  not_started->add_peerurls("http://10.0.0.2:2380");

  etcdserverpb::MemberListResponse answer;
  ASSERT_TRUE(
      answer.ParseFromString(replace_client_urls(list.SerializeAsString(), "127.0.0.1:23790")));
  started->clear_clienturls();
  started->add_clienturls("127.0.0.1:23790");
  EXPECT_EQ(answer.SerializeAsString(), list.SerializeAsString());
}

TEST(MemberList, FieldsOfALaterEtcdSurvive) {
  etcdserverpb::MemberListResponse list;
  list.add_members()->add_clienturls("http://a:1");
  const std::string unknown = "\xa2\x06\x03new";  // field 100, three bytes
  const std::string answer = replace_client_urls(list.SerializeAsString() + unknown, "p:1");
  EXPECT_NE(answer.find(unknown), std::string::npos);
}

TEST(MemberList, WhatIsNoMemberListIsLeftAlone) {
  EXPECT_EQ(replace_client_urls("\xff\xff\xff", "p:1"), "\xff\xff\xff");
}

}  // namespace
}  // namespace gatehouse::services
