// Any words and variables, one a line, an empty line between the two: the member's options, or an
// end with a text. URLs that are taken read back as the same.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/check.h"
#include "member/options.h"

namespace gatehouse::member {
namespace {

void check_urls(const std::vector<Url>& urls) {
  const Result<std::vector<Url>> again = parse_urls(url_texts(urls));
  CHECK_MSG(again.ok(), again.status().message());
  CHECK(*again == urls);
}

void check_options(const Options& options) {
  CHECK(options.election_ticks() >= 5);
  CHECK(options.heartbeat_interval.count() > 0);
  CHECK(!options.listen_peer_urls.empty() && !options.listen_client_urls.empty());
  CHECK(!options.advertise_client_urls.empty() && !options.initial_advertise_peer_urls.empty());
  CHECK(options.quota_backend_bytes != 0 && options.backend_batch_limit > 0);
  CHECK(options.auto_compaction.period.count() >= 0 && options.auto_compaction.revisions >= 0);
  for (const auto* urls : {&options.listen_peer_urls, &options.listen_client_urls,
                           &options.listen_client_http_urls, &options.listen_metrics_urls,
                           &options.advertise_client_urls, &options.initial_advertise_peer_urls}) {
    check_urls(*urls);
  }
  for (const auto& [name, urls] : options.initial_members) check_urls(urls);
}

}  // namespace
}  // namespace gatehouse::member

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gatehouse::member;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> words = {"gatehouse-member"}, environment;
  auto* target = &words;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line(text.substr(start, end - start));
    start = end + 1;
    if (line.empty()) {
      target = &environment;
      continue;
    }
    // No file that the input names is opened.
    const bool names_file = line.find("config-file") != std::string::npos ||
                            line.find("CONFIG_FILE") != std::string::npos;
    if (!names_file && line.find('\0') == std::string::npos) target->push_back(std::move(line));
  }
  std::vector<const char*> argv, variables;
  for (const std::string& word : words) argv.push_back(word.c_str());
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  const ParsedOptions parsed =
      parse_options(static_cast<int>(argv.size()), argv.data(), variables.data());
  if (const auto* options = std::get_if<Options>(&parsed)) {
    check_options(*options);
  } else {
    const auto& exit = std::get<gatehouse::config::Exit>(parsed);
    CHECK(exit.text.ends_with('\n') && exit.code >= 0 && exit.code <= 2);
  }
  return 0;
}
