#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/member_list.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

Exit member_argument(const std::string& word, uint64_t& id) {
  const Status status = parse_uint(word, 16, id);
  if (status.ok()) return {};
  return bad_arguments("bad member ID arg (" + status.message() + "), expecting ID in Hex");
}

Exit one_member(const Invocation& in, uint64_t& id) {
  if (in.words.size() != 1) return bad_arguments("member ID is not provided");
  return member_argument(in.words[0], id);
}

// --peer-urls; what is no URL is refused before anyone is asked.
Exit peer_urls(const Invocation& in, google::protobuf::RepeatedPtrField<std::string>& urls) {
  const std::string& text = in.flags.text("peer-urls");
  if (text.empty()) return bad_arguments("member peer urls not provided");
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    *urls.Add() = text.substr(from, comma - from);
    from = comma + 1;
  }
  for (const std::string& url : urls) {
    const std::string scheme = url.substr(0, url.find("://"));
    if (scheme != "http" && scheme != "https" && scheme != "unix" && scheme != "unixs") {
      return {kExitError, "URL scheme must be http, https, unix, or unixs: " + url};
    }
  }
  return {};
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ",") + text;
  return list;
}

std::vector<std::string> row_of(const pb::Member& member) {
  return {hex(member.id()),
          member.name().empty() ? "unstarted" : "started",
          member.name(),
          joined(member.peerurls()),
          joined(member.clienturls()),
          member.islearner() ? "true" : "false"};
}

std::string member_in_cluster(uint64_t id, const std::string& what,
                              const pb::ResponseHeader& header) {
  return "Member " + hex_padded(id) + " " + what + " cluster " + hex_padded(header.cluster_id());
}

// What the new member is to be started with.
void print_start_environment(Output& out, const pb::MemberAddResponse& response,
                             const std::string& name) {
  std::string cluster;
  for (const pb::Member& member : response.members()) {
    const std::string& known = member.id() == response.member().id() ? name : member.name();
    for (const std::string& url : member.peerurls()) {
      cluster += (cluster.empty() ? "" : ",") + known + "=" + url;
    }
  }
  out.line();
  out.line("ETCD_NAME=" + go_quote(name));
  out.line("ETCD_INITIAL_CLUSTER=" + go_quote(cluster));
  out.line("ETCD_INITIAL_ADVERTISE_PEER_URLS=" + go_quote(joined(response.member().peerurls())));
  out.line("ETCD_INITIAL_CLUSTER_STATE=\"existing\"");
}

}  // namespace

Exit read_members(Client& client, bool linearizable, pb::MemberListResponse& response) {
  pb::MemberListRequest request;
  request.set_linearizable(linearizable);
  CTL_RETURN_IF_ERROR(client.call(rpc::kMemberList, request, &response));
  return {};
}

Exit run_member_add(Invocation& in) {
  if (in.words.empty()) return bad_arguments("member name not provided");
  if (in.words.size() > 1) {
    const std::string& extra = in.words[1];
    const bool url = extra.find("://") != std::string::npos;
    return bad_arguments("too many arguments" + (url ? ", did you mean --peer-urls=" + extra : ""));
  }
  pb::MemberAddRequest request;
  CTL_RETURN_IF_FAILED(peer_urls(in, *request.mutable_peerurls()));
  request.set_islearner(in.flags.boolean("learner"));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::MemberAddResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kMemberAdd, request, &response));
  return emit(in.out, response,
              {.simple =
                   [&](Output& out) {
                     const char* what = request.islearner() ? "added as learner to" : "added to";
                     out.line(member_in_cluster(response.member().id(), what, response.header()));
                     print_start_environment(out, response, in.words[0]);
                   },
               .hex_ids = true});
}

Exit run_member_remove(Invocation& in) {
  pb::MemberRemoveRequest request;
  uint64_t id = 0;
  CTL_RETURN_IF_FAILED(one_member(in, id));
  request.set_id(id);
  CTL_RETURN_IF_FAILED(in.connect());
  pb::MemberRemoveResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kMemberRemove, request, &response));
  return emit(
      in.out, response,
      {.simple =
           [&](Output& out) { out.line(member_in_cluster(id, "removed from", response.header())); },
       .hex_ids = true});
}

Exit run_member_update(Invocation& in) {
  pb::MemberUpdateRequest request;
  uint64_t id = 0;
  CTL_RETURN_IF_FAILED(one_member(in, id));
  CTL_RETURN_IF_FAILED(peer_urls(in, *request.mutable_peerurls()));
  request.set_id(id);
  CTL_RETURN_IF_FAILED(in.connect());
  pb::MemberUpdateResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kMemberUpdate, request, &response));
  return emit(
      in.out, response,
      {.simple =
           [&](Output& out) { out.line(member_in_cluster(id, "updated in", response.header())); },
       .hex_ids = true});
}

Exit run_member_promote(Invocation& in) {
  pb::MemberPromoteRequest request;
  uint64_t id = 0;
  CTL_RETURN_IF_FAILED(one_member(in, id));
  request.set_id(id);
  CTL_RETURN_IF_FAILED(in.connect());
  pb::MemberPromoteResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kMemberPromote, request, &response));
  return emit(
      in.out, response,
      {.simple =
           [&](Output& out) { out.line(member_in_cluster(id, "promoted in", response.header())); },
       .hex_ids = true});
}

Exit run_member_list(Invocation& in) {
  const std::string& consistency = in.flags.text("consistency");
  if (consistency != "l" && consistency != "s") {
    return bad_feature("unknown consistency flag \"l\"");  // the words of etcdctl 3.7.1
  }
  CTL_RETURN_IF_FAILED(in.connect());
  pb::MemberListResponse response;
  CTL_RETURN_IF_FAILED(read_members(in.client(), consistency == "l", response));
  return emit(
      in.out, response,
      {.simple =
           [&](Output& out) {
             for (const pb::Member& member : response.members()) {
               std::string line;
               for (const std::string& cell : row_of(member)) line += cell + ", ";
               out.line(line.substr(0, line.size() - 2));
             }
           },
       .fields =
           [&](Output& out) {
             out.header_fields(response.header());
             for (const pb::Member& member : response.members()) {
               out.id_field("ID", member.id());
               out.text_field("Name", member.name());
               for (const auto& url : member.peerurls()) out.text_field("PeerURL", url);
               for (const auto& url : member.clienturls()) out.text_field("ClientURL", url);
               out.flag_field("IsLearner", member.islearner());
               out.line();
             }
           },
       .table =
           [&](Output& out) {
             std::vector<std::vector<std::string>> rows;
             for (const pb::Member& member : response.members()) {
               rows.push_back(row_of(member));
             }
             out.write(draw_table(
                 {"ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"}, rows));
           },
       .hex_ids = true});
}

}  // namespace gatehouse::ctl
