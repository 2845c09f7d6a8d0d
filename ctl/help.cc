#include "ctl/help.h"

#include <algorithm>
#include <array>

namespace gatehouse::ctl {
namespace {

constexpr size_t kNameColumn = 11;  // names of commands are padded to this

std::string padded(std::string_view text, size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

// `(default 5s)`, or nothing for what is empty, false or zero.
std::string initial_text(const Flag& flag) {
  const std::string initial(flag.initial);
  if (initial.empty() || initial == "0" || initial == "false") return "";
  if (flag.kind == FlagKind::kString) return " (default \"" + initial + "\")";
  if (flag.kind == FlagKind::kStrings) return " (default [" + initial + "])";
  return " (default " + initial + ")";
}

std::string flag_lines(std::vector<const Flag*> flags) {
  std::sort(flags.begin(), flags.end(),
            [](const Flag* a, const Flag* b) { return a->name < b->name; });
  std::vector<std::string> names;
  size_t column = 0;
  for (const Flag* flag : flags) {
    std::string name = flag->shorthand != 0 ? std::string("  -") + flag->shorthand + ", --"
                                            : std::string("      --");
    name += flag->name;
    if (flag->kind != FlagKind::kBool) name += " " + std::string(kind_text(flag->kind));
    column = std::max(column, name.size() + 3);
    names.push_back(std::move(name));
  }
  std::string lines;
  for (size_t i = 0; i < flags.size(); ++i) {
    lines +=
        padded(names[i], column) + std::string(flags[i]->help) + initial_text(*flags[i]) + "\n";
  }
  return lines;
}

std::string command_lines(const std::vector<const Command*>& commands) {
  size_t column = kNameColumn;
  for (const Command* command : commands) column = std::max(column, command->name.size());
  std::string lines;
  for (const Command* command : commands) {
    lines += "  " + padded(command->name, column) + " " + std::string(command->summary) + "\n";
  }
  return lines;
}

std::string grouped_commands(const Command& root) {
  std::string text;
  for (const Heading heading : {Heading::kKeyValue, Heading::kMaintenance, Heading::kConcurrency,
                                Heading::kAuthentication, Heading::kUtility}) {
    std::vector<const Command*> commands;
    for (const Command& command : root.commands) {
      if (command.heading == heading) commands.push_back(&command);
    }
    text += "\n" + std::string(heading_text(heading)) + "\n" + command_lines(commands);
  }
  return text;
}

}  // namespace

std::string_view heading_text(Heading heading) {
  constexpr std::array<std::string_view, 5> kTexts = {
      "Key-value commands", "Cluster maintenance commands", "Concurrency commands",
      "Authentication commands", "Utility commands"};
  return kTexts[static_cast<size_t>(heading)];
}

std::string_view kind_text(FlagKind kind) {
  switch (kind) {
    case FlagKind::kBool:
      return "";
    case FlagKind::kInt:
      return "int";
    case FlagKind::kUint:
      return "uint";
    case FlagKind::kString:
      return "string";
    case FlagKind::kStrings:
      return "strings";
    case FlagKind::kDuration:
      return "duration";
  }
  return "";
}

std::string called_as(const CommandPath& path, const std::string& program) {
  std::string text = program;
  for (size_t i = 1; i < path.size(); ++i) text += " " + std::string(path[i]->name);
  return text;
}

std::string usage_text(const CommandPath& path, const std::string& program) {
  const Command& command = *path.back();
  const std::string called = called_as(path, program);
  std::string text = "Usage:\n";
  if (command.run != nullptr) {
    text += "  " + called;
    if (!command.arguments.empty()) text += " " + std::string(command.arguments);
    text += " [flags]\n";
  } else {
    text += "  " + called + " [command]\n";
  }
  if (!command.examples.empty()) text += "\nExamples:\n" + std::string(command.examples);
  if (path.size() == 1) return text + grouped_commands(command);
  if (!command.commands.empty()) {
    std::vector<const Command*> commands;
    for (const Command& below : command.commands) commands.push_back(&below);
    text += "\nAvailable Commands:\n" + command_lines(commands);
  }
  static const Flag kHelp{"help", FlagKind::kBool, "", "help for this command", 'h'};
  std::vector<const Flag*> own = {&kHelp};
  for (const Flag& flag : command.flags) own.push_back(&flag);
  for (const Flag& flag : command.shared_flags) own.push_back(&flag);
  text += "\nFlags:\n" + flag_lines(own);
  std::vector<const Flag*> from_above;
  for (size_t i = 1; i + 1 < path.size(); ++i) {
    for (const Flag& flag : path[i]->shared_flags) from_above.push_back(&flag);
  }
  if (!from_above.empty()) text += "\nGlobal Flags:\n" + flag_lines(from_above);
  return text;
}

std::string help_text(const CommandPath& path, const std::string& program) {
  const Command& command = *path.back();
  std::string text(command.details.empty() ? command.summary : command.details);
  text += "\n\n" + usage_text(path, program);
  const std::string called = called_as(path, program);
  if (!command.commands.empty()) {
    text += "\nUse \"" + called + " [command] --help\" for more information about a command.\n";
  }
  return text + "Use \"" + program +
         " options\" for a list of global command-line options (applies to all commands).\n";
}

std::string options_text(const Command& root) {
  std::vector<const Flag*> flags;
  for (const Flag& flag : root.shared_flags) flags.push_back(&flag);
  return "The following options can be passed to any command:\n\n" + flag_lines(flags);
}

}  // namespace gatehouse::ctl
