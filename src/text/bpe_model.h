// BpeModel: the large tables of a tokenizer, those of "model" in tokenizer.json.
#pragma once

#include <array>

#include "base/token.h"
#include "text/bpe.h"
#include "text/vocabulary.h"

namespace hearth::text {

/// Immutable once made; copies share the tables.
struct BpeModel {
  Vocabulary vocabulary;                ///< model.vocab
  MergeTable merges;                    ///< model.merges
  std::array<TokenId, 256> byte_ids{};  ///< entries of single bytes; -1 where there is none

  /// Completes a model: finds `byte_ids`, and marks the byte-level entries that merging their own
  /// bytes gives back, which is nearly all: a piece equal to one of them need not be merged.
  static BpeModel build(Vocabulary vocabulary, MergeTable merges);
};

}  // namespace hearth::text
