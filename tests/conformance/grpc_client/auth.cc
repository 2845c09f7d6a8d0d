#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

using Stub = pb::Auth::Stub;

pb::AuthUserAddRequest user(std::string name, std::string password) {
  pb::AuthUserAddRequest request;
  request.set_name(std::move(name));
  request.set_password(std::move(password));
  return request;
}

void prepare(Session& session, Stub& auth) {
  session.call("enable auth too early", auth, &Stub::AuthEnable, pb::AuthEnableRequest());
  session.call("auth status", auth, &Stub::AuthStatus, pb::AuthStatusRequest());
  for (const char* name : {"root", "alice", "alice", ""}) {
    session.call(std::string("user add ") + name, auth, &Stub::UserAdd, user(name, "password"));
  }
  for (const char* name : {"root", "reader", "reader", ""}) {
    pb::AuthRoleAddRequest role;
    role.set_name(name);
    session.call(std::string("role add ") + name, auth, &Stub::RoleAdd, role);
  }
  pb::AuthRoleGrantPermissionRequest permission;
  permission.set_name("reader");
  permission.mutable_perm()->set_permtype(authpb::Permission::READ);
  permission.mutable_perm()->set_key("foo");
  session.call("grant a permission", auth, &Stub::RoleGrantPermission, permission);
  permission.set_name("nobody");
  session.call("grant a permission to no role", auth, &Stub::RoleGrantPermission, permission);
  for (const auto& [name, role] :
       {std::pair{"root", "root"}, {"alice", "reader"}, {"alice", "nothing"}, {"nobody", "root"}}) {
    pb::AuthUserGrantRoleRequest grant;
    grant.set_user(name);
    grant.set_role(role);
    session.call(std::string("grant ") + role + " to " + name, auth, &Stub::UserGrantRole, grant);
  }
  pb::AuthUserGetRequest get_user;
  get_user.set_name("alice");
  session.call("user get", auth, &Stub::UserGet, get_user);
  pb::AuthRoleGetRequest get_role;
  get_role.set_role("reader");
  session.call("role get", auth, &Stub::RoleGet, get_role);
  session.call("user list", auth, &Stub::UserList, pb::AuthUserListRequest());
  session.call("role list", auth, &Stub::RoleList, pb::AuthRoleListRequest());
  session.call("enable auth", auth, &Stub::AuthEnable, pb::AuthEnableRequest());
}

std::string token_of(Session& session, Stub& auth, const std::string& name,
                     const std::string& password) {
  pb::AuthenticateRequest request;
  request.set_name(name);
  request.set_password(password);
  auto context = session.context();
  pb::AuthenticateResponse response;
  const auto status = auth.Authenticate(context.get(), request, &response);
  const std::string token = response.token();
  response.set_token(token.empty() ? "" : "given");
  session.record("authenticate " + name + " " + password, status, &response);
  return token;
}

void use(Session& session, Stub& auth) {
  auto kv = pb::KV::NewStub(session.channel());
  auto watch = pb::Watch::NewStub(session.channel());
  pb::RangeRequest get;
  pb::PutRequest put;
  get.set_key("foo");
  put.set_key("foo");
  const auto read_and_write = [&](const std::string& who) {
    session.call("get as " + who, *kv, &pb::KV::Stub::Range, get);
    session.call("put as " + who, *kv, &pb::KV::Stub::Put, put);
  };
  const auto watch_as = [&](const std::string& who, const std::string& key) {
    auto context = session.context();
    auto stream = watch->Watch(context.get());
    pb::WatchRequest request;
    request.mutable_create_request()->set_key(key);
    stream->Write(request);
    pb::WatchResponse response;
    if (stream->Read(&response))
      session.record("watch " + key + " as " + who, grpc::Status::OK, &response);
    context->TryCancel();
    while (stream->Read(&response)) {
    }
    stream->Finish();
  };
  read_and_write("nobody");
  watch_as("nobody", "foo");
  token_of(session, auth, "alice", "wrong");
  const std::string alice = token_of(session, auth, "alice", "password");
  const std::string root = token_of(session, auth, "root", "password");
  for (const char* key : {"token", "authorization"}) {
    session.set_metadata(key, alice);
    read_and_write(std::string("alice by ") + key);
    session.set_metadata(key, "");
  }
  session.set_metadata("token", "made.up");
  read_and_write("one with a made up token");
  session.set_metadata("token", alice);
  watch_as("alice", "foo");
  watch_as("alice", "bar");
  session.call("user list as alice", auth, &Stub::UserList, pb::AuthUserListRequest());
  session.set_metadata("token", root);
  read_and_write("root");
  pb::AuthUserChangePasswordRequest change;
  change.set_name("alice");
  change.set_password("changed");
  session.call("change a password", auth, &Stub::UserChangePassword, change);
  session.set_metadata("token", alice);
  read_and_write("alice after the change");
  session.set_metadata("token", "");
  session.set_metadata("token", token_of(session, auth, "root", "password"));
}

void take_down(Session& session, Stub& auth) {
  pb::AuthRoleRevokePermissionRequest permission;
  permission.set_role("reader");
  permission.set_key("foo");
  session.call("revoke a permission", auth, &Stub::RoleRevokePermission, permission);
  session.call("revoke a permission again", auth, &Stub::RoleRevokePermission, permission);
  pb::AuthUserRevokeRoleRequest role;
  role.set_name("alice");
  role.set_role("reader");
  session.call("revoke a role", auth, &Stub::UserRevokeRole, role);
  session.call("revoke a role again", auth, &Stub::UserRevokeRole, role);
  pb::AuthRoleDeleteRequest delete_role;
  delete_role.set_role("reader");
  session.call("role delete", auth, &Stub::RoleDelete, delete_role);
  pb::AuthUserDeleteRequest delete_user;
  delete_user.set_name("alice");
  session.call("user delete", auth, &Stub::UserDelete, delete_user);
  session.call("user delete again", auth, &Stub::UserDelete, delete_user);
  session.call("disable auth", auth, &Stub::AuthDisable, pb::AuthDisableRequest());
  session.set_metadata("token", "");
}

}  // namespace

void run_auth(Session& session) {
  auto auth = pb::Auth::NewStub(session.channel());
  prepare(session, *auth);
  use(session, *auth);
  take_down(session, *auth);
}

}  // namespace gatehouse::conformance
