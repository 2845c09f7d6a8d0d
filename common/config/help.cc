#include <algorithm>

#include "common/config/config.h"
#include "common/config/option_value.h"

namespace gatehouse::config {

namespace {

constexpr size_t kHelpColumn = 38;

// What a flag takes, after its name.
std::string placeholder(const Option& option) {
  switch (option.type) {
    case Type::kBool:
      return "";
    case Type::kString:
      return " text";
    case Type::kInt64:
    case Type::kUint64:
    case Type::kUint32:
      return " number";
    case Type::kDuration:
      return " duration";
    case Type::kBytes:
      return " size";
    case Type::kList:
      return " list";
    case Type::kEnum: {
      std::string choices;
      for (const std::string& choice : option.choices) {
        if (!choice.empty()) choices += (choices.empty() ? " " : "|") + choice;
      }
      return choices;
    }
  }
  return "";
}

std::string described(const Option& option) {
  std::string text = option.help;
  // A default that says "nothing", "off" or "zero" is not worth the words.
  if (!option.default_text.empty() && option.default_text != "false") {
    text += " (default " + option.default_text + ")";
  }
  if (!option.deprecated.empty()) text += " (deprecated: " + option.deprecated + ")";
  return text;
}

// Appends the words from `column` on, later lines indented to it. A word longer than a line stands
// alone.
void append_wrapped(std::string& out, std::string_view text, size_t column, size_t width) {
  size_t at = column;
  bool first = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!first && at + 1 + word.size() > width) {
      out += "\n" + std::string(column, ' ');
      at = column;
    } else if (!first) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
    first = false;
  }
  out += '\n';
}

void append_option(std::string& out, const Option& option, size_t width) {
  const std::string flag = "  --" + option.name + placeholder(option);
  out += flag;
  // Long flags push their text to the next line.
  out += flag.size() + 2 > kHelpColumn ? "\n" + std::string(kHelpColumn, ' ')
                                       : std::string(kHelpColumn - flag.size(), ' ');
  append_wrapped(out, described(option), kHelpColumn, width);
}

}  // namespace

std::string help_text(const Schema& schema, size_t width) {
  std::string out;
  if (!schema.description.empty()) {
    append_wrapped(out, schema.description, 0, width);
    out += '\n';
  }
  out += "Usage:\n  " + schema.program + " [flags]\n";
  std::vector<std::string_view> groups;
  for (const Option& option : schema.options) {
    if (!option.hidden && std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  for (const std::string_view group : groups) {
    out += '\n' + std::string(group.empty() ? "Flags" : group) + ":\n";
    for (const Option& option : schema.options) {
      if (option.group == group && !option.hidden) append_option(out, option, width);
    }
  }
  if (!schema.env_prefix.empty() && !schema.options.empty()) {
    out += '\n';
    append_wrapped(out,
                   "Each flag has an environment variable: " +
                       environment_name(schema, schema.options.front()) + " for --" +
                       schema.options.front().name + ".",
                   0, width);
  }
  return out;
}

}  // namespace gatehouse::config
