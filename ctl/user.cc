#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/methods.h"
#include "ctl/role.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

// A response that only says that it was done.
template <typename Response>
Exit done(Invocation& in, const Response& response, const std::string& text) {
  return emit(in.out, response,
              {.simple = [&](Output& out) { out.line(text); },
               .fields = [&](Output& out) { out.header_fields(response.header()); }});
}

// From a terminal, twice; or with --interactive=false a line of stdin.
Exit new_password(const Invocation& in, const std::string& user, std::string& password) {
  if (!in.flags.boolean("interactive")) {
    password = read_line().value_or("");
    return {};
  }
  password = ask_password("Password of " + user + ": ");
  if (password.empty()) return bad_arguments("empty password");
  const std::string again = ask_password("Type password of " + user + " again for confirmation: ");
  if (password != again) return bad_arguments("given passwords are different");
  return {};
}

// NAME or NAME:PASSWORD and the flags.
Exit user_to_add(const Invocation& in, pb::AuthUserAddRequest& request) {
  const std::string& word = in.words[0];
  const std::string& flag = in.flags.text("new-user-password");
  request.set_name(word);
  if (in.flags.boolean("no-password")) {
    request.mutable_options()->set_no_password(true);
    return {};
  }
  request.mutable_options()->set_no_password(false);
  if (!flag.empty()) {
    request.set_password(flag);
    return {};
  }
  const size_t colon = word.find(':');
  if (colon != std::string::npos) {
    request.set_name(word.substr(0, colon));
    request.set_password(word.substr(colon + 1));
    if (request.name().empty()) return bad_arguments("empty user name is not allowed");
    return {};
  }
  return new_password(in, word, *request.mutable_password());
}

Exit print_details(Invocation& in, const pb::AuthUserGetResponse& user) {
  in.out.line("User: " + in.words[0]);
  for (const std::string& role : user.roles()) {
    in.out.line();
    pb::AuthRoleGetRequest request;
    request.set_role(role);
    pb::AuthRoleGetResponse response;
    CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleGet, request, &response));
    CTL_RETURN_IF_FAILED(emit(in.out, response, look_of(role, response)));
  }
  return {};
}

}  // namespace

Exit run_user_add(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("user add command requires user name as its argument");
  }
  pb::AuthUserAddRequest request;
  CTL_RETURN_IF_FAILED(user_to_add(in, request));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserAddResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserAdd, request, &response));
  return done(in, response, "User " + request.name() + " created");
}

Exit run_user_delete(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("user delete command requires user name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserDeleteRequest request;
  request.set_name(in.words[0]);
  pb::AuthUserDeleteResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserDelete, request, &response));
  return done(in, response, "User " + in.words[0] + " deleted");
}

Exit run_user_get(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("user get command requires user name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserGetRequest request;
  request.set_name(in.words[0]);
  pb::AuthUserGetResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserGet, request, &response));
  if (in.flags.boolean("detail")) return print_details(in, response);
  return emit(in.out, response, {.simple = [&](Output& out) {
                out.line("User: " + in.words[0]);
                std::string line = "Roles:";
                for (const std::string& role : response.roles()) line += " " + role;
                out.line(line);
              }});
}

Exit run_user_list(Invocation& in) {
  if (!in.words.empty()) return bad_arguments("user list command requires no arguments");
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserListResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserList, {}, &response));
  return emit(in.out, response, {.simple = [&](Output& out) {
                for (const std::string& user : response.users()) out.line(user);
              }});
}

Exit run_user_passwd(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("user passwd command requires user name as its argument");
  }
  pb::AuthUserChangePasswordRequest request;
  request.set_name(in.words[0]);
  CTL_RETURN_IF_FAILED(new_password(in, in.words[0], *request.mutable_password()));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserChangePasswordResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserChangePassword, request, &response));
  return done(in, response, "Password updated");
}

Exit run_user_grant_role(Invocation& in) {
  if (in.words.size() != 2) {
    return bad_arguments("user grant command requires user name and role name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserGrantRoleRequest request;
  request.set_user(in.words[0]);
  request.set_role(in.words[1]);
  pb::AuthUserGrantRoleResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserGrantRole, request, &response));
  return done(in, response, "Role " + in.words[1] + " is granted to user " + in.words[0]);
}

Exit run_user_revoke_role(Invocation& in) {
  if (in.words.size() != 2) {
    return bad_arguments("user revoke-role requires user name and role name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthUserRevokeRoleRequest request;
  request.set_name(in.words[0]);
  request.set_role(in.words[1]);
  pb::AuthUserRevokeRoleResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kUserRevokeRole, request, &response));
  return done(in, response, "Role " + in.words[1] + " is revoked from user " + in.words[0]);
}

}  // namespace gatehouse::ctl
