// --force-new-cluster: this member goes on alone with what it has, the others are gone for good. For
// the operator whose majority is lost.
#pragma once

#include "common/base/status.h"
#include "common/log/log.h"
#include "member/membership/members.h"
#include "member/replica/storage.h"

namespace gatehouse::replica {

// Entries that are not known to be committed are given up; behind the committed ones the log gets,
// as committed, the removal of every other member, and where this one is a learner its promotion.
// They are applied like any others once the replica runs, so that the database, too, says so.
//
// Of opened storage with its configuration set, before the replica is made; `members` are those of
// the database. kFailedPrecondition: this member is not one of them. Else the log's errors.
Status force_new_cluster(Storage& storage, const membership::Members& members,
                         const log::Logger& logger);

}  // namespace gatehouse::replica
