// The page at /ui: members, leader, disk, requests and keys at a glance, live, for member and
// proxy.
//
// One text without outside hosts, built from the files beside this one (embed.cmake). It asks the
// JSON gateway and /metrics of the port it came from, as whoever opened it: it can do nothing that
// its reader could not, reads only, and knows of auth by the token that its reader signs in for.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/web/answer.h"

namespace gatehouse::ui {

enum class Role : uint8_t { kMember, kProxy };

// Whether the path (without its query) is the page's: "/ui" or "/ui/".
bool is_page(std::string_view path);

// The page with its headers. Content-Security-Policy lets nothing run but the page's own script, by
// its hash, and nothing be asked but the port it came from; what is stored under a key cannot
// become markup (Trusted Types). Lives for ever; any thread.
const web::Answer& page(Role role);

}  // namespace gatehouse::ui
