#include "ctl/command_table.h"
#include "ctl/families.h"

namespace gatehouse::ctl {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kInt = FlagKind::kInt;
constexpr auto kString = FlagKind::kString;

Command user_commands() {
  const Flag interactive{"interactive", kBool, "true",
                         "ask for the password, twice (false: one line of stdin)"};
  return {.name = "user",
          .summary = "Users",
          .commands = {
              {.name = "add",
               .arguments = "<user name or user:password> [options]",
               .summary = "Adds a user",
               .flags = {interactive,
                         {"new-user-password", kString, "", "the password"},
                         {"no-password", kBool, "", "one that authenticates by certificate only"}},
               .run = run_user_add},
              {.name = "delete",
               .arguments = "<user name>",
               .summary = "Deletes a user",
               .run = run_user_delete},
              {.name = "get",
               .arguments = "<user name> [options]",
               .summary = "Shows a user's roles",
               .flags = {{"detail", kBool, "", "show what the roles permit, too"}},
               .run = run_user_get},
              {.name = "grant-role",
               .arguments = "<user name> <role name>",
               .summary = "Gives a user a role",
               .run = run_user_grant_role},
              {.name = "list", .summary = "Lists the users", .run = run_user_list},
              {.name = "passwd",
               .arguments = "<user name> [options]",
               .summary = "Changes a password",
               .flags = {interactive},
               .run = run_user_passwd},
              {.name = "revoke-role",
               .arguments = "<user name> <role name>",
               .summary = "Takes a role from a user",
               .run = run_user_revoke_role},
          }};
}

Command role_commands() {
  const std::vector<Flag> range = {{"prefix", kBool, "", "all keys with this prefix"},
                                   {"from-key", kBool, "", "all keys from this on"}};
  return {.name = "role",
          .summary = "Roles and what they permit",
          .commands = {
              {.name = "add",
               .arguments = "<role name>",
               .summary = "Adds a role",
               .run = run_role_add},
              {.name = "delete",
               .arguments = "<role name>",
               .summary = "Deletes a role",
               .run = run_role_delete},
              {.name = "get",
               .arguments = "<role name>",
               .summary = "Shows what a role permits",
               .run = run_role_get},
              {.name = "grant-permission",
               .arguments = "[options] <role name> <permission type> <key> [endkey]",
               .summary = "Permits a role read, write or readwrite",
               .flags = range,
               .run = run_role_grant_permission},
              {.name = "list", .summary = "Lists the roles", .run = run_role_list},
              {.name = "revoke-permission",
               .arguments = "<role name> <key> [endkey]",
               .summary = "Takes a permission from a role",
               .flags = range,
               .run = run_role_revoke_permission},
          }};
}

}  // namespace

std::vector<Command> concurrency_commands() {
  return {
      {.name = "elect",
       .arguments = "<election-name> [proposal]",
       .summary = "Takes part in an election, or watches one",
       .flags = {{"listen", kBool, "", "watch who is elected", 'l'}},
       .run = run_elect},
      {.name = "lock",
       .arguments = "<lockname> [command arg1 arg2 ...]",
       .summary = "Holds a lock, or runs a command under it",
       .flags = {{"ttl", kInt, "10",
                  "seconds after which the lock of a holder that is gone is free"}},
       .run = run_lock},
  };
}

std::vector<Command> authentication_commands() {
  return {
      {.name = "auth",
       .summary = "Authentication, on or off",
       .commands = {{.name = "disable", .summary = "Turns it off", .run = run_auth_disable},
                    {.name = "enable", .summary = "Turns it on", .run = run_auth_enable},
                    {.name = "status",
                     .summary = "Shows whether it is on",
                     .run = run_auth_status}}},
      role_commands(),
      user_commands(),
  };
}

}  // namespace gatehouse::ctl
