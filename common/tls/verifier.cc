#include "common/tls/verifier.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "common/tls/credentials.h"
#include "common/tls/names.h"

namespace gatehouse::tls {
namespace {

std::string time_text(const mbedtls_x509_time& time) {
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", time.year, time.mon,
                time.day, time.hour, time.min, time.sec);
  return text.data();
}

std::string with_subject(std::string text, const mbedtls_x509_name& subject) {
  const std::string name = subject_text(subject);
  return name.empty() ? text : text + " (" + name + ")";
}

void set_once(std::string& to, std::string text) {
  if (to.empty()) to = std::move(text);
}

}  // namespace

Verifier::Verifier(const Context::Impl& context, std::string host)
    : context_(context), host_(std::move(host)) {}

int Verifier::on_certificate(void* verifier, mbedtls_x509_crt* certificate, int depth,
                             uint32_t* flags) {
  static_cast<Verifier*>(verifier)->judge(*certificate, depth, *flags);
  return 0;  // anything else would hide the reason: mbed TLS then reports all flags at once
}

void Verifier::judge(const mbedtls_x509_crt& certificate, int depth, uint32_t& flags) {
  if (context_.revoked.has_value() && is_revoked(certificate, *context_.revoked)) {
    flags |= MBEDTLS_X509_BADCERT_REVOKED;
    set_once(revoked_text_,
             "tls: certificate is revoked: serial number " + read_names(certificate).serial_hex);
  }
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
    set_once(dates_text_,
             with_subject("tls: certificate has expired or is not yet valid: not after " +
                              time_text(certificate.valid_to),
                          certificate.subject));
  }
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
    set_once(dates_text_,
             with_subject("tls: certificate has expired or is not yet valid: not before " +
                              time_text(certificate.valid_from),
                          certificate.subject));
  }
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    const std::string issuer = subject_text(certificate.issuer);
    set_once(authority_text_, "tls: certificate signed by unknown authority" +
                                  (issuer.empty() ? issuer : " (issuer " + issuer + ")"));
  }
  if (depth != 0) return;
  judged_ = true;
  // mbed TLS 2.28 knows no IP addresses and both versions fall back to the common name: the names
  // are judged here.
  flags &= ~static_cast<uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
  const PeerCertificate names = read_names(certificate);
  if (context_.server) {
    judge_client_name(names, flags);
  } else {
    judge_server_name(names, flags);
  }
}

void Verifier::judge_server_name(const PeerCertificate& names, uint32_t& flags) {
  if (!context_.verifies || is_valid_for(names, host_)) return;
  flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  name_text_ = mismatch_text(names, host_);
}

void Verifier::judge_client_name(const PeerCertificate& names, uint32_t& flags) {
  const std::vector<std::string>& names_allowed = context_.allowed_cn;
  if (!names_allowed.empty() && std::find(names_allowed.begin(), names_allowed.end(),
                                          names.common_name) == names_allowed.end()) {
    flags |= MBEDTLS_X509_BADCERT_OTHER;
    name_text_ =
        "tls: client certificate's common name \"" + names.common_name + "\" is not allowed";
  }
  const std::vector<std::string>& hosts_allowed = context_.allowed_hostname;
  if (!hosts_allowed.empty() &&
      std::none_of(hosts_allowed.begin(), hosts_allowed.end(),
                   [&](const std::string& host) { return is_valid_for(names, host); })) {
    flags |= MBEDTLS_X509_BADCERT_OTHER;
    name_text_ = "tls: client certificate is not valid for an allowed host name";
  }
}

bool Verifier::accepts(uint32_t result) const {
  if (!context_.verifies || result == 0) return true;
  // Nothing was presented, and nothing was asked for or it was optional.
  return context_.server && context_.client_auth != ClientAuth::kRequire && !judged_ &&
         (result & ~static_cast<uint32_t>(MBEDTLS_X509_BADCERT_MISSING |
                                          MBEDTLS_X509_BADCERT_SKIP_VERIFY)) == 0;
}

Status Verifier::refusal(uint32_t result) const {
  std::string text;
  if ((result & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0) {
    text = dates_text_;
  } else if ((result & MBEDTLS_X509_BADCERT_REVOKED) != 0) {
    text = revoked_text_;
  } else if ((result & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    text = authority_text_;
  } else if ((result & (MBEDTLS_X509_BADCERT_CN_MISMATCH | MBEDTLS_X509_BADCERT_OTHER)) != 0) {
    text = name_text_;
  } else if ((result & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
                        MBEDTLS_X509_BADCERT_NS_CERT_TYPE)) != 0) {
    text = context_.server ? "tls: certificate is not for use by clients (key usage)"
                           : "tls: certificate is not for use by servers (key usage)";
  } else if ((result & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
                        MBEDTLS_X509_BADCERT_BAD_KEY)) != 0) {
    text = "tls: certificate has a key or signature that is too weak or not supported";
  }
  if (text.empty()) text = "tls: certificate cannot be verified";
  return Status(StatusCode::kUnauthenticated, std::move(text));
}

}  // namespace gatehouse::tls
