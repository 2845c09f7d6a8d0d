#include "ctl/invocation.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "ctl/json.h"

extern char** environ;  // NOLINT: POSIX

namespace gatehouse::ctl {
namespace {

constexpr std::string_view kPrefix = "ETCDCTL_";

std::string variable_of(const Flag& flag) {
  std::string name(kPrefix);
  for (const char c : flag.name) {
    name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

// A log line such as etcd's programs write.
void log_line(std::string_view level, std::string_view message, const std::string& variable) {
  const std::string line = JsonObject()
                               .text("level", level)
                               .text("msg", message)
                               .text("environment-variable", variable)
                               .finish();
  std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace

Exit read_file(const std::string& path, std::string& content, int code) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    std::string why = std::strerror(error);
    why[0] = static_cast<char>(std::tolower(why[0]));
    return {code, "open " + path + ": " + why};
  }
  std::ostringstream bytes;
  bytes << file.rdbuf();
  content = bytes.str();
  return {};
}

std::optional<std::string> read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

std::string ask_password(const std::string& prompt) {
  std::fwrite(prompt.data(), 1, prompt.size(), stdout);
  std::fflush(stdout);
  termios shown{};
  const bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string password = read_line().value_or("");
  if (terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  std::fputs("\n", stdout);
  return password;
}

Exit Invocation::read_environment() {
  std::vector<std::string> known = {"ETCDCTL_WATCH_KEY", "ETCDCTL_WATCH_RANGE_END"};
  for (const Flag& flag : path.front()->shared_flags) {
    const std::string variable = variable_of(flag);
    known.push_back(variable);
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    if (flags.given(flag.name)) {
      log_line("fatal",
               "conflicting environment variable is shadowed by corresponding command-line flag "
               "(either unset environment variable or disable flag))",
               variable);
      return {kExitError};
    }
    // What cannot be read leaves the initial value, as it does with etcdctl.
    (void)flags.set(flag, value).ok();
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with(kPrefix)) continue;
    const std::string name(text.substr(0, text.find('=')));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      log_line("warn", "unrecognized environment variable", std::string(text));
    }
  }
  return {};
}

Exit Invocation::prepare_output() {
  out.hex = flags.boolean("hex");
  if (flags.boolean("debug")) {
    std::map<std::string, std::string> in_force;
    for (const Flag& flag : path.front()->shared_flags) {
      in_force[variable_of(flag)] = flags.printed(flag.name);
    }
    for (const auto& [name, value] : in_force) {
      std::fprintf(stderr, "%s=%s\n", name.c_str(), value.c_str());
    }
  }
  return parse_format(flags.text("write-out"), out.format);
}

Exit Invocation::tls_options(Credentials& tls) const {
  for (const char* name : {"cert", "key", "cacert"}) {
    if (flags.given(name) && flags.text(name).empty()) {
      return bad_arguments("empty string is passed to --" + std::string(name) + " option");
    }
  }
  const std::string& certificate = flags.text("cert");
  const std::string& key = flags.text("key");
  const std::string& ca = flags.text("cacert");
  if (certificate.empty() != key.empty()) {
    return bad_arguments("KeyFile and CertFile must both be present[key: " + key +
                         ", cert: " + certificate + "]");
  }
  if (!certificate.empty()) {
    CTL_RETURN_IF_FAILED(read_file(certificate, tls.certificate));
    CTL_RETURN_IF_FAILED(read_file(key, tls.key));
    CTL_RETURN_IF_FAILED(check_key_pair(tls.certificate, tls.key));
  }
  if (!ca.empty()) CTL_RETURN_IF_FAILED(read_file(ca, tls.ca));
  tls.verify = !flags.boolean("insecure-skip-tls-verify");
  tls.use =
      !certificate.empty() || !ca.empty() || !tls.verify || !flags.boolean("insecure-transport");
  return {};
}

Exit Invocation::user_options(ClientOptions& options) const {
  options.token = flags.text("auth-jwt-token");
  if (!options.token.empty()) return {};
  const std::string& user = flags.text("user");
  const std::string& password = flags.text("password");
  if (user.empty()) return {};
  if (!password.empty()) {
    options.user =
        user.substr(0, user.find(':') == std::string::npos ? user.size() : user.find(':'));
    options.password = password;
    return {};
  }
  const size_t colon = user.find(':');
  options.user = user.substr(0, colon);
  if (options.user.empty()) return bad_arguments("empty user name is not allowed");
  options.password =
      colon == std::string::npos ? ask_password("Password: ") : user.substr(colon + 1);
  return {};
}

Exit Invocation::endpoints(std::vector<std::string>& list) const {
  const std::string& domain = flags.text("discovery-srv");
  if (domain.empty()) {
    list = flags.texts("endpoints");
    return {};
  }
  CTL_RETURN_IF_FAILED(discover(domain, flags.text("discovery-srv-name"), list));
  if (!flags.boolean("insecure-discovery")) {
    std::erase_if(list, [](const std::string& url) { return !url.starts_with("https://"); });
  }
  return {};
}

Exit Invocation::client_options(ClientOptions& options) {
  CTL_RETURN_IF_FAILED(prepare_output());
  CTL_RETURN_IF_FAILED(endpoints(options.endpoints));
  CTL_RETURN_IF_FAILED(tls_options(options.tls));
  options.dial_timeout = flags.duration("dial-timeout");
  options.command_timeout = flags.duration("command-timeout");
  options.keepalive_time = flags.duration("keepalive-time");
  options.keepalive_timeout = flags.duration("keepalive-timeout");
  options.max_request_bytes = flags.integer("max-request-bytes");
  options.max_receive_bytes = flags.integer("max-recv-bytes");
  return user_options(options);
}

Exit Invocation::connect() {
  ClientOptions options;
  CTL_RETURN_IF_FAILED(client_options(options));
  Result<std::unique_ptr<Client>> client = Client::connect(std::move(options));
  if (!client.ok()) return failed(client.status(), kExitBadConnection);
  client_ = std::move(*client);
  return {};
}

}  // namespace gatehouse::ctl
