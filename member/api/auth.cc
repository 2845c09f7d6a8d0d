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
  // Neither enabled nor a revision: both are zero and left out.
  void run() override { answer(context().views.get()->revision(), ""); }
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
