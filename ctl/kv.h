// get, put and del: their requests, which txn builds too, and their looks.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "ctl/command.h"
#include "ctl/flags.h"
#include "ctl/output.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

// The flags of each; txn parses them in its lines.
const std::vector<Flag>& get_flags();
const std::vector<Flag>& put_flags();
const std::vector<Flag>& del_flags();

// From a command's flags and words. A put without a value reads it from `input`, all of it; null:
// it needs one.
Exit get_request(const FlagValues& flags, const std::vector<std::string>& words,
                 etcdserverpb::RangeRequest& request);
Exit put_request(const FlagValues& flags, const std::vector<std::string>& words,
                 std::istream* input, etcdserverpb::PutRequest& request);
// Warns, and waits for two seconds, before a range without --range.
Exit del_request(const FlagValues& flags, const std::vector<std::string>& words,
                 etcdserverpb::DeleteRangeRequest& request);

void print_pair(Output& out, const mvccpb::KeyValue& pair, bool value_only = false);
void pair_fields(Output& out, const std::string& prefix, const mvccpb::KeyValue& pair);

Look look_of(const etcdserverpb::RangeResponse& response, bool value_only = false);
Look look_of(const etcdserverpb::PutResponse& response);
Look look_of(const etcdserverpb::DeleteRangeResponse& response);

// The end of the range of all keys with that prefix; "\0" when there is none.
std::string prefix_end(std::string_view prefix);
// The range that --prefix or --from-key makes of a key.
void prefix_range(std::string& key, std::string& end);
void from_key_range(std::string& key, std::string& end);

// A lease id: hexadecimal. InvalidArgument in strconv's words.
Status parse_lease(std::string_view text, int64_t& id);

}  // namespace gatehouse::ctl
