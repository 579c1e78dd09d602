// The steps of a TokenDecoder at work: each gets tokens in parts, and passes tokens on in parts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::text {

/// Calls arrive as ((text* end_token)* finish): the parts of a token in order, whole characters
/// each. finish() comes once. A stage keeps to the same order towards the stage after it, which
/// must outlive the calls.
class DecoderStage {
 public:
  DecoderStage() = default;
  virtual ~DecoderStage() = default;
  DecoderStage(const DecoderStage&) = delete;
  DecoderStage& operator=(const DecoderStage&) = delete;

  virtual void text(std::string_view part) = 0;
  virtual void end_token() = 0;
  virtual void finish() = 0;
};

/// A stage that needs each token as a whole.
class WholeTokenStage : public DecoderStage {
 public:
  void text(std::string_view part) final { held_ += part; }
  void end_token() final;

 protected:
  virtual void token(std::string_view token) = 0;

 private:
  std::string held_;
};

/// The end of the pipeline: appends to a text. With `spaces`, tokens are set apart by one.
class JoinStage final : public DecoderStage {
 public:
  JoinStage(std::string& out, bool spaces) : out_(out), spaces_(spaces) {}
  void text(std::string_view part) override;
  void end_token() override;
  void finish() override {}

 private:
  void begin_token();

  std::string& out_;
  bool spaces_;
  bool first_ = true;
  bool in_token_ = false;
};

/// Reads the byte-level alphabet, and what is not written in it as itself, into one token of text;
/// bytes that are not UTF-8 become U+FFFD.
class ByteLevelStage final : public WholeTokenStage {
 public:
  explicit ByteLevelStage(DecoderStage& next) : next_(next) {}
  void finish() override;

 private:
  void token(std::string_view token) override;

  DecoderStage& next_;
  std::string bytes_;  // the start of a character
};

/// Joins runs of tokens such as <0xE4> into text; a run that is not UTF-8 becomes one U+FFFD per
/// token.
class ByteFallbackStage final : public WholeTokenStage {
 public:
  explicit ByteFallbackStage(DecoderStage& next) : next_(next) {}
  void finish() override;

 private:
  void token(std::string_view token) override;
  void byte(char value);
  void end_run();
  void replace_run();
  void pass(std::string_view token);

  DecoderStage& next_;
  std::string run_;             // bytes that are UTF-8 so far
  std::size_t characters_ = 0;  // bytes of run_ that are whole characters
  bool broken_ = false;         // the run holds an invalid byte: run_ is empty
};

/// Joins all tokens to one.
class FuseStage final : public DecoderStage {
 public:
  explicit FuseStage(DecoderStage& next) : next_(next) {}
  void text(std::string_view part) override { next_.text(part); }
  void end_token() override {}
  void finish() override;

 private:
  DecoderStage& next_;
};

/// Takes up to `start` times `content` from the begin of each token, and up to `stop` times from
/// its end.
class StripStage final : public DecoderStage {
 public:
  StripStage(DecoderStage& next, std::string_view content, std::size_t start, std::size_t stop)
      : next_(next), content_(content), start_(start), stop_(stop), start_left_(start) {}
  void text(std::string_view part) override;
  void end_token() override;
  void finish() override { next_.finish(); }

 private:
  void pass_held(std::size_t count);

  DecoderStage& next_;
  std::string_view content_;
  std::size_t start_;
  std::size_t stop_;
  std::size_t start_left_;
  std::size_t held_ = 0;  // times `content` that may turn out to be the token's end
};

/// Writes the replacement character as a space; in the first token it is dropped instead, if the
/// file says that one was put there.
class MetaspaceStage final : public DecoderStage {
 public:
  MetaspaceStage(DecoderStage& next, std::string_view replacement, bool drop_in_first)
      : next_(next), replacement_(replacement), drop_(drop_in_first) {}
  void text(std::string_view part) override;
  void end_token() override;
  void finish() override { next_.finish(); }

 private:
  DecoderStage& next_;
  std::string_view replacement_;
  bool drop_;
  std::string spaced_;
};

/// Replaces a literal within each token.
class ReplaceStage final : public WholeTokenStage {
 public:
  ReplaceStage(DecoderStage& next, std::string_view pattern, std::string_view content)
      : next_(next), pattern_(pattern), content_(content) {}
  void finish() override { next_.finish(); }

 private:
  void token(std::string_view token) override;

  DecoderStage& next_;
  std::string_view pattern_;
  std::string_view content_;
  std::string replaced_;
};

/// Writes the suffix that ends words as a space, in the last token as nothing.
class SuffixStage final : public WholeTokenStage {
 public:
  SuffixStage(DecoderStage& next, std::string_view suffix) : next_(next), suffix_(suffix) {}
  void finish() override;

 private:
  void token(std::string_view token) override;
  void pass_held(std::string_view instead);

  DecoderStage& next_;
  std::string_view suffix_;
  std::string held_;  // the latest token from its first suffix on
  std::string replaced_;
};

}  // namespace hearth::text
