// The answers that tell a member it has no place here. etcd's senders take any 403 for "you were
// removed" and stop the whole member: nothing else is answered so.
#pragma once

#include <optional>

#include "member/transport/peer_port.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {

// Nothing for a message that is taken.
inline std::optional<PeerPortHooks::Answer> refusal(Shared::Verdict verdict) {
  switch (verdict) {
    case Shared::Verdict::kTaken:
      return std::nullopt;
    case Shared::Verdict::kSenderRemoved:
      return PeerPortHooks::Answer{403, "application/json",
                                   R"({"message":"cannot process message from removed member"})"};
    case Shared::Verdict::kNotForUs:
      return PeerPortHooks::Answer{403, "application/json",
                                   R"({"message":"cannot process message to mismatch member"})"};
    case Shared::Verdict::kMalformed:
      return PeerPortHooks::Answer{400, "text/plain; charset=utf-8",
                                   "error unmarshalling raft message\n"};
    case Shared::Verdict::kStopping:
      return PeerPortHooks::Answer{503, "text/plain; charset=utf-8", "the member is stopping\n"};
  }
  return std::nullopt;
}

}  // namespace gatehouse::transport
