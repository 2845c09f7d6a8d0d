#include "ctl/kv.h"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <thread>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

constexpr std::chrono::seconds kTimeToInterrupt{2};
constexpr const char* kOneOfBoth =
    "`--prefix` and `--from-key` cannot be set at the same time, choose one";
constexpr const char* kOnlyOneWord =
    "too many arguments, only accept one argument when `--prefix` or `--from-key` is set";

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// --prefix, --from-key or a second word. `end` stays empty for a single key.
Exit range_of(const FlagValues& flags, const std::vector<std::string>& words, std::string& key,
              std::string& end) {
  const bool prefix = flags.boolean("prefix");
  const bool from_key = flags.boolean("from-key");
  key = words[0];
  if (words.size() > 1) {
    if (prefix || from_key) return bad_arguments(kOnlyOneWord);
    end = words[1];
    return {};
  }
  if (prefix) prefix_range(key, end);
  if (from_key) from_key_range(key, end);
  return {};
}

Exit sort_of(const FlagValues& flags, pb::RangeRequest& request) {
  const std::string order = upper(flags.text("order"));
  const std::string target = upper(flags.text("sort-by"));
  if (order == "ASCEND") {
    request.set_sort_order(pb::RangeRequest::ASCEND);
  } else if (order == "DESCEND") {
    request.set_sort_order(pb::RangeRequest::DESCEND);
  } else if (!order.empty()) {
    return bad_feature("bad sort order " + flags.text("order"));
  }
  if (target == "CREATE") {
    request.set_sort_target(pb::RangeRequest::CREATE);
  } else if (target == "MODIFY") {
    request.set_sort_target(pb::RangeRequest::MOD);
  } else if (target == "VALUE") {
    request.set_sort_target(pb::RangeRequest::VALUE);
  } else if (target == "VERSION") {
    request.set_sort_target(pb::RangeRequest::VERSION);
  } else if (!target.empty() && target != "KEY") {
    return bad_feature("bad sort target " + flags.text("sort-by"));
  }
  // Keys come in order anyway.
  if (request.sort_target() == pb::RangeRequest::KEY &&
      request.sort_order() == pb::RangeRequest::ASCEND) {
    request.set_sort_order(pb::RangeRequest::NONE);
  }
  return {};
}

Exit run_stream(Invocation& in, const pb::RangeRequest& request) {
  const auto stream = in.client().open(rpc::kRangeStream, false, Wait::kCommandTimeout);
  stream->write(request);
  stream->writes_done();
  const bool at_once = in.out.format == Format::kSimple;
  const bool value_only = in.flags.boolean("print-value-only");
  pb::RangeResponse whole;
  pb::RangeStreamResponse chunk;
  while (stream->read(&chunk)) {
    if (at_once) {
      for (const mvccpb::KeyValue& pair : chunk.range_response().kvs()) {
        print_pair(in.out, pair, value_only);
      }
    } else {
      whole.MergeFrom(chunk.range_response());
    }
  }
  CTL_RETURN_IF_ERROR(stream->finish());
  return at_once ? Exit{} : emit(in.out, whole, look_of(whole));
}

}  // namespace

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::string(1, '\0');
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

void prefix_range(std::string& key, std::string& end) {
  end = prefix_end(key);
  if (key.empty()) key.assign(1, '\0');
}
void from_key_range(std::string& key, std::string& end) {
  end.assign(1, '\0');
  if (key.empty()) key.assign(1, '\0');
}

Status parse_lease(std::string_view text, int64_t& id) { return parse_int(text, 16, id); }

Exit get_request(const FlagValues& flags, const std::vector<std::string>& words,
                 pb::RangeRequest& request) {
  if (words.empty()) {
    return bad_arguments(
        "get command needs one argument as key and an optional argument as range_end");
  }
  if (flags.boolean("prefix") && flags.boolean("from-key")) return bad_arguments(kOneOfBoth);
  if (flags.boolean("keys-only") && flags.boolean("count-only")) {
    return bad_arguments(
        "`--keys-only` and `--count-only` cannot be set at the same time, choose one");
  }
  const std::string& consistency = flags.text("consistency");
  if (consistency == "s") {
    request.set_serializable(true);
  } else if (consistency != "l") {
    return bad_feature("unknown consistency flag " + go_quote(consistency));
  }
  CTL_RETURN_IF_FAILED(
      range_of(flags, words, *request.mutable_key(), *request.mutable_range_end()));
  request.set_limit(flags.integer("limit"));
  request.set_revision(flags.integer("rev"));
  CTL_RETURN_IF_FAILED(sort_of(flags, request));
  request.set_keys_only(flags.boolean("keys-only"));
  request.set_count_only(flags.boolean("count-only"));
  request.set_min_create_revision(flags.integer("min-create-rev"));
  request.set_max_create_revision(flags.integer("max-create-rev"));
  request.set_min_mod_revision(flags.integer("min-mod-rev"));
  request.set_max_mod_revision(flags.integer("max-mod-rev"));
  return {};
}

