// Invocation: one run of a command - its words and flags, the environment's, where output goes, and
// the client, once asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ctl/command.h"
#include "ctl/flags.h"
#include "ctl/output.h"
#include "ctl/rpc.h"

namespace gatehouse::ctl {

class Invocation {
 public:
  Invocation(std::string program_name, CommandPath command_path, FlagValues values,
             ParsedWords parsed)
      : program(std::move(program_name)),
        path(std::move(command_path)),
        flags(std::move(values)),
        words(std::move(parsed.words)),
        dash(parsed.dash) {}

  const std::string program;  // as it was called: "gatehousectl", or a link's name
  const CommandPath path;
  FlagValues flags;
  const std::vector<std::string> words;
  const std::optional<size_t> dash;  // how many of the words came before "--"
  Output out;

  // Global flags that the command line does not give come from ETCDCTL_<NAME>. Both: an error.
  Exit read_environment();
  // Reads the output's flags. Commands that need no cluster call this, others connect().
  Exit prepare_output();
  // The output, then the cluster of the global flags. kExitBadConnection, kExitBadArguments.
  Exit connect();
  // What connect() connects by; for commands that connect to one endpoint after the other.
  Exit client_options(ClientOptions& options);
  // After connect().
  Client& client() { return *client_; }

 private:
  Exit tls_options(Credentials& tls) const;
  Exit user_options(ClientOptions& options) const;
  Exit endpoints(std::vector<std::string>& list) const;

  std::unique_ptr<Client> client_;
};

// "open nope: no such file or directory" as Go has it.
Exit read_file(const std::string& path, std::string& content, int code = kExitBadArguments);

// The first certificate's key is that key.
Exit check_key_pair(const std::string& certificate_pem, const std::string& key_pem);

// Asks on stdout and reads a line from stdin, not shown where that is a terminal.
std::string ask_password(const std::string& prompt);
// A line of stdin without its end; nothing at the end of input.
std::optional<std::string> read_line();

// Endpoints that DNS SRV records of `domain` name: _etcd-client-ssl._tcp as https://, then
// _etcd-client._tcp as http://; with `service`, _etcd-client-ssl-<service>._tcp and so on.
Exit discover(const std::string& domain, const std::string& service,
              std::vector<std::string>& endpoints);

}  // namespace gatehouse::ctl
