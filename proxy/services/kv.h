// KV.Range out of the mirrors, where one may answer, and what else the mirrors must know of calls
// that go through.
//
//   serializable                     at once, with the mirror's own revision in the header
//   linearizable                     after a probe for the cluster's revision (mirror/reader.h)
//   with an older revision           from the window, else by a member
//   "x-gatehouse-max-staleness: 1s"  as serializable while the mirror is surely no older than that,
//                                    else as linearizable; a Go duration
//
// A member answers: calls with a token, ranges of no mirror, mirrors that do not serve, requests
// that are wrong or have fields not known here. Answers from mirrors carry "x-gatehouse-source:
// mirror" and "x-gatehouse-age: 12ms" - how long ago the mirror was surely up to date - where the
// client gave a bound, or the mirror has not been confirmed for some seconds.
#pragma once

#include "common/rpc/server.h"
#include "proxy/mirror/reader.h"
#include "proxy/services/misses.h"
#include "proxy/services/passthrough.h"

namespace gatehouse::services {

// Whether the caller says who it is: then only a member knows what it may do.
bool has_credentials(const rpc::ServerCall& call);

// Both outlive the server.
void add_range(rpc::Server& server, mirror::Reader& reader, Misses& misses);

// Compact, so that the mirrors do not show what the cluster no longer does.
void add_compact(rpc::Server& server, upstream::Upstream& upstream, mirror::Reader& reader,
                 UpstreamLimits limits);

// For RPCs that change something: the client is not to read older after it.
Observer floor_raiser(mirror::Reader& reader);

}  // namespace gatehouse::services
