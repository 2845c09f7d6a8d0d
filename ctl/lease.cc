#include <chrono>
#include <thread>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "ctl/kv.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

Exit lease_argument(const std::string& word, int64_t& id) {
  const Status status = parse_lease(word, id);
  if (status.ok()) return {};
  return bad_arguments("bad lease ID arg (" + status.message() + "), expecting ID in Hex");
}

std::string hex_id(int64_t id) { return hex16(static_cast<uint64_t>(id)); }

// Go's lease responses have the header's fields among their own, and only those reach protobuf.
JsonObject with_header(const pb::ResponseHeader& header) {
  JsonObject object;
  object.members_of(to_json(header));
  return object;
}

Exit print_keep_alive(Output& out, const pb::LeaseKeepAliveResponse& response) {
  return emit(out, response.header(),
              {.simple =
                   [&](Output&) {
                     out.line("lease " + hex_id(response.id()) + " keepalived with TTL(" +
                              std::to_string(response.ttl()) + ")");
                   },
               .fields =
                   [&](Output&) {
                     out.header_fields(response.header());
                     out.lease_field("ID", response.id());
                     out.field("TTL", response.ttl());
                   },
               .json =
                   [&] {
                     return with_header(response.header())
                         .number("ID", response.id())
                         .number("TTL", response.ttl())
                         .finish();
                   }});
}

std::string key_list_text(const pb::LeaseTimeToLiveResponse& response) {
  std::string list;
  for (const std::string& key : response.keys()) list += (list.empty() ? "" : " ") + key;
  return "[" + list + "]";
}

std::string key_list_json(const pb::LeaseTimeToLiveResponse& response) {
  if (response.keys().empty()) return "null";
  pb::LeaseTimeToLiveResponse keys;
  *keys.mutable_keys() = response.keys();
  const std::string object = to_json(keys);  // {"keys":[…]}
  return object.substr(8, object.size() - 9);
}

}  // namespace

Exit run_lease_grant(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("lease grant command needs TTL argument");
  int64_t ttl = 0;
  const Status status = parse_int(in.words[0], 10, ttl);
  if (!status.ok()) return bad_arguments("bad TTL (" + status.message() + ")");
  CTL_RETURN_IF_FAILED(in.connect());
  pb::LeaseGrantRequest request;
  request.set_ttl(ttl);
  pb::LeaseGrantResponse response;
  const Status granted = in.client().call(rpc::kLeaseGrant, request, &response);
  if (!granted.ok()) return {kExitError, "failed to grant lease (" + granted.message() + ")"};
  return emit(in.out, response.header(),
              {.simple =
                   [&](Output& out) {
                     out.line("lease " + hex_id(response.id()) + " granted with TTL(" +
                              std::to_string(response.ttl()) + "s)");
                   },
               .fields =
                   [&](Output& out) {
                     out.header_fields(response.header());
                     out.lease_field("ID", response.id());
                     out.field("TTL", response.ttl());
                   },
               .json =
                   [&] {
                     return with_header(response.header())
                         .number("ID", response.id())
                         .number("TTL", response.ttl())
                         .text("Error", response.error())
                         .finish();
                   }});
}

Exit run_lease_revoke(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("lease revoke command needs 1 argument");
  pb::LeaseRevokeRequest request;
  int64_t id = 0;
  CTL_RETURN_IF_FAILED(lease_argument(in.words[0], id));
  CTL_RETURN_IF_FAILED(in.connect());
  request.set_id(id);
  pb::LeaseRevokeResponse response;
  const Status status = in.client().call(rpc::kLeaseRevoke, request, &response);
  if (!status.ok()) return {kExitError, "failed to revoke lease (" + status.message() + ")"};
  return emit(in.out, response,
              {.simple = [&](Output& out) { out.line("lease " + hex_id(id) + " revoked"); },
               .fields = [&](Output& out) { out.header_fields(response.header()); }});
}

