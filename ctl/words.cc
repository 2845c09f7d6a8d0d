#include "ctl/words.h"

#include "ctl/go_text.h"

namespace gatehouse::ctl {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";

// Where the double-quoted word that begins before `from` ends (behind the quote); npos: nowhere.
size_t closing_quote(std::string_view line, size_t from) {
  for (size_t i = from; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (size_t at = 0; at < line.size();) {
    const char c = line[at];
    if (kSpace.find(c) != std::string_view::npos) {
      ++at;
    } else if (c == '"') {
      const size_t end = closing_quote(line, at + 1);
      if (end == std::string_view::npos) {
        ++at;
        continue;
      }
      size_t used = 0;
      std::optional<std::string> word = go_unquote(line.substr(at + 1, end - at - 1), used);
      if (!word) return invalid_argument("invalid syntax");
      words.push_back(std::move(*word));
      at = end;
    } else if (c == '\'') {
      const size_t end = line.find('\'', at + 1);
      if (end == std::string_view::npos) {
        ++at;
        continue;
      }
      words.emplace_back(line.substr(at + 1, end - at - 1));
      at = end + 1;
    } else {
      const size_t end = std::min(line.find_first_of(kSpace, at), line.size());
      words.emplace_back(line.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

}  // namespace gatehouse::ctl
