// TokenDecoder: the "decoder" of a tokenizer.json, which turns the spellings of tokens into text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::text {

class DecoderStage;

/// A pipeline of steps from tokens to tokens; the text is what the last step leaves, joined.
/// Without any decoder in the file it is the tokens with spaces between. Immutable; any thread may
/// use it.
class TokenDecoder {
 public:
  /// Reads the value of "decoder": ByteLevel, ByteFallback, Fuse, Strip, Metaspace, BPEDecoder and
  /// Replace of a literal, alone or in a Sequence, or null. kUnsupported for WordPiece, CTC,
  /// patterns, and replacements that could make more than 1,024 bytes of one. Errors name `source`
  /// and the key.
  static Result<TokenDecoder> from_json(const Json& value, const std::string& source);

  /// True when decoding is no more than joining the bytes that byte-level tokens stand for.
  bool is_byte_level() const;

  /// One decoding, token after token. Must not outlive the decoder; used by one thread.
  class Run {
   public:
    explicit Run(const TokenDecoder& decoder);
    ~Run();
    Run(Run&&) noexcept;
    Run& operator=(Run&&) noexcept;

    /// The next token, valid UTF-8; returns the text that is certain whatever follows. Text is held
    /// back where later tokens decide about it: unfinished characters, runs of byte tokens that are
    /// UTF-8 so far, what Strip may still take away, and all of it where Replace or ByteFallback
    /// comes after a step that joins the tokens.
    std::string push(std::string_view token);

    /// What was held back. Nothing may be pushed afterwards.
    std::string finish();

   private:
    std::unique_ptr<std::string> out_;
    std::vector<std::unique_ptr<DecoderStage>> stages_;  // each but the last feeds the one after it
  };

 private:
  struct ByteLevel {};
  struct ByteFallback {};
  struct Fuse {};
  struct Strip {
    std::string content;  // one character
    std::size_t start = 0;
    std::size_t stop = 0;
  };
  struct Spaces {
    std::string replacement;  // one character
    bool drop_in_first = true;
  };
  struct Replace {
    std::string pattern;  // not empty
    std::string content;
  };
  struct Suffix {
    std::string suffix;  // not empty
  };
  using Step = std::variant<ByteLevel, ByteFallback, Fuse, Strip, Spaces, Replace, Suffix>;
  struct StageMaker;

  Result<void> add(const Json& value, const std::string& where);
  Result<Step> read_step(const Json& value, const std::string& type, const std::string& where);

  std::vector<Step> steps_;
  std::size_t growth_ = 1;       // how many bytes Replace steps can make of one
  bool spaces_between_ = false;  // there is no decoder
};

}  // namespace hearth::text
