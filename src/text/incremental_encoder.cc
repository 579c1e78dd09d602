#include "text/incremental_encoder.h"

#include <algorithm>

#include "text/encode.h"
#include "text/utf8.h"

namespace hearth::text {

IncrementalEncoder::IncrementalEncoder(Tokenizer tokenizer, EncodeOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

IncrementalEncoder::~IncrementalEncoder() = default;

/// How many cuts the new text has where the last one has them. Whether an added token matches is
/// decided by its own bytes, by whether a longer one matches, and by the character behind it and
/// behind the white space it swallows; all of these must be common.
std::size_t IncrementalEncoder::common_cuts(std::string_view utf8) const {
  const auto common = static_cast<std::size_t>(
      std::mismatch(text_.begin(), text_.end(), utf8.begin(), utf8.end()).first - text_.begin());
  constexpr std::size_t kCharacterBytesMax = 4;
  const std::size_t margin = tokenizer_.data_->added.longest_bytes() + kCharacterBytesMax;
  const auto end = std::find_if(cuts_.begin(), cuts_.end(), [&](const EncodeCut& cut) {
    return cut.text_bytes + margin > common;
  });
  return static_cast<std::size_t>(end - cuts_.begin());
}

Result<void> IncrementalEncoder::extend(std::string_view utf8) {
  const TokenizerData& data = *tokenizer_.data_;
  cuts_.resize(common_cuts(utf8));
  reused_bytes_ = cuts_.empty() ? 0 : cuts_.back().text_bytes;
  HEARTH_TRY_VOID(check_encodable(utf8, reused_bytes_));
  if (cuts_.empty()) {
    ids_.clear();
    if (options_.add_post_tokens) ids_ = data.post.before;
  } else {
    ids_.resize(cuts_.back().ids);
  }
  HEARTH_TRY_VOID(encode_from(data, utf8, reused_bytes_, options_.parse_special, ids_, &cuts_));
  if (options_.add_post_tokens) {
    ids_.insert(ids_.end(), data.post.after.begin(), data.post.after.end());
  }
  text_ = utf8;
  return {};
}

Result<std::span<const TokenId>> IncrementalEncoder::encode(std::string_view utf8) {
  std::string replaced;
  if (options_.replace_invalid && utf8_find_invalid(utf8)) {
    replaced = utf8_replace_invalid(utf8);
    utf8 = replaced;
  }
  if (const auto extended = extend(utf8); !extended) {
    forget();
    return tl::unexpected<Error>(extended.error());
  }
  return std::span<const TokenId>(ids_);
}

void IncrementalEncoder::forget() {
  text_.clear();
  ids_.clear();
  cuts_.clear();
  reused_bytes_ = 0;
}

}  // namespace hearth::text
