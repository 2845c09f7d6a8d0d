// Directories of etcd before 3.6: there the truth about membership is the v2 store, of which a .snap
// file has a dump and the log all changes since. The rows of the database, from which later releases
// read it, may be those of another cluster ("etcdctl snapshot restore" of 3.4 leaves them alone).
#pragma once

#include "common/base/status.h"
#include "common/env/file_system.h"
#include "common/log/log.h"
#include "member/membership/cluster.h"
#include "member/replica/storage.h"

namespace gatehouse::replica {

// Makes the rows say what the snapshot and the log say as of the database's index: after
// `cluster` was restored from the rows, before anything else is made of `storage`. Nothing is done to
// a database that names its version, as those of 3.6 and later do, nor at a first start. Doing it
// again changes nothing. Errors: those of the file system; kDataLoss for a dump that cannot be read.
Status convert_membership(env::FileSystem& files, Storage& storage, membership::Cluster& cluster,
                          const log::Logger& logger);

}  // namespace gatehouse::replica
