// The gRPC session of the differential test, on stock gRPC C++: an independent client.
// Usage: PROGRAM HOST:PORT [MEMBER...], where MEMBER is the HOST:PORT of each member, if there are
// several.
#include <cstdio>

#include "tests/conformance/grpc_client/session.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s HOST:PORT [MEMBER...]\n", argv[0]);
    return 2;
  }
  using namespace gatehouse::conformance;
  Session session(argv[1], std::vector<std::string>(argv + 2, argv + argc));
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
