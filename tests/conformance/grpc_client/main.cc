// The gRPC session of the differential test, on stock gRPC C++: an independent client.
// Usage: PROGRAM [--tls=AUTHORITY,CERTIFICATE,KEY] HOST:PORT [MEMBER...], where MEMBER is the
// HOST:PORT of each member, if there are several.
#include <cstdio>
#include <sstream>

#include "tests/conformance/grpc_client/session.h"

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc), tls;
  if (!words.empty() && words[0].rfind("--tls=", 0) == 0) {
    std::istringstream files(words[0].substr(6));
    for (std::string file; std::getline(files, file, ',');) tls.push_back(file);
    words.erase(words.begin());
  }
  if (words.empty() || (!tls.empty() && tls.size() != 3)) {
    std::fprintf(stderr, "usage: %s [--tls=AUTHORITY,CERTIFICATE,KEY] HOST:PORT [MEMBER...]\n",
                 argv[0]);
    return 2;
  }
  using namespace gatehouse::conformance;
  Session session(words[0], {words.begin() + 1, words.end()}, tls);
  run_kv(session);
  run_transactions(session);
  run_watch(session);
  run_lease(session);
  run_lock_and_election(session);
  run_cluster_and_maintenance(session);
  run_transport(session);
  run_auth(session);
  return 0;
}
