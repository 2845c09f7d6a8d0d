// Which calls the leader carries out, whichever member is asked: others pass them on to it.
#pragma once

#include <string_view>

namespace gatehouse::upstream {

// Writes, what only the leader knows of leases, changes of the membership. Not reads: a member that
// is asked for one has to hear from the leader, but does the work itself. Not what concerns the
// member that is asked, as Defragment does. `path` as "/etcdserverpb.KV/Put".
bool is_for_leader(std::string_view path);

}  // namespace gatehouse::upstream
