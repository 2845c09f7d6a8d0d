// Settings: what the options mean for each room.
#pragma once

#include <memory>

#include "common/base/result.h"
#include "common/httpio/server.h"
#include "common/tls/reloading_context.h"
#include "member/options.h"
#include "member/replica/replica.h"
#include "member/worker.h"

namespace gatehouse::member {

replica::StorageOptions storage_options(const Options& options);
replica::ReplicaOptions replica_options(const Options& options);
WorkerOptions worker_options(const Options& options);
httpio::HttpServerOptions client_server_options(const Options& options);
uint64_t quota_bytes(const Options& options);  // 0: none

// The TLS of listeners; null where they are in clear text. Makes the certificate of --auto-tls.
Result<std::unique_ptr<tls::ReloadingContext>> listener_tls(const Options& options,
                                                            const Options::Tls& tls,
                                                            const std::vector<Url>& urls,
                                                            const std::string& fixtures);

// The TLS to dial peers with; null where no peer speaks it.
Result<std::unique_ptr<tls::ReloadingContext>> dialing_tls(const Options& options);

}  // namespace gatehouse::member
