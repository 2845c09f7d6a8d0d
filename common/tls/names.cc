#include "common/tls/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gatehouse::tls {
namespace {

// Context-specific primitive tags of GeneralName, RFC 5280 section 4.2.1.6.
constexpr int kDnsName = 0x82;
constexpr int kUri = 0x86;
constexpr int kIpAddress = 0x87;

// More names than this make an error text unreadable.
constexpr size_t kNamesInText = 8;

std::string_view view(const mbedtls_asn1_buf& buffer) {
  return {reinterpret_cast<const char*>(buffer.p), buffer.len};
}

std::string ip_text(std::string_view bytes) {
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (bytes.size() == 16 && bytes.starts_with(kMapped)) bytes.remove_prefix(kMapped.size());
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool matches_dns(std::string_view pattern, std::string_view host) {
  pattern = without_final_dot(pattern);
  if (pattern.empty() || host.empty()) return false;
  if (pattern.starts_with("*.") && pattern.size() > 2) {
    const size_t dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           equal_without_case(pattern.substr(1), host.substr(dot));
  }
  return equal_without_case(pattern, host);
}

void append_all(std::string& text, const std::vector<std::string>& names, size_t& count) {
  for (const std::string& name : names) {
    if (++count > kNamesInText) return;
    if (count > 1) text += ", ";
    text += name;
  }
}

}  // namespace

PeerCertificate read_names(const mbedtls_x509_crt& certificate) {
  PeerCertificate names;
  for (const mbedtls_x509_name* part = &certificate.subject; part != nullptr; part = part->next) {
    if (part->oid.p != nullptr && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) {
      names.common_name = view(part->val);
    }
  }
  for (const mbedtls_x509_sequence* name = &certificate.subject_alt_names; name != nullptr;
       name = name->next) {
    if (name->buf.p == nullptr) continue;
    if (name->buf.tag == kDnsName) names.dns_names.emplace_back(view(name->buf));
    if (name->buf.tag == kUri) names.uris.emplace_back(view(name->buf));
    if (name->buf.tag == kIpAddress) {
      if (std::string text = ip_text(view(name->buf)); !text.empty()) {
        names.ip_addresses.push_back(std::move(text));
      }
    }
  }
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < certificate.serial.len; i++) {
    names.serial_hex += kDigits[certificate.serial.p[i] >> 4];
    names.serial_hex += kDigits[certificate.serial.p[i] & 15];
  }
  return names;
}

std::string canonical_ip(std::string_view text) {
  const std::string host(text);
  if (host.find('\0') != std::string::npos) return {};
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return ip_text({bytes.data(), 4});
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return ip_text({bytes.data(), 16});
  return {};
}

bool is_valid_for(const PeerCertificate& certificate, std::string_view host) {
  if (const std::string ip = canonical_ip(host); !ip.empty()) {
    return std::find(certificate.ip_addresses.begin(), certificate.ip_addresses.end(), ip) !=
           certificate.ip_addresses.end();
  }
  host = without_final_dot(host);
  return std::any_of(certificate.dns_names.begin(), certificate.dns_names.end(),
                     [&](const std::string& name) { return matches_dns(name, host); });
}

std::string mismatch_text(const PeerCertificate& certificate, std::string_view host) {
  std::string text = "tls: certificate is valid for ";
  size_t count = 0;
  append_all(text, certificate.dns_names, count);
  append_all(text, certificate.ip_addresses, count);
  if (count == 0) {
    return "tls: certificate has no DNS name or IP address among its subject alternative names, so "
           "it is not valid "
           "for " +
           std::string(host) + " (the common name does not count)";
  }
  if (count > kNamesInText) text += ", …";
  return text + ", not " + std::string(host);
}

std::string subject_text(const mbedtls_x509_name& name) {
  std::array<char, 512> text{};
  const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &name);
  return size > 0 ? std::string(text.data(), static_cast<size_t>(size)) : std::string();
}

}  // namespace gatehouse::tls
