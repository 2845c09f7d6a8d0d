// Small change of the peer port: answers as Go's net/http words them, and requests whose body is
// gathered before anything happens.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/unique_function.h"
#include "common/http/exchange.h"
#include "member/transport/peer_port.h"

namespace gatehouse::transport {

// The fields of an answer; with the cluster's id where `cluster_id` is not empty.
http::Headers answer_headers(std::string_view content_type, std::string_view cluster_id);

// Answers in full. What follows of the request is dropped.
void answer(http::ServerStream& stream, const PeerPortHooks::Answer& what,
            std::string_view cluster_id);
// A line of text: `text` and a newline.
void refuse(http::ServerStream& stream, int status, std::string_view text,
            std::string_view cluster_id, std::string_view allow = {});

// For requests that are answered already.
std::unique_ptr<http::StreamHandler> nothing_more();

// Gathers up to `max_bytes`, then calls `then`; a longer body is answered by `status_if_longer`.
std::unique_ptr<http::StreamHandler> with_body(
    http::ServerStream& stream, size_t max_bytes, int status_if_longer, std::string cluster_id,
    UniqueFunction<void(std::string body, PeerPortHooks::Reply reply)> then);

}  // namespace gatehouse::transport
