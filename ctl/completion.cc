#include "ctl/completion.h"

#include <functional>
#include <map>
#include <vector>

#include "ctl/dispatch.h"

namespace gatehouse::ctl {
namespace {

// What flags have for values, where that is one of a few.
const std::map<std::string_view, std::string_view> kValues = {
    {"write-out", "simple fields json protobuf table"},
    {"consistency", "l s"},
    {"order", "ASCEND DESCEND"},
    {"sort-by", "CREATE KEY MODIFY VALUE VERSION"},
    {"load", "s m l xl"},
};

std::string words_below(const CommandPath& path) {
  std::string text;
  for (size_t i = 1; i < path.size(); ++i) text += (i > 1 ? " " : "") + std::string(path[i]->name);
  return text;
}

void visit_all(const CommandPath& path, const std::function<void(const CommandPath&)>& visit) {
  visit(path);
  for (const Command& below : path.back()->commands) {
    CommandPath longer = path;
    longer.push_back(&below);
    visit_all(longer, visit);
  }
}

std::string names_of(const std::vector<Command>& commands) {
  std::string text;
  for (const Command& command : commands)
    text += (text.empty() ? "" : " ") + std::string(command.name);
  return text;
}

std::string flag_names(const CommandPath& path) {
  std::string text = "--help";
  for (const Flag* flag : flags_of(path)) text += " --" + std::string(flag->name);
  return text;
}

std::string choices_text(const Command& command) {
  std::string text;
  for (std::string_view choice : command.choices)
    text += (text.empty() ? "" : " ") + std::string(choice);
  return text;
}

std::string function_name(const std::string& program) {
  std::string name = "_" + program;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

// Walks the words typed so far down the tree, then offers what is below.
std::string bash_script(const Command& root, const std::string& program) {
  const std::string name = function_name(program);
  std::string script = "# bash completion of " + program + "\n" + name + "() {\n" +
                       "  local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                       "  local previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                       "  local path=\"\" word i\n"
                       "  case \"$previous\" in\n";
  for (const auto& [flag, values] : kValues) {
    script += "    --" + std::string(flag) + (flag == "write-out" ? "|-w" : "") +
              ") COMPREPLY=($(compgen -W \"" + std::string(values) +
              "\" -- \"$current\")); return ;;\n";
  }
  for (const char* flag :
       {"cert", "key", "cacert", "data-dir", "wal-dir", "dest-cert", "dest-key", "dest-cacert"}) {
    script +=
        "    --" + std::string(flag) + ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n";
  }
  script +=
      "  esac\n  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=\"${COMP_WORDS[i]}\"\n"
      "    case \"$path $word\" in\n";
  std::string offers;
  visit_all({&root}, [&](const CommandPath& path) {
    const std::string below = words_below(path);
    if (path.size() > 1) {
      script +=
          "      \" " + below + "\") path=\"" + (path.size() > 2 ? " " : " ") + below + "\" ;;\n";
    }
    const Command& command = *path.back();
    std::string words = names_of(command.commands);
    if (words.empty()) words = choices_text(command);
    offers += "    \"" + (path.size() > 1 ? " " + below : "") + "\") commands=\"" + words +
              "\" flags=\"" + flag_names(path) + "\" ;;\n";
  });
  script += "    esac\n  done\n  local commands=\"\" flags=\"\"\n  case \"$path\" in\n" + offers +
            "  esac\n"
            "  if [[ $current == -* ]]; then\n"
            "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
            "  elif [[ -n $commands ]]; then\n"
            "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
            "  else\n"
            "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
            "  fi\n}\ncomplete -o filenames -F " +
            name + " " + program + "\n";
  return script;
}

std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh_script(const Command& root, const std::string& program) {
  const std::string name = function_name(program);
  std::string script = "#compdef " + program + "\n\n" + name +
                       "() {\n  local path=\"\" word i\n  local -a commands flags\n"
                       "  for ((i = 2; i < CURRENT; i++)); do\n    word=\"${words[i]}\"\n"
                       "    case \"$path $word\" in\n";
  std::string offers;
  visit_all({&root}, [&](const CommandPath& path) {
    const std::string below = words_below(path);
    if (path.size() > 1) script += "      \" " + below + "\") path=\" " + below + "\" ;;\n";
    offers += "    \"" + (path.size() > 1 ? " " + below : "") + "\")\n      commands=(";
    for (const Command& command : path.back()->commands) {
      offers += "\n        '" + zsh_quoted(command.name) + ":" + zsh_quoted(command.summary) + "'";
    }
    for (std::string_view choice : path.back()->choices) {
      offers += "\n        '" + zsh_quoted(choice) + "'";
    }
    offers += ")\n      flags=(";
    for (const Flag* flag : flags_of(path)) {
      offers += "\n        '--" + std::string(flag->name) + ":" + zsh_quoted(flag->help) + "'";
    }
    offers += ")\n      ;;\n";
  });
  return script + "    esac\n  done\n  case \"$path\" in\n" + offers +
         "  esac\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    _describe -t flags 'flag' flags\n"
         "  elif (( ${#commands} )); then\n"
         "    _describe -t commands 'command' commands\n"
         "  else\n"
         "    _files\n"
         "  fi\n}\n\ncompdef " +
         name + " " + program + "\n";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_script(const Command& root, const std::string& program) {
  std::string script = "# fish completion of " + program + "\ncomplete -c " + program + " -f\n";
  visit_all({&root}, [&](const CommandPath& path) {
    // Seen so far: every word of the path, and none of what is below it.
    std::string condition;
    for (size_t i = 1; i < path.size(); ++i) {
      condition += (i > 1 ? "; and " : "") + std::string("__fish_seen_subcommand_from ") +
                   std::string(path[i]->name);
    }
    const Command& command = *path.back();
    std::string here = condition;
    if (!command.commands.empty()) {
      here += std::string(here.empty() ? "" : "; and ") + "not __fish_seen_subcommand_from " +
              names_of(command.commands);
    }
    const std::string start = "complete -c " + program;
    const auto when = [](const std::string& text) {
      return text.empty() ? std::string() : " -n " + fish_quoted(text);
    };
    for (const Command& below : command.commands) {
      script += start + when(here) + " -a " + std::string(below.name) + " -d " +
                fish_quoted(below.summary) + "\n";
    }
    for (std::string_view choice : command.choices) {
      script += start + when(here) + " -a " + std::string(choice) + "\n";
    }
    for (const auto* flags : {&command.flags, &command.shared_flags}) {
      for (const Flag& flag : *flags) {
        script += start + when(condition) + " -l " + std::string(flag.name);
        if (flag.shorthand != 0) script += std::string(" -s ") + flag.shorthand;
        if (flag.kind != FlagKind::kBool) script += " -r";
        if (const auto values = kValues.find(flag.name); values != kValues.end()) {
          script += " -a " + fish_quoted(values->second);
        }
        script += " -d " + fish_quoted(flag.help) + "\n";
      }
    }
  });
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell, const Command& root,
                              const std::string& program) {
  if (shell == "bash") return bash_script(root, program);
  if (shell == "zsh") return zsh_script(root, program);
  return fish_script(root, program);
}

}  // namespace gatehouse::ctl
