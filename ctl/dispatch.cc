#include "ctl/dispatch.h"

#include <algorithm>
#include <cstdio>

#include "ctl/help.h"
#include "ctl/invocation.h"

namespace gatehouse::ctl {
namespace {

constexpr size_t kNearDistance = 2;  // letters to change in a word that is suggested

const Command* child(const Command& parent, std::string_view word) {
  const Command* by_prefix = nullptr;
  size_t fitting = 0;
  for (const Command& command : parent.commands) {
    if (command.name == word) return &command;
    if (!command.name.starts_with(word)) continue;
    by_prefix = &command;
    ++fitting;
  }
  return fitting == 1 ? by_prefix : nullptr;
}

// Does the flag take the next argument for its value? Unknown ones are taken to.
bool takes_next(const CommandPath& path, std::string_view argument) {
  if (argument.find('=') != std::string_view::npos) return false;
  const FlagValues flags(flags_of(path));
  const Flag* flag = nullptr;
  if (argument.starts_with("--")) {
    if (argument == "--help") return false;
    flag = flags.find(argument.substr(2));
  } else {
    if (argument.size() != 2 || argument == "-h") return false;
    flag = flags.find(argument[1]);
  }
  return flag == nullptr || flag->kind != FlagKind::kBool;
}

// Where the first word that is neither a flag nor a flag's value stands.
std::optional<size_t> first_word(const CommandPath& path, std::span<const std::string> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") return std::nullopt;
    if (argument.size() > 1 && argument[0] == '-') {
      if (takes_next(path, argument)) ++i;
    } else if (!argument.empty()) {
      return i;
    }
  }
  return std::nullopt;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

int report(const Exit& exit, const CommandPath& path, const std::string& program) {
  std::fflush(stdout);
  if (!exit.message.empty()) std::fprintf(stderr, "Error: %s\n", exit.message.c_str());
  if (exit.usage) std::fprintf(stderr, "%s\n", usage_text(path, program).c_str());
  return exit.code;
}

Exit usage_error(std::string message) { return {kExitError, std::move(message), true}; }

Exit check_words(const Command& command, const std::vector<std::string>& words,
                 const std::string& called) {
  if (command.word_count >= 0 && words.size() != static_cast<size_t>(command.word_count)) {
    return usage_error("accepts " + std::to_string(command.word_count) + " arg(s), received " +
                       std::to_string(words.size()));
  }
  if (command.choices.empty()) return {};
  for (const std::string& word : words) {
    if (std::find(command.choices.begin(), command.choices.end(), word) == command.choices.end()) {
      return usage_error("invalid argument " + go_quote(word) + " for " + go_quote(called));
    }
  }
  return {};
}

Exit check_required(const FlagValues& values) {
  std::string missing;
  for (const Flag* flag : values.all()) {
    if (!flag->required || values.given(flag->name)) continue;
    missing += (missing.empty() ? "" : ", ") + go_quote(flag->name);
  }
  if (missing.empty()) return {};
  return usage_error("required flag(s) " + missing + " not set");
}

}  // namespace

std::vector<const Flag*> flags_of(const CommandPath& path) {
  std::vector<const Flag*> flags;
  for (const Flag& flag : path.back()->flags) flags.push_back(&flag);
  for (auto command = path.rbegin(); command != path.rend(); ++command) {
    for (const Flag& flag : (*command)->shared_flags) flags.push_back(&flag);
  }
  return flags;
}

Found find_command(const Command& root, std::span<const std::string> arguments) {
  Found found{{&root}, {arguments.begin(), arguments.end()}};
  while (true) {
    const std::optional<size_t> at = first_word(found.path, found.arguments);
    if (!at) return found;
    const Command* next = child(*found.path.back(), found.arguments[*at]);
    if (next == nullptr) return found;
    found.path.push_back(next);
    found.arguments.erase(found.arguments.begin() + static_cast<ptrdiff_t>(*at));
  }
}

std::string unknown_command(const Command& root, const std::string& program,
                            const std::string& word) {
  std::string text = "unknown command " + go_quote(word) + " for " + go_quote(program);
  std::string near;
  for (const Command& command : root.commands) {
    if (command.name.starts_with(word) || edit_distance(word, command.name) <= kNearDistance) {
      near += "\t" + std::string(command.name) + "\n";
    }
  }
  if (!near.empty()) text += "\n\nDid you mean this?\n" + near;
  return text;
}

int run_program(const Command& root, const std::string& program,
                std::span<const std::string> arguments) {
  Found found = find_command(root, arguments);
  const Command& command = *found.path.back();
  FlagValues values(flags_of(found.path));
  ParsedWords parsed;
  if (command.commands.empty() || found.path.size() > 1) {
    const Status status = parse_words(found.arguments, values, parsed);
    if (!status.ok()) return report(usage_error(status.message()), found.path, program);
  } else {  // the program itself: a word is a command that there is not, whatever flags follow
    const std::optional<size_t> word = first_word(found.path, found.arguments);
    if (word) {
      const std::string text = unknown_command(root, program, found.arguments[*word]);
      std::fprintf(stderr, "Error: %s\nRun '%s --help' for usage.\n", text.c_str(),
                   program.c_str());
      return kExitError;
    }
    const Status status = parse_words(found.arguments, values, parsed);
    if (!status.ok()) return report(usage_error(status.message()), found.path, program);
  }
  if (parsed.help || command.run == nullptr) {
    std::fputs(help_text(found.path, program).c_str(), stdout);
    return kExitOk;
  }
  Exit exit = check_words(command, parsed.words, called_as(found.path, program));
  if (exit.ok()) exit = check_required(values);
  if (!exit.ok()) return report(exit, found.path, program);
  Invocation invocation(program, found.path, std::move(values), std::move(parsed));
  exit = invocation.read_environment();
  if (exit.ok()) exit = command.run(invocation);
  return report(exit, found.path, program);
}

}  // namespace gatehouse::ctl
