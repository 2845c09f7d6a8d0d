// The gRPC session of the differential test, on stock gRPC C++: an independent client.
// Usage: PROGRAM [--tls=AUTHORITY,CERTIFICATE,KEY] [--only=PART|--skip=PART,...] [--seed=N]
//                [--operations=N] [--revisions-apart] HOST:PORT [MEMBER...]
// MEMBER is the HOST:PORT of each member, if there are several.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {
namespace {

struct Part {
  std::string_view name;
  void (*run)(Session&);
};

constexpr Part kParts[] = {
    {"kv", run_kv},
    {"txn", run_transactions},
    {"range-rules", run_range_rules},
    {"bad-enums", run_bad_enums},
    {"txn-rules", run_txn_rules},
    {"watch", run_watch},
    {"watch-rules", run_watch_rules},
    {"lease", run_lease},
    {"lease-rules", run_lease_rules},
    {"lease-order", run_lease_order},
    {"lock", run_lock_and_election},
    {"membership", run_membership},
    {"maintenance", run_maintenance},
    {"transport", run_transport},
    {"compaction-rules", run_compaction_rules},
    {"auth", run_auth},
};

struct Arguments {
  std::vector<std::string> tls, skip, addresses;
  std::string only;
  uint64_t seed = 1;
  int operations = 1000;
  bool revisions_apart = false;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool parse(const std::vector<std::string>& words, Arguments& out) {
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (flag == "--tls") {
      out.tls = split(value);
    } else if (flag == "--skip") {
      out.skip = split(value);
    } else if (flag == "--only") {
      out.only = value;
    } else if (flag == "--seed") {
      out.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (flag == "--operations") {
      out.operations = std::atoi(value.c_str());
    } else if (word == "--revisions-apart") {
      out.revisions_apart = true;
    } else if (word.rfind("--", 0) == 0) {
      return false;
    } else {
      out.addresses.push_back(word);
    }
  }
  return !out.addresses.empty() && (out.tls.empty() || out.tls.size() == 3);
}

int run(const Arguments& arguments) {
  const auto& addresses = arguments.addresses;
  Session session(addresses[0], {addresses.begin() + 1, addresses.end()}, arguments.tls);
  if (arguments.revisions_apart) session.tell_revisions_apart();
  if (arguments.only == "random") {
    run_random(session, arguments.seed, arguments.operations);
    return 0;
  }
  if (arguments.only == "quota") {
    run_quota(session);
    return 0;
  }
  bool any = false;
  for (const Part& part : kParts) {
    if (!arguments.only.empty() ? part.name != arguments.only : contains(arguments.skip, part.name))
      continue;
    any = true;
    part.run(session);
  }
  return any ? 0 : 2;
}

}  // namespace
}  // namespace gatehouse::conformance

int main(int argc, char** argv) {
  gatehouse::conformance::Arguments arguments;
  if (!gatehouse::conformance::parse({argv + 1, argv + argc}, arguments)) {
    std::fprintf(stderr,
                 "usage: %s [--tls=AUTHORITY,CERTIFICATE,KEY] [--only=PART|--skip=PART,...] "
                 "[--seed=N] [--operations=N] [--revisions-apart] HOST:PORT [MEMBER...]\n",
                 argv[0]);
    return 2;
  }
  return gatehouse::conformance::run(arguments);
}
