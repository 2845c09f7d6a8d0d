#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <mutex>

#include "common/base/duration.h"
#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "ctl/member_list.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;
using Rows = std::vector<std::vector<std::string>>;

std::string commas(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) line += (&cell == &cells.front() ? "" : ", ") + cell;
  return line;
}

const char* yes_no(bool value) { return value ? "true" : "false"; }

struct EndpointStatus {
  std::string endpoint;
  pb::StatusResponse status;
};

std::vector<std::string> row_of(const EndpointStatus& item) {
  const pb::StatusResponse& status = item.status;
  const auto bytes = [](int64_t size) { return humanize_bytes(static_cast<uint64_t>(size)); };
  const int64_t unused =
      status.dbsize() > 0 ? 100 - status.dbsizeinuse() * 100 / status.dbsize() : 0;
  std::vector<std::string> errors(status.errors().begin(), status.errors().end());
  return {item.endpoint,
          hex(status.header().member_id()),
          status.version(),
          status.storageversion(),
          bytes(status.dbsize()),
          bytes(status.dbsizeinuse()),
          std::to_string(unused) + "%",
          bytes(status.dbsizequota()),
          yes_no(status.leader() == status.header().member_id()),
          yes_no(status.islearner()),
          std::to_string(status.raftterm()),
          std::to_string(status.raftindex()),
          std::to_string(status.raftappliedindex()),
          commas(errors),
          status.downgradeinfo().targetversion(),
          yes_no(status.downgradeinfo().enabled())};
}

void status_fields(Output& out, const EndpointStatus& item) {
  const pb::StatusResponse& status = item.status;
  out.header_fields(status.header());
  out.text_field("Version", status.version());
  out.text_field("StorageVersion", status.storageversion());
  out.field("DBSize", status.dbsize());
  out.field("DBSizeInUse", status.dbsizeinuse());
  out.field("DBSizeQuota", status.dbsizequota());
  out.field("Leader", status.leader());
  out.flag_field("IsLearner", status.islearner());
  out.field("RaftIndex", status.raftindex());
  out.field("RaftTerm", status.raftterm());
  out.field("RaftAppliedIndex", status.raftappliedindex());
  std::string errors;
  for (const std::string& error : status.errors()) errors += (errors.empty() ? "" : " ") + error;
  out.field("Errors", "[" + errors + "]");
  out.text_field("Endpoint", item.endpoint);
  out.text_field("DowngradeTargetVersion", status.downgradeinfo().targetversion());
  out.flag_field("DowngradeEnabled", status.downgradeinfo().enabled());
  out.line();
}

// A list of one line for each endpoint; json is an array.
Exit emit_list(Output& output, const std::vector<std::string>& header, const Rows& rows,
               const std::function<void(Output&)>& fields, const std::vector<std::string>& objects,
               const std::function<void(Output&)>& simple = {}) {
  return emit(output, pb::ResponseHeader(),
              {.simple = simple ? simple
                                : [&](Output& out) {
                                    for (const auto& row : rows) out.line(commas(row));
                                  },
               .fields = fields,
               .table = [&](Output& out) { out.write(draw_table(header, rows)); },
               .json =
                   [&] {
                     std::string list;
                     for (const std::string& object : objects) {
                       list += (list.empty() ? "" : ",") + object;
                     }
                     return list.empty() ? "null" : "[" + list + "]";  // a nil slice in Go
                   },
               .protobuf = false});
}

struct Health {
  std::string endpoint;
  bool healthy = false;
  std::string took;
  std::string error;
};

std::string alarm_text(const pb::AlarmResponse& alarms) {
  std::string text = "Active Alarm(s): ";
  for (const pb::AlarmMember& alarm : alarms.alarms()) {
    text += pb::AlarmType_Name(alarm.alarm()) + " ";
  }
  return text;
}

