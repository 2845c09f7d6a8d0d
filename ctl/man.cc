#include "ctl/man.h"

#include "ctl/help.h"

namespace gatehouse::ctl {
namespace {

// Text for roff: backslashes and minus signs escaped, no line that begins with a control character.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string section(std::string_view name) { return ".SH " + std::string(name) + "\n"; }

std::string flag_items(const std::vector<Flag>& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    text += ".TP\n";
    if (flag.shorthand != 0) text += std::string("\\fB\\-") + flag.shorthand + "\\fR, ";
    text += "\\fB\\-\\-" + roff(flag.name) + "\\fR";
    if (flag.kind != FlagKind::kBool) text += " \\fI" + std::string(kind_text(flag.kind)) + "\\fR";
    text += "\n" + roff(flag.help);
    if (!flag.initial.empty() && flag.initial != "0")
      text += " (default " + roff(flag.initial) + ")";
    text += "\n";
  }
  return text;
}

std::string paragraphs(std::string_view text) {
  if (text.find("\n  ") == std::string_view::npos) return roff(text) + "\n";
  return ".nf\n" + roff(text) + "\n.fi\n";  // examples keep their lines
}

void list_commands(const Command& command, const std::string& called, std::string& text) {
  for (const Command& below : command.commands) {
    const std::string name = called + " " + std::string(below.name);
    if (below.run != nullptr) {
      text += ".TP\n\\fB" + roff(name) + "\\fR";
      if (!below.arguments.empty()) text += " " + roff(below.arguments);
      text += "\n" + roff(below.summary) + "\n";
    }
    list_commands(below, name, text);
  }
}

std::string program_sections(const std::string& program) {
  return section("ENVIRONMENT") +
         "Every global flag may be given as \\fBETCDCTL_\\fINAME\\fR, in capitals and with _ for "
         "\\-; "
         "not together with the flag. \\fBETCDCTL_WATCH_KEY\\fR and "
         "\\fBETCDCTL_WATCH_RANGE_END\\fR are what \\fBwatch\\fR without words watches.\n" +
         section("EXIT STATUS") +
         ".TP\n0\nDone.\n.TP\n1\nThe cluster or the system refused, or a flag cannot be read.\n"
         ".TP\n2\nNo connection or no authentication.\n.TP\n3\nInput of txn or watch that cannot "
         "be "
         "read.\n.TP\n4\nA format or choice that there is not.\n.TP\n5\nA watch was cancelled, a "
         "snapshot failed.\n.TP\n128\nWrong arguments.\n" +
         section("EXAMPLES") + ".nf\n" +
         roff(program + " --endpoints=10.0.0.1:2379 put greeting hello\n" + program +
              " get greeting -w json\n" + program + " endpoint status --cluster -w table\n") +
         ".fi\n";
}

}  // namespace

std::string man_page(const CommandPath& path, const std::string& program) {
  const Command& command = *path.back();
  const std::string called = called_as(path, program);
  std::string title = called;
  for (char& c : title) {
    c = c == ' ' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  std::string name = called;
  for (char& c : name) {
    if (c == ' ') c = '-';
  }
  std::string text = ".TH " + roff(title) + " 1 \"\" Gatehouse \"User Commands\"\n" +
                     section("NAME") + roff(name) + " \\- " + roff(command.summary) + "\n" +
                     section("SYNOPSIS") + "\\fB" + roff(called) + "\\fR ";
  text += command.run != nullptr ? roff(command.arguments) : "\\fIcommand\\fR";
  text += " [\\fIflags\\fR]\n" + section("DESCRIPTION") +
          paragraphs(command.details.empty() ? command.summary : command.details);
  if (!command.commands.empty()) {
    text += section("COMMANDS");
    list_commands(command, called, text);
  }
  std::vector<Flag> flags = command.flags;
  flags.insert(flags.end(), command.shared_flags.begin(), command.shared_flags.end());
  for (size_t i = 1; i + 1 < path.size(); ++i) {
    flags.insert(flags.end(), path[i]->shared_flags.begin(), path[i]->shared_flags.end());
  }
  if (!flags.empty()) text += section("OPTIONS") + flag_items(flags);
  if (path.size() == 1) return text + program_sections(program);
  return text + section("SEE ALSO") + "\\fB" + roff(program) + "\\fR(1)\n";
}

}  // namespace gatehouse::ctl
