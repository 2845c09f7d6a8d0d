#include "ctl/txn_language.h"

#include <cstdio>
#include <optional>
#include <vector>

#include "ctl/flags.h"
#include "ctl/go_text.h"
#include "ctl/help.h"
#include "ctl/kv.h"
#include "ctl/words.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
}

bool take_quoted(std::string_view& text, std::string& value) {
  skip_blanks(text);
  if (text.empty() || text[0] != '"') return false;
  size_t end = 0;
  std::optional<std::string> inside = go_unquote(text.substr(1), end);
  if (!inside) return false;
  value = std::move(*inside);
  text.remove_prefix(end + 1);
  return true;
}

// `"key") op "value"`, as far as it goes.
bool take_parts(std::string_view text, std::string& key, std::string& op, std::string& value) {
  if (!take_quoted(text, key)) return false;
  if (text.empty() || text[0] != ')') return false;
  text.remove_prefix(1);
  if (text.empty() || (text[0] != ' ' && text[0] != '\t')) return false;
  skip_blanks(text);
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  op = text.substr(0, end);
  text.remove_prefix(end);
  return !op.empty() && take_quoted(text, value);
}

std::optional<pb::Compare::CompareTarget> target_named(std::string_view name) {
  if (name == "ver" || name == "version") return pb::Compare::VERSION;
  if (name == "c" || name == "create") return pb::Compare::CREATE;
  if (name == "m" || name == "mod") return pb::Compare::MOD;
  if (name == "val" || name == "value") return pb::Compare::VALUE;
  if (name == "lease") return pb::Compare::LEASE;
  return std::nullopt;
}

std::optional<pb::Compare::CompareResult> result_named(std::string_view op) {
  if (op == "=") return pb::Compare::EQUAL;
  if (op == "!=") return pb::Compare::NOT_EQUAL;
  if (op == ">") return pb::Compare::GREATER;
  if (op == "<") return pb::Compare::LESS;
  return std::nullopt;
}

Status set_number(const std::string& text, pb::Compare& compare) {
  int64_t number = 0;
  const bool lease = compare.target() == pb::Compare::LEASE;
  GATEHOUSE_RETURN_IF_ERROR(parse_int(text, lease ? 16 : 10, number));
  if (lease) compare.set_lease(number);
  if (compare.target() == pb::Compare::VERSION) compare.set_version(number);
  if (compare.target() == pb::Compare::CREATE) compare.set_create_revision(number);
  if (compare.target() == pb::Compare::MOD) compare.set_mod_revision(number);
  return {};
}

// The flags of one line's command and its words; a wrong flag prints their usage.
Exit parse_line_flags(std::string_view line, const Command& command,
                      const std::vector<std::string>& words, FlagValues& flags,
                      ParsedWords& parsed) {
  const std::vector<std::string> arguments(words.begin() + 1, words.end());
  const Status status = parse_words(arguments, flags, parsed);
  if (status.ok() && !parsed.help) return {};
  std::fprintf(stderr, "%s\n", usage_text({&command, &command}, "").c_str());
  return invalid_input("invalid txn request: " + std::string(line));
}

}  // namespace

Exit parse_compare(std::string_view line, pb::Compare& compare) {
  const std::string text(line);
  const size_t paren = line.find('(');
  if (paren == std::string_view::npos) return invalid_input("malformed comparison: " + text);
  const std::string name(line.substr(0, paren));
  std::string key;
  std::string op;
  std::string value;
  if (!take_parts(line.substr(paren + 1), key, op, value)) {
    return invalid_input("malformed comparison: " + text + "; got " + name + "(" + go_quote(key) +
                         ") " + op + " " + go_quote(value));
  }
  const auto target = target_named(name);
  if (!target) {
    return invalid_input("malformed comparison: " + text + " (unknown target " + name + ")");
  }
  const auto result = result_named(op);
  if (!result) {
    return invalid_input("malformed comparison: " + text + " (unknown operation " + op + ")");
  }
  compare.set_key(key);
  compare.set_target(*target);
  compare.set_result(*result);
  if (*target == pb::Compare::VALUE) {
    compare.set_value(value);
  } else if (!set_number(value, compare).ok()) {
    return invalid_input("invalid txn compare request: " + text);
  }
  return {};
}

Exit parse_request(std::string_view line, pb::RequestOp& op) {
  const Result<std::vector<std::string>> words = split_words(line);
  if (!words.ok()) return failed(words.status(), kExitInvalidInput);
  const std::string text(line);
  if (words->size() < 2) return invalid_input("invalid txn compare request: " + text);
  const std::string& name = words->front();
  Command command{.name = name, .run = [](Invocation&) { return Exit{}; }};
  if (name == "get") {
    command.flags = get_flags();
  } else if (name == "put") {
    command.flags = put_flags();
  } else if (name == "del") {
    command.flags = del_flags();
  } else {
    return invalid_input("invalid txn request: " + text);
  }
  std::vector<const Flag*> flags;
  for (const Flag& flag : command.flags) flags.push_back(&flag);
  FlagValues values(flags);
  ParsedWords parsed;
  CTL_RETURN_IF_FAILED(parse_line_flags(line, command, *words, values, parsed));
  if (name == "get") return get_request(values, parsed.words, *op.mutable_request_range());
  if (name == "put") return put_request(values, parsed.words, nullptr, *op.mutable_request_put());
  return del_request(values, parsed.words, *op.mutable_request_delete_range());
}

}  // namespace gatehouse::ctl
