#include <cstdio>
#include <fstream>

#include "ctl/command_table.h"
#include "ctl/completion.h"
#include "ctl/dispatch.h"
#include "ctl/families.h"
#include "ctl/help.h"
#include "ctl/invocation.h"
#include "ctl/man.h"

namespace gatehouse::ctl {
namespace {

constexpr std::string_view kEtcdVersion = "3.7.1";  // whose commands and output these are
constexpr std::string_view kApiVersion = "3.7";

// Of every command that does something, depth first.
void each_command(const CommandPath& path, const std::function<void(const CommandPath&)>& visit) {
  visit(path);
  for (const Command& below : path.back()->commands) {
    CommandPath longer = path;
    longer.push_back(&below);
    each_command(longer, visit);
  }
}

}  // namespace

Exit run_version(Invocation& in) {
  in.out.line(in.program + " version: " + std::string(kEtcdVersion));
  in.out.line("API version: " + std::string(kApiVersion));
  return {};
}

Exit run_options(Invocation& in) {
  in.out.write(options_text(*in.path.front()));
  return {};
}

Exit run_help(Invocation& in) {
  const Found found = find_command(*in.path.front(), in.words);
  if (!found.arguments.empty() && found.path.size() == 1) {
    std::string topic;
    for (const std::string& word : in.words) topic += (topic.empty() ? "`" : " `") + word + "`";
    std::fprintf(stderr, "Unknown help topic [%s]\n%s", topic.c_str(),
                 usage_text(found.path, in.program).c_str());
    return {};
  }
  in.out.write(help_text(found.path, in.program));
  return {};
}

Exit run_completion(Invocation& in) {
  in.out.write(completion_script(in.words[0], *in.path.front(), in.program));
  return {};
}

Exit run_man(Invocation& in) {
  const CommandPath root = {in.path.front()};
  if (in.words.empty()) {
    in.out.write(man_page(root, in.program));
    return {};
  }
  Exit exit;
  each_command(root, [&](const CommandPath& path) {
    std::string name = called_as(path, in.program);
    for (char& c : name) {
      if (c == ' ') c = '-';
    }
    const std::string file_name = in.words[0] + "/" + name + ".1";
    std::ofstream file(file_name);
    file << man_page(path, in.program);
    if (!file.flush()) exit = {kExitInputOutput, "cannot write " + file_name};
  });
  return exit;
}

}  // namespace gatehouse::ctl
