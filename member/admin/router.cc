#include "member/admin/router.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace gatehouse::admin {

namespace {

// Answers that say nothing of origins.
const web::Cors& no_cors() {
  static const web::Cors cors({});
  return cors;
}

// "host:port", "[::1]:port" and the two without a port.
std::string_view host_of(const http::RequestHead& head) {
  std::string_view host = head.authority;
  if (host.empty()) host = head.headers.get("host").value_or("");
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const size_t colon = host.find(':');
  return colon != std::string_view::npos && colon == host.rfind(':') ? host.substr(0, colon) : host;
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

web::Answer misdirected(std::string_view host) {
  std::string text = "The Host header of this request is none that this member answers to.\n\n";
  text += "Use TLS, where any name will do, or allow the name:\n  --host-whitelist \"";
  text.append(host);
  text += "\"\n\nThis keeps web pages from reaching etcd by DNS rebinding (CVE-2018-5702).";
  return web::text_error(421, text);
}

// As Go's mux, which tells a browser where it meant to go.
web::Answer moved(std::string_view to) {
  web::Answer answer;
  answer.status = 301;
  answer.content_type = "text/html; charset=utf-8";
  answer.headers.add("location", to);
  answer.body = "<a href=\"" + std::string(to) + "\">Moved Permanently</a>.\n\n";
  return answer;
}

}  // namespace

std::unique_ptr<http::StreamHandler> Router::start(http::ServerStream& stream, Surface surface) {
  const http::RequestHead& head = stream.request();
  const auto answer = [&](const web::Answer& with, const web::Cors& cors) {
    return web::answer_now(stream, with, cors);
  };
  const web::Answer not_found = web::text_error(404, "404 page not found");
  if (surface == Surface::kMetrics) {
    if (auto handler = paths_.start(stream, no_cors(), /*metrics_surface=*/true)) return handler;
    return answer(not_found, no_cors());
  }
  if (surface == Surface::kGrpcOnly ||
      (surface == Surface::kAll && rpc::Server::is_grpc(head))) {
    return grpc_.start(stream, executor_);
  }

  // The order is etcd's: what is refused up to here names no origins.
  if (!host_allowed(stream)) return answer(misdirected(host_of(head)), no_cors());
  if (name_would_be_lost(stream)) {
    return answer(web::text_error(400,
                                  "CommonName of client sending a request against gateway will be "
                                  "ignored and not used as expected"),
                  no_cors());
  }
  if (head.method == "OPTIONS") {
    web::Answer nothing;
    nothing.content_type = "";
    return answer(nothing, cors_);
  }
  const std::string_view path = web::path_of(head);
  if (gateway_ != nullptr) {
    if (gateway::Gateway::is_for(path)) return gateway_->start(stream);
    if (path == "/v3" || path == "/v3beta" || path == "/v3alpha") {
      return answer(moved(std::string(path) + "/"), cors_);
    }
  }
  if (auto handler = paths_.start(stream, cors_, /*metrics_surface=*/false)) return handler;
  return answer(not_found, cors_);
}

bool Router::host_allowed(const http::ServerStream& stream) const {
  if (stream.peer().tls || access_.hosts.empty() || contains(access_.hosts, "*")) return true;
  return contains(access_.hosts, host_of(stream.request()));
}

// The gateway's calls do not carry the client's certificate. One who has a name there and a cluster
// that asks for names must not take silence for consent.
bool Router::name_would_be_lost(const http::ServerStream& stream) const {
  const env::PeerInfo& peer = stream.peer();
  return access_.client_cert_auth && gateway_ != nullptr && peer.tls && peer.certificate_verified &&
         !peer.certificate_common_name.empty() && state_.auth_enabled() &&
         gateway::Gateway::is_for(web::path_of(stream.request()));
}

}  // namespace gatehouse::admin
