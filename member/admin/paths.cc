#include "member/admin/paths.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "common/rpc/gzip.h"
#include "common/transcode/envelope.h"
#include "common/ui/page.h"
#include "member/admin/health.h"

namespace gatehouse::admin {

namespace {

std::string json_string(std::string_view text) {
  std::string out;
  transcode::append_json_string(text, out);
  return out;
}

bool accepts_gzip(const http::RequestHead& head) {
  // Whoever writes "gzip;q=0" to say no gets a body that it can read all the same.
  return head.headers.get("accept-encoding").value_or("").find("gzip") != std::string_view::npos;
}

// The arguments of this process, as the kernel has them.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::string json = "[";
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find('\0', at), all.size());
    if (at > 0) json += ',';
    json += json_string(std::string_view(all).substr(at, end - at));
    at = end + 1;
  }
  return json + "]";
}

// Those of Go's names that malloc has a number for.
std::string memory_statistics() {
  const struct mallinfo2 info = mallinfo2();
  std::string json = "{";
  const auto add = [&](const char* name, size_t value) {
    if (json.size() > 1) json += ',';
    json += json_string(name) + ":" + std::to_string(value);
  };
  add("Alloc", info.uordblks + info.hblkhd);
  add("Sys", info.arena + info.hblkhd);
  add("HeapAlloc", info.uordblks + info.hblkhd);
  add("HeapSys", info.arena + info.hblkhd);
  add("HeapIdle", info.fordblks);
  add("HeapInuse", info.uordblks + info.hblkhd);
  return json + "}";
}

std::unique_ptr<http::StreamHandler> only_get(http::ServerStream& stream, const web::Cors& cors) {
  web::Answer answer = web::text_error(405, "Method Not Allowed");
  answer.headers.add("allow", "GET");
  return web::answer_now(stream, answer, cors);
}

}  // namespace

std::unique_ptr<http::StreamHandler> Paths::start(http::ServerStream& stream, const web::Cors& cors,
                                                  bool metrics_surface) {
  const http::RequestHead& head = stream.request();
  const std::string_view path = web::path_of(head);
  if (path == "/metrics") return web::answer_now(stream, metrics_answer(head), cors);

  const bool health = path == "/health";
  const bool check = is_check(path);
  const bool version = path == "/version" && !metrics_surface;
  const bool variables = path == "/debug/vars" && !metrics_surface;
  const bool page = ui::is_page(path) && !metrics_surface;
  if (!health && !check && !version && !variables && !page) return nullptr;
  if (head.method != "GET") return only_get(stream, cors);

  // Scripts of other origins have no business with it, whatever --cors lets them read.
  if (page) return web::answer_now(stream, ui::page(ui::Role::kMember), web::Cors({}));
  if (version) return web::answer_now(stream, version_answer(), cors);
  if (variables) return web::answer_now(stream, debug_variables_answer(), cors);
  const HealthContext context{stream, state_, metrics_, cors, logger_};
  return health ? start_health(context) : start_checks(context, path);
}

web::Answer Paths::metrics_answer(const http::RequestHead& head) const {
  web::Answer answer;
  answer.content_type = metrics::kTextContentType;
  answer.body = registry_.serialize();
  if (accepts_gzip(head)) {
    answer.body = rpc::gzip_compress(answer.body);
    answer.headers.add("content-encoding", "gzip");
  }
  return answer;
}

web::Answer Paths::version_answer() const {
  const Versions versions = state_.versions();
  web::Answer answer;
  const std::string cluster = versions.cluster.empty() ? "not_decided" : versions.cluster;
  const std::string storage = versions.storage.empty() ? "unknown" : versions.storage;
  answer.body = "{\"etcdserver\":" + json_string(versions.server) + ",\"etcdcluster\":" +
                json_string(cluster) + ",\"storage\":" + json_string(storage) + "}";
  return answer;
}

web::Answer Paths::debug_variables_answer() const {
  std::map<std::string, std::string> variables{{"cmdline", command_line()},
                                               {"memstats", memory_statistics()}};
  for (auto& [name, value] : state_.debug_variables()) {
    variables.insert_or_assign(std::move(name), std::move(value));
  }
  web::Answer answer;
  answer.content_type = "application/json; charset=utf-8";
  answer.body = "{\n";
  for (const auto& [name, value] : variables) {
    if (answer.body.size() > 2) answer.body += ",\n";
    answer.body += json_string(name) + ": " + value;
  }
  answer.body += "\n}\n";
  return answer;
}

}  // namespace gatehouse::admin
