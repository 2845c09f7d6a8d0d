#include "common/rpc/framing.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/codec/fixed.h"

namespace gatehouse::rpc {

std::array<char, kPrefixBytes> message_prefix(size_t bytes, bool compressed) {
  CHECK(bytes <= UINT32_MAX);
  std::array<char, kPrefixBytes> prefix;
  prefix[0] = compressed ? 1 : 0;
  codec::store_big_endian(prefix.data() + 1, static_cast<uint32_t>(bytes));
  return prefix;
}

void append_message(std::string& out, std::string_view message, bool compressed) {
  const auto prefix = message_prefix(message.size(), compressed);
  out.append(prefix.data(), prefix.size());
  out.append(message);
}

bool MessageDecoder::read_prefix() {
  const uint8_t format = static_cast<uint8_t>(prefix_[0]);
  if (format > 1) {
    error_ = internal_error("grpc: received unexpected payload format " + std::to_string(format));
    return false;
  }
  length_ = codec::load_big_endian<uint32_t>(prefix_.data() + 1);
  if (length_ > max_bytes_) {
    error_ =
        resource_exhausted("grpc: received message larger than max (" + std::to_string(length_) +
                           " vs. " + std::to_string(max_bytes_) + ")");
    return false;
  }
  return true;
}

MessageDecoder::Next MessageDecoder::next(std::string_view& in, Message& message) {
  if (!error_.ok()) return Next::kError;
  if (handed_out_) {
    handed_out_ = false;
    // A stream of mostly small messages does not keep the room of its largest for ever.
    if (kept_.capacity() > kFirstReserve) {
      kept_ = std::string();
    } else {
      kept_.clear();
    }
  }
  if (prefix_have_ < kPrefixBytes) {
    const size_t take = std::min(kPrefixBytes - prefix_have_, in.size());
    std::copy_n(in.data(), take, prefix_.data() + prefix_have_);
    prefix_have_ += take;
    in.remove_prefix(take);
    if (prefix_have_ < kPrefixBytes) return Next::kNeedBytes;
    if (!read_prefix()) return Next::kError;
  }
  if (kept_.empty() && in.size() >= length_) {
    message.bytes = in.substr(0, length_);
    in.remove_prefix(length_);
  } else {
    const size_t take = std::min(length_ - kept_.size(), in.size());
    if (kept_.capacity() - kept_.size() < take) {
      kept_.reserve(
          std::min(length_, std::max({kFirstReserve, 2 * kept_.size(), kept_.size() + take})));
    }
    kept_.append(in.data(), take);
    in.remove_prefix(take);
    if (kept_.size() < length_) return Next::kNeedBytes;
    message.bytes = kept_;
    handed_out_ = true;
  }
  message.compressed = prefix_[0] == 1;
  prefix_have_ = 0;
  return Next::kMessage;
}

void MessageDecoder::move_out(Message& message, std::string& holder) {
  if (!handed_out_) return;
  holder = std::move(kept_);
  kept_.clear();
  handed_out_ = false;
  message.bytes = holder;
}

}  // namespace gatehouse::rpc