Exit run_lease_timetolive(Invocation& in) {
  if (in.words.size() != 1)
    return bad_arguments("lease timetolive command needs lease ID as argument");
  pb::LeaseTimeToLiveRequest request;
  int64_t id = 0;
  CTL_RETURN_IF_FAILED(lease_argument(in.words[0], id));
  CTL_RETURN_IF_FAILED(in.connect());
  request.set_id(id);
  request.set_keys(in.flags.boolean("keys"));
  pb::LeaseTimeToLiveResponse response;
  const Status status = in.client().call(rpc::kLeaseTimeToLive, request, &response, Wait::kForever);
  if (!status.ok()) return failed(status, kExitBadConnection);
  const bool expired = response.grantedttl() == 0 && response.ttl() == -1;
  return emit(in.out, response.header(),
              {.simple =
                   [&](Output& out) {
                     std::string text = "lease " + hex_id(response.id());
                     if (expired) return out.line(text + " already expired");
                     text += " granted with TTL(" + std::to_string(response.grantedttl()) +
                             "s), remaining(" + std::to_string(response.ttl()) + "s)";
                     if (request.keys()) text += ", attached keys(" + key_list_text(response) + ")";
                     out.line(text);
                   },
               .fields =
                   [&](Output& out) {
                     out.header_fields(response.header());
                     out.lease_field("ID", response.id());
                     out.field("TTL", response.ttl());
                     out.field("GrantedTTL", response.grantedttl());
                     for (const std::string& key : response.keys()) out.text_field("Key", key);
                   },
               .json =
                   [&] {
                     return with_header(response.header())
                         .number("id", response.id())
                         .number("ttl", response.ttl())
                         .number("granted-ttl", response.grantedttl())
                         .raw("keys", key_list_json(response))
                         .finish();
                   }});
}

Exit run_lease_list(Invocation& in) {
  CTL_RETURN_IF_FAILED(in.connect());
  pb::LeaseLeasesResponse response;
  const Status status = in.client().call(rpc::kLeaseLeases, {}, &response, Wait::kForever);
  if (!status.ok()) return failed(status, kExitBadConnection);
  return emit(in.out, response.header(),
              {.simple =
                   [&](Output& out) {
                     out.line("found " + std::to_string(response.leases_size()) + " leases");
                     for (const pb::LeaseStatus& lease : response.leases()) {
                       out.line(hex_id(lease.id()));
                     }
                   },
               .fields =
                   [&](Output& out) {
                     out.header_fields(response.header());
                     for (const pb::LeaseStatus& lease : response.leases()) {
                       out.lease_field("ID", lease.id());
                     }
                   },
               .json =
                   [&] {
                     std::string list;
                     for (const pb::LeaseStatus& lease : response.leases()) {
                       if (!list.empty()) list += ',';
                       list += JsonObject().number("id", lease.id()).finish();
                     }
                     return with_header(response.header()).raw("leases", "[" + list + "]").finish();
                   }});
}

Exit run_lease_keep_alive(Invocation& in) {
  if (in.words.size() != 1) {
    return bad_arguments("lease keep-alive command needs lease ID as argument");
  }
  int64_t id = 0;
  CTL_RETURN_IF_FAILED(lease_argument(in.words[0], id));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::LeaseKeepAliveRequest request;
  request.set_id(id);
  const bool once = in.flags.boolean("once");
  const auto stream = in.client().open(rpc::kLeaseKeepAlive, true);
  pb::LeaseKeepAliveResponse response;
  while (stream->write(request) && stream->read(&response)) {
    if (response.ttl() <= 0) {
      if (once) return {kExitBadConnection, "etcdserver: requested lease not found"};
      break;
    }
    CTL_RETURN_IF_FAILED(print_keep_alive(in.out, response));
    if (once) return {};
    in.out.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(response.ttl() * 1000 / 3));
  }
  if (response.ttl() > 0) {
    const Status status = stream->finish();
    if (!status.ok()) return failed(status, kExitBadConnection);
  }
  in.out.line("lease " + hex_id(id) + " expired or revoked.");
  return {};
}

}  // namespace gatehouse::ctl
