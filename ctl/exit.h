// Exit: how a command ended, for the shell. The numbers are etcdctl's; scripts branch on them.
#pragma once

#include <string>
#include <utility>

#include "common/base/status.h"

namespace gatehouse::ctl {

enum ExitCode : int {
  kExitOk = 0,
  kExitError = 1,          // an RPC's error, a flag that cannot be read, an unhealthy cluster
  kExitBadConnection = 2,  // no connection, no authentication
  kExitInvalidInput = 3,   // txn's and watch's input
  kExitBadFeature = 4,     // a format or a choice that there is not
  kExitInterrupted = 5,    // a watch that was cancelled, a snapshot that failed
  kExitInputOutput = 6,
  kExitBadArguments = 128,
};

struct [[nodiscard]] Exit {
  int code = kExitOk;
  std::string message = {};  // "": nothing is printed; else "Error: <message>" on stderr
  bool usage = false;        // the command's usage follows

  bool ok() const { return code == kExitOk; }
};

inline Exit bad_arguments(std::string message) { return {kExitBadArguments, std::move(message)}; }
inline Exit bad_feature(std::string message) { return {kExitBadFeature, std::move(message)}; }
inline Exit invalid_input(std::string message) { return {kExitInvalidInput, std::move(message)}; }
// What an RPC or a file said, as it stands.
inline Exit failed(const Status& status, int code = kExitError) { return {code, status.message()}; }

}  // namespace gatehouse::ctl

// Leaves the enclosing function (which returns Exit) when the expression is not a success.
#define CTL_RETURN_IF_FAILED(expression)                      \
  do {                                                        \
    ::gatehouse::ctl::Exit exit_of_expression = (expression); \
    if (!exit_of_expression.ok()) return exit_of_expression;  \
  } while (false)
// The same for a Status, which is a plain error (exit code 1).
#define CTL_RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                     \
    ::gatehouse::Status status_of_expression = (expression);                               \
    if (!status_of_expression.ok()) return ::gatehouse::ctl::failed(status_of_expression); \
  } while (false)
