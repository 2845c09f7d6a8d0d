#include "ctl/role.h"

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/kv.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;
using authpb::Permission;

const std::string kOpenEnd(1, '\0');

// "[a, b", "[a, <open ended>".
std::string range_text(const std::string& key, const std::string& end) {
  return "[" + key + ", " + (end == kOpenEnd ? "<open ended>" : end);
}

void print_permission(Output& out, const Permission& permission) {
  const std::string& key = permission.key();
  const std::string& end = permission.range_end();
  if (end.empty()) return out.line("\t" + key);
  std::string line = "\t" + range_text(key, end);
  if (end != kOpenEnd) {
    line += ")";
    if (prefix_end(key) == end) line += " (prefix " + key + ")";
  }
  out.line(line);
}

void print_permissions(Output& out, const std::string& role,
                       const pb::AuthRoleGetResponse& response) {
  out.line("Role " + role);
  for (const auto type : {Permission::READ, Permission::WRITE}) {
    out.line(type == Permission::READ ? "KV Read:" : "KV Write:");
    // The role root may everything, whatever is stored.
    if (role == "root" && response.perm_size() == 0) out.line("\t[, <open ended>");
    for (const Permission& permission : response.perm()) {
      if (permission.permtype() == type || permission.permtype() == Permission::READWRITE) {
        print_permission(out, permission);
      }
    }
  }
}

// --prefix and --from-key, or a second word.
Exit range_of(const Invocation& in, size_t key_word, std::string& key, std::string& end) {
  const bool prefix = in.flags.boolean("prefix");
  const bool from_key = in.flags.boolean("from-key");
  key = in.words[key_word];
  if (prefix && from_key) {
    return bad_arguments("--from-key and --prefix flags are mutually exclusive");
  }
  const bool has_end = in.words.size() > key_word + 1;
  if (has_end && (prefix || from_key)) {
    return bad_arguments(std::string("unexpected endkey argument with --") +
                         (prefix ? "prefix" : "from-key") + " flag");
  }
  if (has_end) end = in.words[key_word + 1];
  if (prefix) end = prefix_end(key);
  if (from_key) end = kOpenEnd;
  return {};
}

Exit permission_type(const std::string& word, Permission& permission) {
  std::string name = word;
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  Permission::Type type;
  if (!Permission::Type_Parse(name, &type)) {
    return bad_arguments("invalid permission type: " + word);
  }
  permission.set_permtype(type);
  return {};
}

// A response that only says that it was done.
template <typename Response>
Exit done(Invocation& in, const Response& response, const std::string& text) {
  return emit(in.out, response,
              {.simple = [&](Output& out) { out.line(text); },
               .fields = [&](Output& out) { out.header_fields(response.header()); }});
}

}  // namespace

Look look_of(const std::string& role, const pb::AuthRoleGetResponse& response) {
  return {.simple = [&](Output& out) { print_permissions(out, role, response); },
          .fields =
              [&](Output& out) {
                out.header_fields(response.header());
                for (const Permission& permission : response.perm()) {
                  out.field("PermType", " " + Permission::Type_Name(permission.permtype()));
                  out.text_field("Key", permission.key());
                  out.text_field("RangeEnd", permission.range_end());
                }
              }};
}

Exit run_role_add(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("role add command requires role name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleAddRequest request;
  request.set_name(in.words[0]);
  pb::AuthRoleAddResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleAdd, request, &response));
  return done(in, response, "Role " + in.words[0] + " created");
}

Exit run_role_delete(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("role delete command requires role name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleDeleteRequest request;
  request.set_role(in.words[0]);
  pb::AuthRoleDeleteResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleDelete, request, &response));
  return done(in, response, "Role " + in.words[0] + " deleted");
}

Exit run_role_get(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("role get command requires role name as its argument");
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleGetRequest request;
  request.set_role(in.words[0]);
  pb::AuthRoleGetResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleGet, request, &response));
  return emit(in.out, response, look_of(in.words[0], response));
}

Exit run_role_list(Invocation& in) {
  if (!in.words.empty()) return bad_arguments("role list command requires no arguments");
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleListResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleList, {}, &response));
  return emit(in.out, response,
              {.simple =
                   [&](Output& out) {
                     for (const std::string& role : response.roles()) out.line(role);
                   },
               .fields =
                   [&](Output& out) {
                     out.header_fields(response.header());
                     std::string list = "\"Roles\" :";
                     for (const std::string& role : response.roles()) list += " " + go_quote(role);
                     out.line(list);
                   }});
}

Exit run_role_grant_permission(Invocation& in) {
  if (in.words.size() < 3) {
    return bad_arguments(
        "role grant command requires role name, permission type, and key [endkey] as its argument");
  }
  pb::AuthRoleGrantPermissionRequest request;
  request.set_name(in.words[0]);
  Permission& permission = *request.mutable_perm();
  CTL_RETURN_IF_FAILED(permission_type(in.words[1], permission));
  std::string key;
  std::string end;
  CTL_RETURN_IF_FAILED(range_of(in, 2, key, end));
  // Here, unlike when it is revoked, no key means the first there is.
  if (key.empty()) key.assign(1, '\0');
  permission.set_key(key);
  permission.set_range_end(end);
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleGrantPermissionResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleGrantPermission, request, &response));
  return done(in, response, "Role " + in.words[0] + " updated");
}

Exit run_role_revoke_permission(Invocation& in) {
  if (in.words.size() < 2) {
    return bad_arguments(
        "role revoke-permission command requires role name and key [endkey] as its argument");
  }
  pb::AuthRoleRevokePermissionRequest request;
  request.set_role(in.words[0]);
  std::string key;
  std::string end;
  CTL_RETURN_IF_FAILED(range_of(in, 1, key, end));
  std::string text;
  if (end.empty()) {
    text = "Permission of key " + key;
  } else {
    text = "Permission of range " + range_text(key, end) + (end == kOpenEnd ? "" : ")");
  }
  if (key.empty()) key.assign(1, '\0');
  request.set_key(key);
  request.set_range_end(end);
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AuthRoleRevokePermissionResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRoleRevokePermission, request, &response));
  return done(in, response, text + " is revoked from role " + in.words[0]);
}

}  // namespace gatehouse::ctl
