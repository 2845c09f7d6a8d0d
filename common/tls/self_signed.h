// Certificates made on the spot: what --auto-tls and --peer-auto-tls serve with.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::tls {

struct SelfSigned {
  std::string cert_file;  // <directory>/cert.pem
  std::string key_file;   // <directory>/key.pem, mode 0600
};

// Makes a self-signed certificate (ECDSA P-256, for server and client use) in `directory`, which is
// created with mode 0700 if absent. If both files are there already they are kept as they are,
// whatever they hold; if one is missing both are made anew. Each appears whole (written aside,
// synced, renamed), the key first.
//
// `hosts` become the subject alternative names: each a DNS name or an IP address, with or without
// ":port". At least one. `validity_years` is 1..100, of 365 days each, from now.
Result<SelfSigned> make_self_signed(const std::string& directory,
                                    const std::vector<std::string>& hosts, unsigned validity_years);

}  // namespace gatehouse::tls
