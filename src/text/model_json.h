// Reads "model" of a tokenizer.json: the vocabulary and its merges.
#pragma once

#include "base/result.h"
#include "text/bpe_model.h"
#include "text/tokenizer_file.h"

namespace hearth::text {

/// The tables of a BPE model. Entries stand for bytes when `may_spell_bytes` (text reaches the
/// model in the byte-level alphabet) and every byte of UTF-8 has a token, so that nothing but
/// merges decides the ids; else they stand for what is written in the file. kCorrupt for ids given
/// twice and for merges of or to what is no entry, kUnsupported for other models and for dropout.
Result<BpeModel> read_model(const TokenizerFile& file, bool may_spell_bytes);

/// Which of the two `model` is.
Spelling spelling_of(const BpeModel& model);

}  // namespace hearth::text
