// nghttp2's callbacks into Http2Core, one table for all sessions.
#pragma once

#include "common/http/nghttp2_api.h"

namespace gatehouse::http {

const nghttp2_session_callbacks* http2_callbacks();

}  // namespace gatehouse::http
