// Cluster: who the members are, and changing it.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "member/api/services.h"
#include "member/api/unary.h"
#include "member/membership/cluster.h"
#include "member/membership/conf_change.h"
#include "member/membership/ids.h"
#include "member/membership/peer_urls.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

namespace {

constexpr const char* kService = "etcdserverpb.Cluster";

etcdserverpb::Member to_proto(const membership::Member& member) {
  etcdserverpb::Member message;
  message.set_id(member.id);
  message.set_name(member.name);
  for (const std::string& url : member.peer_urls) message.add_peerurls(url);
  for (const std::string& url : member.client_urls) message.add_clienturls(url);
  message.set_islearner(member.is_learner);
  return message;
}

template <typename Texts>
Result<std::vector<std::string>> requested_urls(const Texts& texts) {
  return membership::parse_requested_urls({texts.begin(), texts.end()});
}

// Appends all members as the field `number` of a response.
void append_members(const membership::Cluster& cluster, uint32_t number, std::string& fields) {
  const auto members = cluster.members();
  for (const auto& [id, member] : members->by_id) {
    codec::append_bytes_field(fields, number, to_proto(member).SerializeAsString());
  }
}

class MemberList final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    etcdserverpb::MemberListRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    message.linearizable() ? read_index() : on_readable();
  }
  void on_readable() override {
    std::string fields;
    append_members(context().cluster, 2, fields);
    answer(0, fields);  // no revision: members have none
  }
};

// A change is checked here, agreed on, and answered when it was applied on this member.
class Change : public Unary {
 public:
  using Unary::Unary;

 protected:
  void change(raftpb::ConfChange change) {
    context().operations.change_membership(
        context().lane, std::move(change),
        [this, alive = std::weak_ptr<bool>(alive_)](const Status& status) {
          if (alive.expired()) return;  // the client went
          if (!status.ok()) return fail(status);
          std::string fields;
          on_changed(fields);
          answer(0, fields);
        });
  }
  virtual void on_changed(std::string& fields) { append_members(context().cluster, 2, fields); }

 private:
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class MemberAdd final : public Change {
 public:
  using Change::Change;

 private:
  void run() override {
    etcdserverpb::MemberAddRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    Result<std::vector<std::string>> urls = requested_urls(message.peerurls());
    if (!urls.ok()) return fail(urls.status());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    member_.id = membership::member_id(
        *urls, {}, std::chrono::duration_cast<std::chrono::seconds>(now).count());
    member_.peer_urls = std::move(*urls);
    member_.is_learner = message.islearner();
    change(membership::add_change(0, member_));
  }
  void on_changed(std::string& fields) override {
    codec::append_bytes_field(fields, 2, to_proto(member_).SerializeAsString());
    append_members(context().cluster, 3, fields);
  }

  membership::Member member_;
};

class MemberRemove final : public Change {
 public:
  using Change::Change;

 private:
  void run() override {
    etcdserverpb::MemberRemoveRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    change(membership::remove_change(0, message.id()));
  }
};

class MemberUpdate final : public Change {
 public:
  using Change::Change;

 private:
  void run() override {
    etcdserverpb::MemberUpdateRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    // etcd keeps what it is given, and other members fall over it.
    const Result<std::vector<std::string>> urls = requested_urls(message.peerurls());
    if (!urls.ok()) return fail(urls.status());
    change(membership::update_change(0, message.id(), *urls));
  }
};

class MemberPromote final : public Change {
 public:
  using Change::Change;

 private:
  void run() override {
    etcdserverpb::MemberPromoteRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    change(membership::promote_change(0, message.id()));
  }
};

}  // namespace

void add_cluster(rpc::Server& server, Context& context) {
  add_method<MemberAdd>(server, context, kService, "MemberAdd");
  add_method<MemberRemove>(server, context, kService, "MemberRemove");
  add_method<MemberUpdate>(server, context, kService, "MemberUpdate");
  add_method<MemberList>(server, context, kService, "MemberList");
  add_method<MemberPromote>(server, context, kService, "MemberPromote");
}

}  // namespace gatehouse::api
