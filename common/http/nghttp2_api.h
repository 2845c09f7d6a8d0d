// nghttp2, and the few names that differ between its versions: 1.60 renamed what returns ssize_t.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <memory>

namespace gatehouse::http::ng {

#if NGHTTP2_VERSION_NUM >= 0x013c00
using ssize = nghttp2_ssize;
using DataProvider = nghttp2_data_provider2;
inline ssize mem_recv(nghttp2_session* session, const uint8_t* bytes, size_t size) {
  return nghttp2_session_mem_recv2(session, bytes, size);
}
inline ssize mem_send(nghttp2_session* session, const uint8_t** bytes) {
  return nghttp2_session_mem_send2(session, bytes);
}
inline int32_t submit_request(nghttp2_session* session, const nghttp2_nv* fields, size_t count,
                              const DataProvider* body, void* stream) {
  return nghttp2_submit_request2(session, nullptr, fields, count, body, stream);
}
inline int submit_response(nghttp2_session* session, int32_t id, const nghttp2_nv* fields,
                           size_t count, const DataProvider* body) {
  return nghttp2_submit_response2(session, id, fields, count, body);
}
#else
using ssize = ssize_t;
using DataProvider = nghttp2_data_provider;
inline ssize mem_recv(nghttp2_session* session, const uint8_t* bytes, size_t size) {
  return nghttp2_session_mem_recv(session, bytes, size);
}
inline ssize mem_send(nghttp2_session* session, const uint8_t** bytes) {
  return nghttp2_session_mem_send(session, bytes);
}
inline int32_t submit_request(nghttp2_session* session, const nghttp2_nv* fields, size_t count,
                              const DataProvider* body, void* stream) {
  return nghttp2_submit_request(session, nullptr, fields, count, body, stream);
}
inline int submit_response(nghttp2_session* session, int32_t id, const nghttp2_nv* fields,
                           size_t count, const DataProvider* body) {
  return nghttp2_submit_response(session, id, fields, count, body);
}
#endif

struct SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionDeleter>;

}  // namespace gatehouse::http::ng
