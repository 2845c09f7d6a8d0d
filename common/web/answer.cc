#include "common/web/answer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/codec/percent.h"

namespace gatehouse::web {

namespace {

void send_all_but_end(http::ServerStream& stream, const Answer& answer, const Cors& cors) {
  http::Headers headers;
  cors.add_to(headers, stream.request());
  if (!answer.content_type.empty()) headers.add("content-type", answer.content_type);
  for (const auto field : answer.headers) headers.add(field.name, field.value);
  headers.add("content-length", std::to_string(answer.body.size()));
  stream.send_head(answer.status, headers);
  if (!answer.body.empty()) stream.send_body(answer.body);
}

// On HTTP/2 the end of an answer that overtakes the request's end is followed by RST_STREAM, at
// which curl 7.88 forgets the answer when it still has a byte to send. There the end waits for the
// request's.
class DropBody final : public http::StreamHandler {
 public:
  explicit DropBody(http::ServerStream& stream) : stream_(stream) {
    if (!end_waits()) stream_.send_end();
  }

  void on_body(std::string_view bytes) override {
    dropped_ += bytes.size();
    if (dropped_ > kMaxDroppedBytes) {
      if (end_waits()) {
        stream_.send_end();
      } else {
        stream_.abort(http::ErrorCode::kNoError);
      }
      return;
    }
    stream_.consumed(bytes.size());
  }
  void on_end(const http::Headers&) override {
    if (end_waits()) stream_.send_end();
  }
  void on_abort(const http::Abort&) override {}

 private:
  bool end_waits() const { return stream_.http_major() == 2; }

  http::ServerStream& stream_;
  size_t dropped_ = 0;
};

}  // namespace

Cors::Cors(std::vector<std::string> origins)
    : origins_(std::move(origins)),
      any_(std::find(origins_.begin(), origins_.end(), "*") != origins_.end()) {}

const Cors& Cors::any() {
  static const Cors cors({"*"});
  return cors;
}

void Cors::add_to(http::Headers& headers, const http::RequestHead& request) const {
  std::string_view origin = "*";
  if (!any_) {
    origin = request.headers.get("origin").value_or("");
    if (std::find(origins_.begin(), origins_.end(), origin) == origins_.end()) return;
  }
  headers.add("access-control-allow-headers", "accept, content-type, authorization");
  headers.add("access-control-allow-methods", "POST, GET, OPTIONS, PUT, DELETE");
  headers.add("access-control-allow-origin", origin);
}

void send(http::ServerStream& stream, const Answer& answer, const Cors& cors) {
  send_all_but_end(stream, answer, cors);
  stream.send_end();
}

Answer text_error(int status, std::string_view text) {
  Answer answer;
  answer.status = status;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body.append(text).push_back('\n');
  answer.headers.add("x-content-type-options", "nosniff");
  return answer;
}

std::unique_ptr<http::StreamHandler> answer_now(http::ServerStream& stream, const Answer& answer,
                                                const Cors& cors) {
  send_all_but_end(stream, answer, cors);
  return std::make_unique<DropBody>(stream);
}

std::string_view path_of(const http::RequestHead& head) {
  return std::string_view(head.path).substr(0, head.path.find('?'));
}

std::string_view query_of(const http::RequestHead& head) {
  const size_t mark = head.path.find('?');
  return mark == std::string::npos ? std::string_view()
                                   : std::string_view(head.path).substr(mark + 1);
}

std::vector<std::string> query_values(std::string_view query, std::string_view name) {
  std::vector<std::string> values;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      std::string value(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
      std::replace(value.begin(), value.end(), '+', ' ');
      values.push_back(codec::percent_decode_message(value));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return values;
}

bool query_has(std::string_view query, std::string_view name, std::string_view value) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      const std::string_view given =
          equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
      if (value.empty() || given == value) return true;
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace gatehouse::web
