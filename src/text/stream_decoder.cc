// StreamDecoder: holds back the start of a character until it is complete.
#include "text/stream_decoder.h"

#include <utility>

#include "text/utf8.h"

namespace hearth::text {

Result<std::string> StreamDecoder::push(TokenId id) {
  HEARTH_TRY(const std::string bytes, tokenizer_.decode_bytes({&id, 1}, skip_special_));
  held_ += bytes;
  std::string out;
  utf8_take_certain(held_, out);
  return out;
}

std::string StreamDecoder::flush() { return utf8_replace_invalid(std::exchange(held_, {})); }

}  // namespace hearth::text
