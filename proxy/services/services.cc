#include "proxy/services/services.h"

#include "proxy/services/kv.h"
#include "proxy/services/member_list.h"
#include "proxy/services/methods.h"

namespace gatehouse::services {

namespace {

// What a client must not read older than, or what makes the mirrors fall silent.
Observer observer_of(const Rpc& rpc, mirror::Reader* reader) {
  if (reader == nullptr || rpc.kind != rpc::MethodKind::kUnary) return nullptr;
  if (rpc.name == "AuthEnable") {
    return [reader](const rpc::ServerCall&, std::string_view) { reader->mirrors().suspect(); };
  }
  if (rpc.repeat == upstream::Repeat::kNever) return floor_raiser(*reader);
  return nullptr;
}

}  // namespace

void add_services(rpc::Server& server, upstream::Upstream& upstream, const Options& options,
                  KeepAlives& keep_alives, FromMirrors* mirrors) {
  for (const Rpc& rpc : all_rpcs()) {
    if (mirrors != nullptr && rpc.service == "etcdserverpb.KV" && rpc.name == "Range") {
      add_range(server, mirrors->reader, mirrors->misses);
      continue;
    }
    if (mirrors != nullptr && rpc.service == "etcdserverpb.KV" && rpc.name == "Compact") {
      add_compact(server, upstream, mirrors->reader, options.limits);
      continue;
    }
    if (mirrors != nullptr && rpc.name == "Watch") {
      mirrors->watch.add_to(server);
      continue;
    }
    if (rpc.name == "LeaseKeepAlive") {
      keep_alives.add_to(server);
      continue;
    }
    Transform transform;
    if (rpc.name == "MemberList" && !options.advertise_client_url.empty()) {
      transform = [url = options.advertise_client_url](std::string_view response) {
        return replace_client_urls(response, url);
      };
    }
    add_passthrough(server, upstream, rpc, options.limits, std::move(transform),
                    observer_of(rpc, mirrors != nullptr ? &mirrors->reader : nullptr));
  }
}

}  // namespace gatehouse::services
