#include "common/ui/page.h"

#include <string>

#include "common/base/check.h"
#include "common/codec/base64.h"
#include "common/codec/sha256.h"
#include "page_source.h"

namespace gatehouse::ui {

namespace {

// What stands between <tag> and </tag>, as the browser hashes it.
constexpr std::string_view content_of(std::string_view open, std::string_view close) {
  const size_t begin = kPageSource.find(open) + open.size();
  return kPageSource.substr(begin, kPageSource.find(close, begin) - begin);
}

std::string source_hash(std::string_view text) {
  codec::Sha256 sha;
  sha.update(text);
  const codec::Sha256::Digest digest = sha.finish();
  return "'sha256-" +
         codec::base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()}) + "'";
}

std::string policy() {
  return "default-src 'none'; connect-src 'self'; img-src data:; script-src " +
         source_hash(content_of("<script>", "</script>")) + "; style-src " +
         source_hash(content_of("<style>", "</style>")) +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'";
}

web::Answer make_page(std::string_view role) {
  constexpr std::string_view kPlace = "@ROLE@";
  web::Answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = kPageSource;
  const size_t place = answer.body.find(kPlace);
  CHECK(place != std::string::npos);
  answer.body.replace(place, kPlace.size(), role);
  answer.headers.add("content-security-policy", policy());
  answer.headers.add("x-content-type-options", "nosniff");
  answer.headers.add("referrer-policy", "no-referrer");
  answer.headers.add("cache-control", "no-cache");
  return answer;
}

}  // namespace

bool is_page(std::string_view path) { return path == "/ui" || path == "/ui/"; }

const web::Answer& page(Role role) {
  static const web::Answer member = make_page("member");
  static const web::Answer proxy = make_page("proxy");
  return role == Role::kMember ? member : proxy;
}

}  // namespace gatehouse::ui
