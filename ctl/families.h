// The commands' functions, one file per family. What each does is in the table of commands.
#pragma once

#include "ctl/exit.h"

namespace gatehouse::ctl {

class Invocation;

// kv.cc, txn.cc, compaction.cc, watch.cc, lease.cc
Exit run_get(Invocation& in);
Exit run_put(Invocation& in);
Exit run_del(Invocation& in);
Exit run_txn(Invocation& in);
Exit run_compaction(Invocation& in);
Exit run_watch(Invocation& in);
Exit run_lease_grant(Invocation& in);
Exit run_lease_revoke(Invocation& in);
Exit run_lease_timetolive(Invocation& in);
Exit run_lease_list(Invocation& in);
Exit run_lease_keep_alive(Invocation& in);

// member.cc, endpoint.cc, maintenance.cc
Exit run_member_add(Invocation& in);
Exit run_member_remove(Invocation& in);
Exit run_member_update(Invocation& in);
Exit run_member_list(Invocation& in);
Exit run_member_promote(Invocation& in);
Exit run_endpoint_health(Invocation& in);
Exit run_endpoint_status(Invocation& in);
Exit run_endpoint_hashkv(Invocation& in);
Exit run_alarm_list(Invocation& in);
Exit run_alarm_disarm(Invocation& in);
Exit run_defrag(Invocation& in);
Exit run_move_leader(Invocation& in);
Exit run_downgrade_validate(Invocation& in);
Exit run_downgrade_enable(Invocation& in);
Exit run_downgrade_cancel(Invocation& in);

// snapshot.cc, snapshot_file.cc, restore.cc
Exit run_snapshot_save(Invocation& in);
Exit run_snapshot_status(Invocation& in);
Exit run_snapshot_restore(Invocation& in);
Exit run_hashkv(Invocation& in);
Exit run_defrag_directory(Invocation& in);

// lock.cc
Exit run_lock(Invocation& in);
Exit run_elect(Invocation& in);

// auth.cc, user.cc, role.cc
Exit run_auth_enable(Invocation& in);
Exit run_auth_disable(Invocation& in);
Exit run_auth_status(Invocation& in);
Exit run_user_add(Invocation& in);
Exit run_user_delete(Invocation& in);
Exit run_user_get(Invocation& in);
Exit run_user_list(Invocation& in);
Exit run_user_passwd(Invocation& in);
Exit run_user_grant_role(Invocation& in);
Exit run_user_revoke_role(Invocation& in);
Exit run_role_add(Invocation& in);
Exit run_role_delete(Invocation& in);
Exit run_role_get(Invocation& in);
Exit run_role_list(Invocation& in);
Exit run_role_grant_permission(Invocation& in);
Exit run_role_revoke_permission(Invocation& in);

// check.cc, check_disk.cc, mirror.cc, utility.cc
Exit run_check_perf(Invocation& in);
Exit run_check_datascale(Invocation& in);
Exit run_check_disk(Invocation& in);
Exit run_make_mirror(Invocation& in);
Exit run_completion(Invocation& in);
Exit run_help(Invocation& in);
Exit run_man(Invocation& in);
Exit run_options(Invocation& in);
Exit run_version(Invocation& in);

}  // namespace gatehouse::ctl
