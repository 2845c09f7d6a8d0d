#include <cstdio>
#include <iostream>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/kv.h"
#include "ctl/methods.h"
#include "ctl/txn_language.h"
#include "ctl/words.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

// The lines up to an empty one. A line that the input ends in counts as cut off.
template <typename Parse>
Exit read_section(Parse parse) {
  std::string line;
  while (std::getline(std::cin, line) && !std::cin.eof()) {
    const std::string_view text = trimmed(line);
    if (text.empty()) return {};
    CTL_RETURN_IF_FAILED(parse(text));
  }
  return invalid_input("EOF");
}

Exit read_txn(Invocation& in, pb::TxnRequest& request) {
  const auto prompt = [&](std::string_view text) {
    if (!in.flags.boolean("interactive")) return;
    in.out.line(text);
    in.out.flush();
  };
  prompt("compares:");
  CTL_RETURN_IF_FAILED(read_section(
      [&](std::string_view line) { return parse_compare(line, *request.add_compare()); }));
  prompt("success requests (get, put, del):");
  CTL_RETURN_IF_FAILED(read_section(
      [&](std::string_view line) { return parse_request(line, *request.add_success()); }));
  prompt("failure requests (get, put, del):");
  return read_section(
      [&](std::string_view line) { return parse_request(line, *request.add_failure()); });
}

Look look_of_op(const pb::ResponseOp& op) {
  switch (op.response_case()) {
    case pb::ResponseOp::kResponseRange:
      return look_of(op.response_range());
    case pb::ResponseOp::kResponsePut:
      return look_of(op.response_put());
    case pb::ResponseOp::kResponseDeleteRange:
      return look_of(op.response_delete_range());
    default:
      return {.simple = [](Output&) {}, .fields = [](Output&) {}};
  }
}

}  // namespace

Exit run_txn(Invocation& in) {
  if (!in.words.empty()) return bad_arguments("txn command does not accept argument");
  pb::TxnRequest request;
  CTL_RETURN_IF_FAILED(read_txn(in, request));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::TxnResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kTxn, request, &response));
  return emit(in.out, response,
              {.simple =
                   [&](Output& out) {
                     out.line(response.succeeded() ? "SUCCESS" : "FAILURE");
                     for (const pb::ResponseOp& op : response.responses()) {
                       out.line();
                       look_of_op(op).simple(out);
                     }
                   },
               .fields =
                   [&](Output& out) {
                     out.header_fields(response.header());
                     out.flag_field("Succeeded", response.succeeded());
                     for (const pb::ResponseOp& op : response.responses())
                       look_of_op(op).fields(out);
                   }});
}

}  // namespace gatehouse::ctl
