#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

Exit no_words(const Invocation& in, const std::string& name) {
  if (in.words.empty()) return {};
  return bad_arguments("auth " + name + " command does not accept any arguments");
}

// The user root needs the role root before authentication may be turned on.
Exit give_root_its_role(Client& client) {
  pb::AuthRoleAddRequest add;
  add.set_name("root");
  pb::AuthRoleAddResponse added;
  const Status status = client.call(rpc::kRoleAdd, add, &added);
  if (!status.ok() && status.message() != "etcdserver: role name already exists") {
    return failed(status);
  }
  pb::AuthUserGrantRoleRequest grant;
  grant.set_user("root");
  grant.set_role("root");
  pb::AuthUserGrantRoleResponse granted;
  CTL_RETURN_IF_ERROR(client.call(rpc::kUserGrantRole, grant, &granted));
  return {};
}

}  // namespace

Exit run_auth_enable(Invocation& in) {
  CTL_RETURN_IF_FAILED(no_words(in, "enable"));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthEnableResponse response;
  Status status = in.client().call(rpc::kAuthEnable, {}, &response);
  if (status.message() == "etcdserver: root user does not have root role") {
    CTL_RETURN_IF_FAILED(give_root_its_role(in.client()));
    status = in.client().call(rpc::kAuthEnable, {}, &response);
  }
  CTL_RETURN_IF_ERROR(status);
  in.out.line("Authentication Enabled");
  return {};
}

Exit run_auth_disable(Invocation& in) {
  CTL_RETURN_IF_FAILED(no_words(in, "disable"));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthDisableResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kAuthDisable, {}, &response));
  in.out.line("Authentication Disabled");
  return {};
}

Exit run_auth_status(Invocation& in) {
  CTL_RETURN_IF_FAILED(no_words(in, "status"));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthStatusResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kAuthStatus, {}, &response));
  return emit(
      in.out, response, {.simple = [&](Output& out) {
        out.line(std::string("Authentication Status: ") + (response.enabled() ? "true" : "false"));
        out.line("AuthRevision: " + std::to_string(response.authrevision()));
      }});
}

}  // namespace gatehouse::ctl
