#include <chrono>
#include <cstdio>

#include "common/base/duration.h"
#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "ctl/member_list.h"
#include "ctl/methods.h"
#include "ctl/progress.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

Look look_of(const pb::AlarmResponse& response) {
  return {.simple =
              [&response](Output& out) {
                for (const pb::AlarmMember& alarm : response.alarms()) {
                  out.line("memberID:" + std::to_string(alarm.memberid()) +
                           "  alarm:" + pb::AlarmType_Name(alarm.alarm()));
                }
              },
          .fields =
              [&response](Output& out) {
                out.header_fields(response.header());
                for (const pb::AlarmMember& alarm : response.alarms()) {
                  out.field("MemberID", alarm.memberid());
                  out.field("AlarmType", pb::AlarmType_Name(alarm.alarm()));
                  out.line();
                }
              }};
}

Exit change_release(Invocation& in, pb::DowngradeRequest::DowngradeAction action,
                    const std::string& name) {
  pb::DowngradeRequest request;
  request.set_action(action);
  if (action != pb::DowngradeRequest::CANCEL) {
    if (in.words.empty()) return bad_arguments("TARGET_VERSION not provided");
    if (in.words.size() > 1) return bad_arguments("too many arguments");
    request.set_version(in.words[0]);
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::DowngradeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kDowngrade, request, &response));
  return emit(in.out, response, {.simple = [&](Output& out) {
                out.line("Downgrade " + name + " success, cluster version " + response.version());
              }});
}

std::string brackets(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : " ") + item;
  return "[" + text + "]";
}

}  // namespace

Exit run_alarm_list(Invocation& in) {
  if (!in.words.empty()) return bad_arguments("alarm list command accepts no arguments");
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AlarmResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kAlarm, {}, &response));
  return emit(in.out, response, look_of(response));
}

// One after the other, each by its member; the answer is those, without a header.
Exit run_alarm_disarm(Invocation& in) {
  if (!in.words.empty()) return bad_arguments("alarm disarm command accepts no arguments");
  CTL_RETURN_IF_FAILED(in.connect());
  pb::AlarmResponse alarms;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kAlarm, {}, &alarms));
  pb::AlarmResponse disarmed;
  for (const pb::AlarmMember& alarm : alarms.alarms()) {
    pb::AlarmRequest request;
    request.set_action(pb::AlarmRequest::DEACTIVATE);
    request.set_memberid(alarm.memberid());
    request.set_alarm(alarm.alarm());
    pb::AlarmResponse response;
    CTL_RETURN_IF_ERROR(in.client().call(rpc::kAlarm, request, &response));
    disarmed.mutable_alarms()->MergeFrom(response.alarms());
  }
  return emit(in.out, disarmed, look_of(disarmed));
}

Exit run_defrag(Invocation& in) {
  if (in.flags.given("data-dir")) return run_defrag_directory(in);
  CTL_RETURN_IF_FAILED(in.connect());
  std::vector<std::string> endpoints;
  CTL_RETURN_IF_FAILED(chosen_endpoints(in, endpoints));
  bool all = true;
  for (const std::string& endpoint : endpoints) {
    const auto start = std::chrono::steady_clock::now();
    pb::DefragmentResponse response;
    Result<std::unique_ptr<Client>> client = connect_to(in, endpoint);
    Status status = client.status();
    if (client.ok()) {
      const Waiting waiting("defragmenting " + endpoint);
      status = (*client)->call(rpc::kDefragment, {}, &response);
    }
    const std::string took = format_duration(std::chrono::steady_clock::now() - start);
    if (status.ok()) {
      in.out.line("Finished defragmenting etcd member[" + endpoint + "]. took " + took);
      in.out.flush();
      continue;
    }
    all = false;
    std::fprintf(stderr, "Failed to defragment etcd member[%s]. took %s. (%s)\n", endpoint.c_str(),
                 took.c_str(), status.message().c_str());
  }
  return {all ? kExitOk : kExitError};
}

Exit run_move_leader(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("move-leader command needs 1 argument");
  pb::MoveLeaderRequest request;
  uint64_t target = 0;
  const Status parsed = parse_uint(in.words[0], 16, target);
  if (!parsed.ok()) return bad_arguments(parsed.message());
  request.set_targetid(target);
  CTL_RETURN_IF_FAILED(in.connect());
  for (const std::string& endpoint : in.client().options().endpoints) {
    Result<std::unique_ptr<Client>> client = connect_to(in, endpoint);
    CTL_RETURN_IF_ERROR(client.status());
    pb::StatusResponse status;
    CTL_RETURN_IF_ERROR((*client)->call(rpc::kStatus, {}, &status));
    const uint64_t member = status.header().member_id();
    if (status.leader() != member) continue;
    pb::MoveLeaderResponse response;
    CTL_RETURN_IF_ERROR((*client)->call(rpc::kMoveLeader, request, &response));
    return emit(in.out, response, {.simple = [&](Output& out) {
                  out.line("Leadership transferred from " + hex(member) + " to " + hex(target));
                }});
  }
  return bad_arguments("no leader endpoint given at " + brackets(in.client().options().endpoints));
}

Exit run_downgrade_validate(Invocation& in) {
  return change_release(in, pb::DowngradeRequest::VALIDATE, "validate");
}
Exit run_downgrade_enable(Invocation& in) {
  return change_release(in, pb::DowngradeRequest::ENABLE, "enable");
}
Exit run_downgrade_cancel(Invocation& in) {
  return change_release(in, pb::DowngradeRequest::CANCEL, "cancel");
}

}  // namespace gatehouse::ctl
