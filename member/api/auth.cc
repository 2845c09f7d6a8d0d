// Auth, as long as there are no users: off, and cannot be turned on.
#include "member/api/services.h"
#include "member/api/unary.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

namespace {

class AuthStatus final : public Unary {
 public:
  using Unary::Unary;

 private:
  // Not enabled. The store of users of a member that has none is at its first revision.
  void run() override {
    etcdserverpb::AuthStatusResponse response;
    response.set_authrevision(1);
    answer(context().views.get()->revision(), response.SerializeAsString());
  }
};

class Refused final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override { fail(auth_unimplemented()); }
};

}  // namespace

void add_auth(rpc::Server& server, Context& context) {
  const google::protobuf::ServiceDescriptor* service =
      etcdserverpb::AuthStatusRequest::descriptor()->file()->FindServiceByName("Auth");
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string name = service->method(i)->name();
    if (name == "AuthStatus") {
      add_method<AuthStatus>(server, context, service->full_name(), name);
    } else {
      add_method<Refused>(server, context, service->full_name(), name);
    }
  }
}

}  // namespace gatehouse::api
