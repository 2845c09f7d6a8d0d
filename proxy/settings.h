// From options to what each room is set up with.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/httpio/server.h"
#include "common/tls/reloading_context.h"
#include "proxy/options.h"
#include "proxy/worker.h"

namespace gatehouse::proxy {

// Of a REST body: the largest message in base64, and room for names and punctuation.
size_t max_body_bytes(const Options& options);

WorkerOptions worker_options(const Options& options, const std::vector<std::string>& endpoints);
mirror::MirrorsOptions mirrors_options(const Options& options);
httpio::HttpServerOptions server_options(const Options& options);

// TLS towards clients; null when they come in clear text. Makes the certificate of --auto-tls.
Result<std::unique_ptr<tls::ReloadingContext>> load_client_tls(const Options& options);

// TLS towards members, into `shared`, where an endpoint or the cluster's member list may want it.
Status load_member_tls(const Options& options, const std::vector<std::string>& endpoints,
                       Shared& shared);

}  // namespace gatehouse::proxy
