// What the streams of an HTTP/2 server and client have in common: the body that waits to be sent,
// the bytes received and not yet given back to the peer's window, and how the exchange ends.
//
// A stream only notes what its user wants and queues itself; the core submits that to nghttp2 from
// take_output(). So calls of one turn leave together, and no call of a handler runs a callback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/http/exchange.h"
#include "common/http/nghttp2_api.h"
#include "common/http/send_buffer.h"

namespace gatehouse::http {

class Http2Core;

class Http2Stream {
 public:
  explicit Http2Stream(Http2Core& core) : core_(core) {}
  virtual ~Http2Stream() = default;
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

 protected:
  friend class Http2Core;
  static constexpr size_t kNowhere = SIZE_MAX;

  // ---- what the user's calls come down to

  bool open_for_sending() const { return !closed_ && !silent_ && !ended_; }
  void append_body(std::string_view bytes);
  void end_body();
  size_t waiting() const { return out_.size(); }
  void give_back(size_t bytes);
  // Resets the stream on its user's behalf: nothing is told to the user any more.
  void reset_silently(ErrorCode code);
  // Resets the stream because of what the peer sent; the user hears it as on_abort.
  void fail(ErrorCode code, Status why);

  // ---- what the core tells

  // A pseudo-header, with its colon. False where it makes no sense; nghttp2 has checked most.
  virtual void on_pseudo_field(std::string_view name, std::string_view value) = 0;
  // All fields of a head or of trailers have come. Sets fields_ for the next block.
  virtual void on_fields_end(bool end_stream) = 0;
  // True if the user owes give_back() for them; else the core gives them back.
  virtual bool on_body(std::string_view bytes) = 0;
  virtual void on_body_end() = 0;
  virtual void on_writable() = 0;
  // The stream is over: regularly (null) or not. Destroys the handler where the stream owns it.
  virtual void on_closed(const Abort* abort) = 0;
  // Nothing is left to tell the user: an end of the stream now is no abort.
  virtual bool over() const = 0;
  // Submits to nghttp2 what can be.
  virtual void submit() = 0;
  // Back to how it was made, keeping memory.
  virtual void recycle();

  void submit_body();
  void submit_trailers();
  ng::DataProvider body_provider();

  Http2Core& core_;
  int32_t id_ = 0;
  size_t position_ = kNowhere;        // in Http2Core::active_
  size_t queue_position_ = kNowhere;  // in Http2Core::queued_

  Headers* fields_ = nullptr;  // where the fields of the next block go
  size_t field_bytes_ = 0;     // of the current block, by RFC 9113 section 6.5.2
  bool oversized_ = false;     // the block exceeds max_header_list_bytes; its rest was dropped

  bool bulky_ = false;  // an earlier block was large

  size_t unconsumed_ = 0;       // received, not yet given back
  size_t consumed_unsaid_ = 0;  // given back, not yet told to nghttp2

  SendBuffer out_;
  Headers trailers_out_;
  Status failure_;                 // why fail() was called
  const char* invalid_ = nullptr;  // what nghttp2 reset the stream for
  ErrorCode reset_code_ = ErrorCode::kNoError;
  bool reset_wanted_ = false;
  bool closed_ = false;        // nghttp2 has closed it, or the session ended
  bool silent_ = false;        // the user has gone
  bool ended_ = false;         // the user has sent the end
  bool end_sent_ = false;      // END_STREAM has left
  bool remote_ended_ = false;  // END_STREAM has come
  bool reset_by_peer_ = false;
  bool data_deferred_ = false;  // nghttp2 waits for resume_data
  bool trailers_submitted_ = false;
  bool above_low_water_ = false;
  bool writable_due_ = false;

 private:
  static ng::ssize read_body(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t room,
                             uint32_t* flags, nghttp2_data_source* source, void* core);
};

// A field for nghttp2. The text is not copied: it lives until the frame was sent or dropped.
nghttp2_nv borrow_field(std::string_view name, std::string_view value);
void borrow_fields(const Headers& headers, std::vector<nghttp2_nv>& fields);

}  // namespace gatehouse::http
