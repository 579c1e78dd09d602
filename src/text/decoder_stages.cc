// The steps of a TokenDecoder at work, as the `tokenizers` library defines them.
#include "text/decoder_stages.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

/// The byte that a token such as <0x0A> stands for. The library reads the digits as Rust does: a
/// plus sign may stand for the first one.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  std::string_view digits = token.substr(3, 2);
  if (digits.front() == '+') digits.remove_prefix(1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value, 16);
  if (error != std::errc() || end != digits.end()) return std::nullopt;
  return static_cast<char>(value);
}

/// How often `content` stands at the end of `text`, at most `limit`.
std::size_t count_at_end(std::string_view text, std::string_view content, std::size_t limit) {
  std::size_t count = 0;
  while (count < limit && text.ends_with(content)) {
    text.remove_suffix(content.size());
    ++count;
  }
  return count;
}

}  // namespace

void WholeTokenStage::end_token() {
  token(held_);
  held_.clear();
}

// ---------------------------------------------------------------------------------------- join

void JoinStage::begin_token() {
  if (spaces_ && !first_ && !in_token_) out_ += ' ';
  in_token_ = true;
}

void JoinStage::text(std::string_view part) {
  begin_token();
  out_ += part;
}

void JoinStage::end_token() {
  begin_token();
  first_ = false;
  in_token_ = false;
}

// ---------------------------------------------------------------------------------- byte level

void ByteLevelStage::token(std::string_view token) {
  bytes_ += byte_level_decode(token).value_or(std::string(token));
  std::string certain;
  utf8_take_certain(bytes_, certain);
  if (!certain.empty()) next_.text(certain);
}

void ByteLevelStage::finish() {
  if (!bytes_.empty()) next_.text(utf8_replace_invalid(bytes_));
  next_.end_token();
  next_.finish();
}

// ------------------------------------------------------------------------------- byte fallback

void ByteFallbackStage::pass(std::string_view token) {
  next_.text(token);
  next_.end_token();
}

void ByteFallbackStage::token(std::string_view token) {
  if (const auto value = byte_of(token)) {
    byte(*value);
  } else {
    end_run();
    pass(token);
  }
}

/// One U+FFFD for each byte so far.
void ByteFallbackStage::replace_run() {
  for (std::size_t i = 0; i < run_.size(); ++i) pass(kReplacement);
  run_.clear();
  characters_ = 0;
}

void ByteFallbackStage::byte(char value) {
  run_ += value;
  if (!broken_) {
    const Utf8Step step = utf8_step(std::string_view(run_).substr(characters_));
    if (step.kind == Utf8Step::Kind::kCharacter) characters_ += step.length;
    broken_ = step.kind == Utf8Step::Kind::kInvalid;
  }
  if (broken_) replace_run();
}

void ByteFallbackStage::end_run() {
  if (characters_ == run_.size()) {
    if (!run_.empty()) pass(run_);
    run_.clear();
    characters_ = 0;
  } else {
    replace_run();
  }
  broken_ = false;
}

void ByteFallbackStage::finish() {
  end_run();
  next_.finish();
}

// ---------------------------------------------------------------------------------------- fuse

void FuseStage::finish() {
  next_.end_token();
  next_.finish();
}

// --------------------------------------------------------------------------------------- strip

void StripStage::pass_held(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) next_.text(content_);
  held_ -= count;
}

void StripStage::text(std::string_view part) {
  while (start_left_ > 0 && part.starts_with(content_)) {
    part.remove_prefix(content_.size());
    --start_left_;
  }
  if (part.empty()) return;
  start_left_ = 0;
  const std::size_t at_end = count_at_end(part, content_, stop_);
  part.remove_suffix(at_end * content_.size());
  if (!part.empty()) {
    pass_held(held_);
    next_.text(part);
  }
  held_ += at_end;
  if (held_ > stop_) pass_held(held_ - stop_);
}

void StripStage::end_token() {
  held_ = 0;
  start_left_ = start_;
  next_.end_token();
}

// ----------------------------------------------------------------------------------- metaspace

void MetaspaceStage::text(std::string_view part) {
  next_.text(replace_all(part, replacement_, drop_ ? "" : " ", spaced_) ? spaced_ : part);
}

void MetaspaceStage::end_token() {
  drop_ = false;
  next_.end_token();
}

// ------------------------------------------------------------------------------------- replace

void ReplaceStage::token(std::string_view token) {
  next_.text(replace_all(token, pattern_, content_, replaced_) ? replaced_ : token);
  next_.end_token();
}

// -------------------------------------------------------------------------------------- suffix

void SuffixStage::pass_held(std::string_view instead) {
  if (held_.empty()) return;
  replace_all(held_, suffix_, instead, replaced_);
  next_.text(replaced_);
  next_.end_token();
  held_.clear();
}

void SuffixStage::token(std::string_view token) {
  pass_held(" ");
  const std::size_t begin = std::min(token.find(suffix_), token.size());
  next_.text(token.substr(0, begin));
  held_ = token.substr(begin);
  if (held_.empty()) next_.end_token();
}

void SuffixStage::finish() {
  pass_held("");
  next_.finish();
}

}  // namespace hearth::text
