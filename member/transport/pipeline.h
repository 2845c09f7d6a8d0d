// Pipeline: single messages by POST, four at a time, for a peer whose streams are down and for
// remotes.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "member/raft/types.h"
#include "member/transport/exchange.h"
#include "member/transport/link.h"

namespace gatehouse::transport {

class Pipeline {
 public:
  static constexpr size_t kPosts = 4;

  explicit Pipeline(Link& link);
  ~Pipeline();

  // Dropped and reported when too many wait.
  void send(raft::Message message);
  void stop();

 private:
  class Post;

  void next(Post& post);
  void succeeded();
  void lost(const std::string& url, const Status& why);

  Link& link_;
  std::deque<raft::Message> queue_;
  std::array<std::unique_ptr<Post>, kPosts> posts_;
};

// What an answer to a POST of the peer protocol means: OK for 204. A 403 says that this member was
// removed and is reported.
Status judge_answer(Link& link, int status, std::string_view body);

}  // namespace gatehouse::transport
