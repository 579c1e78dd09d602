// StreamDecoder: bytes of byte-level tokens are text as they are; all else goes through the file's
// decoder.
#include "text/stream_decoder.h"

#include <utility>

#include "text/tokenizer_data.h"
#include "text/utf8.h"

namespace hearth::text {

StreamDecoder::StreamDecoder(Tokenizer tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

Result<void> StreamDecoder::push(TokenId id, std::string& out) {
  const TokenizerData& data = *tokenizer_.data_;
  if (id < 0) {
    return fail(ErrorCode::kInvalidArgument, "token id " + std::to_string(id) + " is negative");
  }
  if (!tokenizer_.has_id(id) || (skip_special_ && tokenizer_.is_special(id))) return {};
  if (data.decodes_bytes()) {
    held_ += data.text(id);
    utf8_take_certain(held_, out);
  } else {
    if (!run_) run_.emplace(data.decoder);
    out += run_->push(data.written(id));
  }
  return {};
}

Result<std::string> StreamDecoder::push(TokenId id) {
  std::string out;
  HEARTH_TRY_VOID(push(id, out));
  return out;
}

void StreamDecoder::flush(std::string& out) {
  if (run_) {
    out += run_->finish();
    run_.reset();
  }
  out += utf8_replace_invalid(std::exchange(held_, {}));
}

std::string StreamDecoder::flush() {
  std::string out;
  flush(out);
  return out;
}

}  // namespace hearth::text
