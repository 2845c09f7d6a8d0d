#include <string>
#include <string_view>
#include <vector>

#include "ctl/command_table.h"
#include "ctl/dispatch.h"

int main(int argc, char** argv) {
  std::string_view program = argc > 0 ? argv[0] : "gatehousectl";
  program.remove_prefix(program.rfind('/') + 1);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return gatehouse::ctl::run_program(gatehouse::ctl::command_table(), std::string(program),
                                     arguments);
}
