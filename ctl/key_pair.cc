#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "ctl/invocation.h"

namespace gatehouse::ctl {
namespace {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

Bio reader_of(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

}  // namespace

Exit check_key_pair(const std::string& certificate_pem, const std::string& key_pem) {
  const Bio certificate_reader = reader_of(certificate_pem);
  const Certificate certificate(
      PEM_read_bio_X509(certificate_reader.get(), nullptr, nullptr, nullptr));
  if (!certificate) return bad_arguments("tls: failed to find any PEM data in certificate input");
  const Bio key_reader = reader_of(key_pem);
  const Key key(PEM_read_bio_PrivateKey(key_reader.get(), nullptr, nullptr, nullptr));
  if (!key) return bad_arguments("tls: failed to find any PEM data in key input");
  if (X509_check_private_key(certificate.get(), key.get()) == 1) return {};
  return bad_arguments("tls: private key does not match public key");
}

}  // namespace gatehouse::ctl
