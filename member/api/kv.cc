#include "member/api/services.h"

namespace gatehouse::api {

void add_kv(rpc::Server& server, Context& context) {
  add_kv_reads(server, context);
  add_kv_writes(server, context);
}

}  // namespace gatehouse::api
