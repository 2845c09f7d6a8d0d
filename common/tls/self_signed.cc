#include "common/tls/self_signed.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "common/tls/certificate_writer.h"
#include "common/tls/files.h"
#include "common/tls/names.h"

namespace gatehouse::tls {
namespace {

constexpr unsigned kMaxValidityYears = 100;
constexpr int64_t kYearS = 365LL * 24 * 3600;

// RFC 1035 section 2.3.4.
constexpr size_t kMaxHostNameBytes = 253;

// The host of "host", "host:port", "[v6]", "[v6]:port" or "v6"; "" if it is none of these.
std::string host_of(const std::string& text) {
  if (!canonical_ip(text).empty()) return text;
  std::string host = text;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string::npos) return {};
    host = host.substr(1, end - 1);
    return canonical_ip(host).empty() ? std::string() : host;
  }
  host = host.substr(0, host.find(':'));
  if (host.empty() || host.size() > kMaxHostNameBytes) return {};
  for (const char c : host) {
    if (c <= ' ' || c >= 0x7f) return {};
  }
  return host;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

// Every directory of the path that is missing, with mode 0700.
Status make_directory(const std::string& directory) {
  std::filesystem::path path;
  for (const std::filesystem::path& part : std::filesystem::path(directory)) {
    path /= part;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST && !exists(path)) {
      return Status(StatusCode::kPermissionDenied, "tls: make directory " + path.string() + ": " +
                                                       std::generic_category().message(errno));
    }
  }
  return Status();
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::string& directory,
                                    const std::vector<std::string>& hosts,
                                    unsigned validity_years) {
  const SelfSigned files{directory + "/cert.pem", directory + "/key.pem"};
  if (validity_years == 0 || validity_years > kMaxValidityYears) {
    return invalid_argument("tls: the validity of a self-signed certificate is 1 to " +
                            std::to_string(kMaxValidityYears) + " years, not " +
                            std::to_string(validity_years));
  }
  CertificateSpec spec;
  spec.organization = "gatehouse";
  spec.for_servers = true;
  spec.for_clients = true;
  for (const std::string& text : hosts) {
    std::string host = host_of(text);
    if (host.empty()) {
      return invalid_argument("tls: \"" + text +
                              "\" is not a host a self-signed certificate can be made for");
    }
    spec.hosts.push_back(std::move(host));
  }
  if (spec.hosts.empty()) {
    return invalid_argument("tls: a self-signed certificate needs at least one host");
  }
  if (exists(files.cert_file) && exists(files.key_file)) return files;

  GATEHOUSE_RETURN_IF_ERROR(make_directory(directory));
  spec.not_before_s = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  spec.not_after_s = spec.not_before_s + validity_years * kYearS;
  Result<std::string> key = make_key();
  if (!key.ok()) return key.status();
  Result<std::string> certificate = make_certificate(spec, *key, "", *key);
  Status written;
  if (certificate.ok()) {
    written = write_file(files.key_file, *key, 0600);
    if (written.ok()) written = write_file(files.cert_file, *certificate, 0644);
  }
  wipe(*key);
  if (!certificate.ok()) return certificate.status();
  if (!written.ok()) return written;
  return files;
}

}  // namespace gatehouse::tls
