// A made-up byte-level BPE tokenizer in the shape of Phi-4-mini's. Internal to the folder maker.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::onnx {

/// Smallest and largest vocabularies for which there is a made-up tokenizer.
inline constexpr std::int64_t kSynthVocabMin = 384;
inline constexpr std::int64_t kSynthVocabMax = 524288;

/// An added token as tokenizer.json describes it; lstrip, normalized and single_word are false.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool rstrip = false;
  bool special = false;
};

/// Ids 0..255 are the bytes, then one id per merge; the added tokens stand 65 to 36 ids below the
/// end, the last 35 ids are padding, as in Phi-4-mini's vocabulary of 200,064. Ids between the
/// mergeable tokens and the second added one are reserved entries of the vocabulary.
struct SynthTokenizer {
  std::vector<std::string> tokens;  ///< mergeable tokens by id, in the byte-level alphabet
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added;

  std::int64_t end_of_text_id() const { return added[0].id; }
  std::int64_t end_id() const { return added[3].id; }
};

/// The same vocabulary size always gives the same tokenizer. kInvalidArgument outside
/// [kSynthVocabMin, kSynthVocabMax].
Result<SynthTokenizer> make_synth_tokenizer(std::int64_t vocab_size);

/// The files that describe it, as the tools of the release write them.
std::string tokenizer_json(const SynthTokenizer& tokenizer);
std::string tokenizer_config_json(const SynthTokenizer& tokenizer, std::int64_t length_max);
std::string special_tokens_map_json(const SynthTokenizer& tokenizer);
std::string added_tokens_json(const SynthTokenizer& tokenizer);
std::string vocab_json(const SynthTokenizer& tokenizer);
std::string merges_txt(const SynthTokenizer& tokenizer);

}  // namespace hearth::onnx
