#include "text/tokenizer_data.h"

#include "text/byte_level.h"

namespace hearth::text {

std::string_view TokenizerData::text(TokenId id) const {
  const auto found = added_pieces.find(id);
  return found != added_pieces.end() ? std::string_view(found->second.text)
                                     : model.vocabulary.text(id);
}

std::string TokenizerData::written(TokenId id) const {
  const auto found = added_pieces.find(id);
  if (found != added_pieces.end()) return found->second.written;
  const std::string_view text = model.vocabulary.text(id);
  const bool is_bytes = !text.empty() && model.vocabulary.find(text, Spelling::kBytes).id == id;
  return is_bytes ? byte_level_encode(text) : std::string(text);
}

TokenId TokenizerData::entry_of(std::string_view written) const {
  if (written.empty()) return -1;
  if (spelling() == Spelling::kBytes) {
    if (const auto bytes = byte_level_decode(written)) return model.vocabulary.find(*bytes).id;
  }
  return model.vocabulary.find(written, Spelling::kCharacters).id;
}

}  // namespace hearth::text
