#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {

Exit run_compaction(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("compaction command needs 1 argument");
  int64_t revision = 0;
  CTL_RETURN_IF_ERROR(parse_int(in.words[0], 10, revision));
  CTL_RETURN_IF_FAILED(in.connect());
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  request.set_physical(in.flags.boolean("physical"));
  etcdserverpb::CompactionResponse response;
  // Removing much from the disk takes its time.
  const Wait wait = request.physical() ? Wait::kForever : Wait::kCommandTimeout;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kCompact, request, &response, wait));
  in.out.line("compacted revision " + std::to_string(revision));
  return {};
}

}  // namespace gatehouse::ctl
