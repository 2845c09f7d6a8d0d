// Context: certificates, keys, roots and limits, parsed and checked once; sessions are created from
// it.
//
// Immutable, so one Context serves sessions on any number of threads at once; a Session keeps its
// Context alive.
#pragma once

#include <memory>

#include "common/base/result.h"
#include "common/tls/options.h"

namespace gatehouse::tls {

class Context {
 public:
  // Reads every file the options name. Errors (kInvalidArgument for what the operator wrote,
  // kNotFound or kPermissionDenied for a file that cannot be read) name the option and the file:
  // "tls: key_file /etc/k.pem: does not match the certificate of cert_file /etc/c.pem", "tls:
  // min_version: TLS1.3 is not supported by mbed TLS 2.28.3".
  static Result<std::shared_ptr<const Context>> server(const ServerOptions& options);
  static Result<std::shared_ptr<const Context>> client(const ClientOptions& options);

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  bool is_server() const;

  // For Session; defined in this room only.
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Context(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::tls