Health ask_health(const ClientOptions& common, const std::string& endpoint) {
  ClientOptions options = common;
  options.endpoints = {endpoint};
  Health health{.endpoint = endpoint};
  Result<std::unique_ptr<Client>> client = Client::connect(std::move(options));
  if (!client.ok()) {
    health.error = client.status().message();
    return health;
  }
  const auto start = std::chrono::steady_clock::now();
  pb::RangeRequest request;
  request.set_key("health");
  pb::RangeResponse response;
  const Status status = (*client)->call(rpc::kRange, request, &response);
  health.took = format_duration(std::chrono::steady_clock::now() - start);
  // Who may not read this key has been answered by a quorum all the same.
  if (!status.ok() && status.message() != "etcdserver: permission denied") {
    health.error = status.message();
    return health;
  }
  pb::AlarmRequest alarm_request;
  pb::AlarmResponse alarms;
  const Status asked = (*client)->call(rpc::kAlarm, alarm_request, &alarms);
  if (!asked.ok()) {
    health.error = "Unable to fetch the alarm list";
  } else if (alarms.alarms_size() > 0) {
    health.error = alarm_text(alarms);
  } else {
    health.healthy = true;
  }
  return health;
}

void print_health(Output& out, const Health& health) {
  if (health.healthy) {
    return out.line(health.endpoint +
                    " is healthy: successfully committed proposal: took = " + health.took);
  }
  std::fprintf(stderr, "%s is unhealthy: failed to commit proposal: %s\n", health.endpoint.c_str(),
               health.error.c_str());
}

std::string health_json(const Health& health) {
  JsonObject object;
  object.text("endpoint", health.endpoint).boolean("health", health.healthy);
  object.text("took", health.took);
  if (!health.error.empty()) object.text("error", health.error);
  return object.finish();
}

}  // namespace

Result<std::unique_ptr<Client>> connect_to(Invocation& in, const std::string& endpoint) {
  ClientOptions options = in.client().options();
  options.endpoints = {endpoint};
  return Client::connect(std::move(options));
}

Exit chosen_endpoints(Invocation& in, std::vector<std::string>& endpoints) {
  if (!in.flags.boolean("cluster")) {
    endpoints = in.client().options().endpoints;
    return {};
  }
  pb::MemberListResponse members;
  Exit read = read_members(in.client(), true, members);
  if (!read.ok()) {
    read.message = "failed to fetch endpoints from etcd cluster member list: " + read.message;
    return read;
  }
  for (const pb::Member& member : members.members()) {
    endpoints.insert(endpoints.end(), member.clienturls().begin(), member.clienturls().end());
  }
  return {};
}

Exit run_endpoint_status(Invocation& in) {
  CTL_RETURN_IF_FAILED(in.connect());
  std::vector<std::string> endpoints;
  CTL_RETURN_IF_FAILED(chosen_endpoints(in, endpoints));
  std::vector<EndpointStatus> list;
  bool all = true;
  for (const std::string& endpoint : endpoints) {
    EndpointStatus item{endpoint, {}};
    Result<std::unique_ptr<Client>> client = connect_to(in, endpoint);
    const Status status =
        client.ok() ? (*client)->call(rpc::kStatus, {}, &item.status) : client.status();
    if (status.ok()) {
      list.push_back(std::move(item));
      continue;
    }
    all = false;
    std::fprintf(stderr, "Failed to get the status of endpoint %s (%s)\n", endpoint.c_str(),
                 status.message().c_str());
  }
  Rows rows;
  std::vector<std::string> objects;
  for (const EndpointStatus& item : list) {
    rows.push_back(row_of(item));
    objects.push_back(
        JsonObject().text("Endpoint", item.endpoint).raw("Status", to_json(item.status)).finish());
  }
  CTL_RETURN_IF_FAILED(emit_list(
      in.out,
      {"Endpoint", "ID", "Version", "Storage Version", "DB Size", "In Use", "Percentage not in use",
       "Quota", "Is Leader", "Is Learner", "Raft Term", "Raft Index", "Raft Applied Index",
       "Errors", "Downgrade Target Version", "Downgrade Enabled"},
      rows,
      [&](Output& out) {
        for (const EndpointStatus& item : list) status_fields(out, item);
      },
      objects));
  return {all ? kExitOk : kExitError};
}

