#include "ctl/command_table.h"
#include "ctl/families.h"

namespace gatehouse::ctl {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kInt = FlagKind::kInt;
constexpr auto kUint = FlagKind::kUint;
constexpr auto kString = FlagKind::kString;

std::vector<Flag> load_flags(std::string_view prefix) {
  return {{"load", kString, "s", "s, m, l or xl"},
          {"prefix", kString, prefix, "prefix of the keys that are written"},
          {"auto-compact", kBool, "", "compact when done"},
          {"auto-defrag", kBool, "", "defragment when done"}};
}

Command check_commands() {
  return {
      .name = "check",
      .summary = "Tests of a cluster, and of a disk for one",
      .commands = {
          {.name = "datascale",
           .arguments = "[options]",
           .summary = "How much memory keys take on the first endpoint (10 k, 100 k, 1 M, 3 M)",
           .flags = load_flags("/etcdctl-check-datascale/"),
           .run = run_check_datascale},
          {.name = "disk",
           .arguments = "<directory>",
           .summary = "Whether a disk syncs fast enough for a member's log",
           .details =
               "Writes 22 MB in pieces of 2,300 bytes, each followed by fdatasync, to a file in "
               "the directory, and removes it. Prints how many a second, and percentiles of "
               "the syncs; fails when the 99th is not below 10 ms, which is what a member's "
               "disk should do.",
           .run = run_check_disk},
          {.name = "perf",
           .arguments = "[options]",
           .summary = "A minute of writes at a fixed rate (150/s, 1000/s, 8000/s, 15000/s)",
           .flags = load_flags("/etcdctl-check-perf/"),
           .run = run_check_perf},
      }};
}

}  // namespace

std::vector<Command> utility_commands() {
  return {
      check_commands(),
      {.name = "completion",
       .arguments = "[bash|zsh|fish]",
       .summary = "Prints a shell's completion script",
       .details =
           "Prints a shell's completion script:\n\n"
           "  bash   source <(gatehousectl completion bash)\n"
           "  zsh    gatehousectl completion zsh > \"${fpath[1]}/_gatehousectl\"\n"
           "  fish   gatehousectl completion fish > ~/.config/fish/completions/gatehousectl.fish",
       .run = run_completion,
       .word_count = 1,
       .choices = {"bash", "zsh", "fish"}},
      {.name = "help",
       .arguments = "[command]",
       .summary = "Prints help of a command",
       .run = run_help},
      {.name = "make-mirror",
       .arguments = "[options] <destination>",
       .summary = "Copies keys to another cluster, and goes on as they change",
       .flags = {{"prefix", kString, "", "only keys with this prefix"},
                 {"rev", kInt, "0", "only changes from this revision on (0: all keys first)"},
                 {"max-txn-ops", kUint, "128", "how many changes one transaction has at most"},
                 {"dest-prefix", kString, "",
                  "prefix at the destination, in place of the source's"},
                 {"no-dest-prefix", kBool, "", "no prefix at the destination"},
                 {"dest-cert", kString, "", "file with the certificate for the destination"},
                 {"dest-key", kString, "", "file with its key"},
                 {"dest-cacert", kString, "", "file with the authorities for the destination"},
                 {"dest-insecure-transport", kBool, "true", "no TLS to the destination"},
                 {"dest-user", kString, "", "name[:password] at the destination"},
                 {"dest-password", kString, "", "password at the destination"}},
       .run = run_make_mirror},
      {.name = "man",
       .arguments = "[directory]",
       .summary = "Prints the manual page, or writes those of all commands to a directory",
       .run = run_man},
      {.name = "options", .summary = "Prints the flags that every command has", .run = run_options},
      {.name = "version", .summary = "Prints the version", .run = run_version},
  };
}

}  // namespace gatehouse::ctl