Exit put_request(const FlagValues& flags, const std::vector<std::string>& words,
                 std::istream* input, pb::PutRequest& request) {
  constexpr const char* kWords = "put command needs 1 argument and input from stdin or 2 arguments";
  if (words.empty()) return bad_arguments(kWords);
  request.set_key(words[0]);
  request.set_ignore_value(flags.boolean("ignore-value"));
  request.set_ignore_lease(flags.boolean("ignore-lease"));
  request.set_prev_kv(flags.boolean("prev-kv"));
  if (request.ignore_value()) {
    if (words.size() > 1) {
      return bad_arguments("put command needs only 1 argument when 'ignore-value' is set");
    }
  } else if (words.size() > 1) {
    request.set_value(words[1]);
  } else {
    if (input != nullptr) {
      request.set_value(std::string(std::istreambuf_iterator<char>(*input), {}));
    }
    if (request.value().empty()) return bad_arguments(kWords);
  }
  int64_t lease = 0;
  const Status status = parse_lease(flags.text("lease"), lease);
  if (!status.ok()) {
    return bad_arguments("bad lease ID (" + status.message() + "), expecting ID in Hex");
  }
  request.set_lease(lease);
  return {};
}

Exit del_request(const FlagValues& flags, const std::vector<std::string>& words,
                 pb::DeleteRangeRequest& request) {
  if (flags.boolean("prefix") && flags.boolean("from-key")) return bad_arguments(kOneOfBoth);
  if (words.empty() || words.size() > 2) {
    return bad_arguments(
        "del command needs one argument as key and an optional argument as range_end");
  }
  CTL_RETURN_IF_FAILED(
      range_of(flags, words, *request.mutable_key(), *request.mutable_range_end()));
  request.set_prev_kv(flags.boolean("prev-kv"));
  if (words.size() == 2 && !flags.boolean("range")) {
    std::fprintf(stderr,
                 "Warning: Keys between %s and %s will be deleted. Please interrupt the command "
                 "within next 2 seconds to cancel. You can provide `--range` flag to avoid the "
                 "delay.\n",
                 go_quote(words[0]).c_str(), go_quote(words[1]).c_str());
    std::this_thread::sleep_for(kTimeToInterrupt);
  }
  return {};
}

void print_pair(Output& out, const mvccpb::KeyValue& pair, bool value_only) {
  if (!value_only) out.line(out.shown(pair.key()));
  out.line(out.shown(pair.value()));
}

void pair_fields(Output& out, const std::string& prefix, const mvccpb::KeyValue& pair) {
  out.text_field(prefix + "Key", pair.key());
  out.field(prefix + "CreateRevision", pair.create_revision());
  out.field(prefix + "ModRevision", pair.mod_revision());
  out.field(prefix + "Version", pair.version());
  out.text_field(prefix + "Value", pair.value());
  out.lease_field(prefix + "Lease", pair.lease());
}

Look look_of(const pb::RangeResponse& response, bool value_only) {
  return {.simple =
              [&response, value_only](Output& out) {
                for (const mvccpb::KeyValue& pair : response.kvs()) {
                  print_pair(out, pair, value_only);
                }
              },
          .fields =
              [&response](Output& out) {
                out.header_fields(response.header());
                for (const mvccpb::KeyValue& pair : response.kvs()) pair_fields(out, "", pair);
                out.flag_field("More", response.more());
                out.field("Count", response.count());
              }};
}

Look look_of(const pb::PutResponse& response) {
  return {.simple =
              [&response](Output& out) {
                out.line("OK");
                if (response.has_prev_kv()) print_pair(out, response.prev_kv());
              },
          .fields =
              [&response](Output& out) {
                out.header_fields(response.header());
                if (response.has_prev_kv()) pair_fields(out, "Prev", response.prev_kv());
              }};
}

Look look_of(const pb::DeleteRangeResponse& response) {
  return {.simple =
              [&response](Output& out) {
                out.line(std::to_string(response.deleted()));
                for (const mvccpb::KeyValue& pair : response.prev_kvs()) print_pair(out, pair);
              },
          .fields =
              [&response](Output& out) {
                out.header_fields(response.header());
                out.field("Deleted", response.deleted());
                for (const mvccpb::KeyValue& pair : response.prev_kvs()) {
                  pair_fields(out, "Prev", pair);
                }
              }};
}

Exit run_get(Invocation& in) {
  pb::RangeRequest request;
  CTL_RETURN_IF_FAILED(get_request(in.flags, in.words, request));
  CTL_RETURN_IF_FAILED(in.connect());
  if (request.count_only() && in.out.format != Format::kFields) {
    return bad_arguments("--count-only is only for `--write-out=fields`");
  }
  const bool value_only = in.flags.boolean("print-value-only");
  if (value_only && in.out.format != Format::kSimple) {
    return bad_arguments("print-value-only is only for `--write-out=simple`");
  }
  if (in.flags.boolean("stream")) return run_stream(in, request);
  pb::RangeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRange, request, &response));
  return emit(in.out, response, look_of(response, value_only));
}

Exit run_put(Invocation& in) {
  pb::PutRequest request;
  CTL_RETURN_IF_FAILED(put_request(in.flags, in.words, &std::cin, request));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::PutResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kPut, request, &response));
  return emit(in.out, response, look_of(response));
}

Exit run_del(Invocation& in) {
  pb::DeleteRangeRequest request;
  CTL_RETURN_IF_FAILED(del_request(in.flags, in.words, request));
  CTL_RETURN_IF_FAILED(in.connect());
  pb::DeleteRangeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kDeleteRange, request, &response));
  return emit(in.out, response, look_of(response));
}

}  // namespace gatehouse::ctl
