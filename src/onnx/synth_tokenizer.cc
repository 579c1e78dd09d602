// Makes the merges: letter pairs, syllables, words of two syllables, each also with a space before
// it.
#include "onnx/synth_tokenizer.h"

#include <array>
#include <string_view>
#include <unordered_set>

namespace hearth::onnx {
namespace {

constexpr std::int64_t kBytes = 256;
constexpr std::int64_t kTailIds = 66;   ///< ids after the last mergeable one, a gap of one included
const std::string kSpace = "\u0120";    // "Ġ", the byte 0x20 in the byte-level alphabet
const std::string kNewline = "\u010a";  // "Ċ"

std::string utf8(char32_t code_point) {
  std::string text;
  if (code_point < 0x80) {
    text.push_back(static_cast<char>(code_point));
  } else {  // the alphabet ends at U+0143
    text.push_back(static_cast<char>(0xc0 | (code_point >> 6)));
    text.push_back(static_cast<char>(0x80 | (code_point & 0x3f)));
  }
  return text;
}

/// GPT-2's alphabet in its own order: printable Latin-1 stands for itself, the rest for U+0100 up.
std::vector<std::string> byte_alphabet() {
  std::vector<std::string> alphabet;
  const auto printable = [](char32_t b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  };
  for (char32_t b = 0; b < kBytes; ++b) {
    if (printable(b)) alphabet.push_back(utf8(b));
  }
  char32_t next = 256;
  for (char32_t b = 0; b < kBytes; ++b) {
    if (!printable(b)) alphabet.push_back(utf8(next++));
  }
  return alphabet;
}

/// Collects merges until the vocabulary is full; a merge whose result exists already is skipped.
class MergeList {
 public:
  MergeList(SynthTokenizer& tokenizer, std::int64_t tokens_wanted)
      : tokenizer_(tokenizer), wanted_(static_cast<std::size_t>(tokens_wanted)) {
    for (const std::string& token : tokenizer.tokens) known_.insert(token);
  }

  bool full() const { return tokenizer_.tokens.size() >= wanted_; }

  void add(const std::string& left, const std::string& right) {
    if (full() || !known_.insert(left + right).second) return;
    tokenizer_.tokens.push_back(left + right);
    tokenizer_.merges.emplace_back(left, right);
  }

 private:
  SynthTokenizer& tokenizer_;
  std::size_t wanted_;
  std::unordered_set<std::string> known_;
};

/// Consonant-vowel and consonant-vowel-consonant syllables; the merges that make them are added.
std::vector<std::string> add_syllables(MergeList& merges) {
  const std::string_view consonants = "tnsrldcmpfgbhvwkyjzx";
  const std::string_view vowels = "eaiou";
  const std::string_view codas = "nrstlm";
  std::vector<std::string> syllables;
  for (const char vowel : vowels) {
    for (const char consonant : consonants) {
      merges.add({consonant}, {vowel});
      syllables.push_back({consonant, vowel});
    }
  }
  for (const char coda : codas) {
    for (std::size_t i = 0; i < consonants.size() * vowels.size(); ++i) {
      merges.add(syllables[i], {coda});
      syllables.push_back(syllables[i] + coda);
    }
  }
  return syllables;
}

void fill_merges(MergeList& merges) {
  std::string spaces = kSpace;
  for (int i = 0; i < 4; ++i, spaces += spaces) merges.add(spaces, spaces);
  merges.add(kNewline, kNewline);
  merges.add("Ã", "©");  // é
  merges.add("Ã", "¤");  // ä
  merges.add("â", "Ģ");  // the first two bytes of curly quotes and dashes
  const std::vector<std::string> syllables = add_syllables(merges);
  for (const std::string& syllable : syllables) merges.add(kSpace, syllable);
  // All pairs of syllables, in an order that mixes beginnings: the step is prime to their number.
  const std::size_t pairs = syllables.size() * syllables.size();
  constexpr std::size_t kStep = 104729;
  for (std::size_t i = 0; i < pairs && !merges.full(); ++i) {
    const std::size_t pair = i * kStep % pairs;
    const std::string& first = syllables[pair / syllables.size()];
    const std::string& second = syllables[pair % syllables.size()];
    merges.add(first, second);
    merges.add(kSpace, first + second);
    merges.add(kSpace + first, second);  // only where the word alone was there before
  }
}

/// Phi-4-mini's added tokens by their distance from the end of the vocabulary.
std::vector<AddedToken> added_tokens(std::int64_t vocab_size) {
  struct Row {
    std::int64_t from_end;
    const char* content;
    bool rstrip;
    bool special;
  };
  constexpr std::array<Row, 12> kRows = {{{65, "<|endoftext|>", false, true},
                                          {46, "<|endofprompt|>", false, true},
                                          {45, "<|assistant|>", true, true},
                                          {44, "<|end|>", true, true},
                                          {43, "<|user|>", true, true},
                                          {42, "<|system|>", true, true},
                                          {41, "<|tool|>", true, false},
                                          {40, "<|/tool|>", true, false},
                                          {39, "<|tool_call|>", true, false},
                                          {38, "<|/tool_call|>", true, false},
                                          {37, "<|tool_response|>", true, false},
                                          {36, "<|tag|>", true, true}}};
  std::vector<AddedToken> added;
  added.reserve(kRows.size());
  for (const Row& row : kRows) {
    added.push_back({vocab_size - row.from_end, row.content, row.rstrip, row.special});
  }
  return added;
}

}  // namespace

Result<SynthTokenizer> make_synth_tokenizer(std::int64_t vocab_size) {
  if (vocab_size < kSynthVocabMin || vocab_size > kSynthVocabMax) {
    return fail(ErrorCode::kInvalidArgument,
                "vocab_size is " + std::to_string(vocab_size) + "; a tokenizer can be made for " +
                    std::to_string(kSynthVocabMin) + " to " + std::to_string(kSynthVocabMax));
  }
  SynthTokenizer tokenizer;
  tokenizer.tokens = byte_alphabet();
  tokenizer.added = added_tokens(vocab_size);
  MergeList merges(tokenizer, vocab_size - kTailIds);
  fill_merges(merges);
  if (!merges.full()) return fail(ErrorCode::kInternal, "the made-up vocabulary ran out of words");
  return tokenizer;
}

}  // namespace hearth::onnx