Exit run_endpoint_health(Invocation& in) {
  ClientOptions common;
  CTL_RETURN_IF_FAILED(in.client_options(common));
  std::vector<std::string> endpoints = common.endpoints;
  if (in.flags.boolean("cluster")) {
    CTL_RETURN_IF_FAILED(in.connect());
    endpoints.clear();
    CTL_RETURN_IF_FAILED(chosen_endpoints(in, endpoints));
  }
  // All at once; those that answer first are printed first.
  std::mutex mutex;
  std::vector<Health> list;
  std::vector<std::future<void>> asked;
  for (const std::string& endpoint : endpoints) {
    asked.push_back(std::async(std::launch::async, [&, endpoint] {
      Health health = ask_health(common, endpoint);
      const std::lock_guard lock(mutex);
      list.push_back(std::move(health));
    }));
  }
  for (std::future<void>& one : asked) one.wait();
  Rows rows;
  std::vector<std::string> objects;
  for (const Health& health : list) {
    rows.push_back({health.endpoint, yes_no(health.healthy), health.took, health.error});
    objects.push_back(health_json(health));
  }
  CTL_RETURN_IF_FAILED(emit_list(
      in.out, {"Endpoint", "Health", "Took", "Error"}, rows,
      [&](Output& out) {
        for (const Health& health : list) {
          out.text_field("Endpoint", health.endpoint);
          out.flag_field("Health", health.healthy);
          out.field("Took", health.took);
          out.field("Error", health.error);
          out.line();
        }
      },
      objects,
      [&](Output& out) {
        for (const Health& health : list) print_health(out, health);
      }));
  const bool healthy =
      std::all_of(list.begin(), list.end(), [](const Health& h) { return h.healthy; });
  if (healthy) return {};
  return {kExitError, "unhealthy cluster"};
}

Exit run_endpoint_hashkv(Invocation& in) {
  CTL_RETURN_IF_FAILED(in.connect());
  std::vector<std::string> endpoints;
  CTL_RETURN_IF_FAILED(chosen_endpoints(in, endpoints));
  pb::HashKVRequest request;
  request.set_revision(in.flags.integer("rev"));
  std::vector<std::pair<std::string, pb::HashKVResponse>> list;
  Status last;
  for (const std::string& endpoint : endpoints) {
    pb::HashKVResponse response;
    Result<std::unique_ptr<Client>> client = connect_to(in, endpoint);
    const Status status =
        client.ok() ? (*client)->call(rpc::kHashKv, request, &response) : client.status();
    if (status.ok()) {
      list.emplace_back(endpoint, std::move(response));
      continue;
    }
    last = status;
    std::fprintf(stderr, "Failed to get the hash of endpoint %s (%s)\n", endpoint.c_str(),
                 status.message().c_str());
  }
  Rows rows;
  std::vector<std::string> objects;
  for (const auto& [endpoint, response] : list) {
    rows.push_back(
        {endpoint, std::to_string(response.hash()), std::to_string(response.hash_revision())});
    objects.push_back(
        JsonObject().text("Endpoint", endpoint).raw("HashKV", to_json(response)).finish());
  }
  CTL_RETURN_IF_FAILED(emit_list(
      in.out, {"Endpoint", "Hash", "Hash Revision"}, rows,
      [&](Output& out) {
        for (const auto& [endpoint, response] : list) {
          out.header_fields(response.header());
          out.text_field("Endpoint", endpoint);
          out.field("Hash", std::to_string(response.hash()));
          out.field("HashRevision", response.hash_revision());
          out.line();
        }
      },
      objects));
  CTL_RETURN_IF_ERROR(last);
  return {};
}

}  // namespace gatehouse::ctl
