// TokenDecoder: reads the steps, and strings them together for a run.
#include "text/token_decoder.h"

#include <algorithm>
#include <utility>

#include "text/decoder_stages.h"
#include "text/json_fields.h"

namespace hearth::text {
namespace {

constexpr std::int64_t kStripMax = 1 << 20;
constexpr std::size_t kGrowthMax = 1024;

}  // namespace

// ------------------------------------------------------------------------------------- reading

Result<TokenDecoder> TokenDecoder::from_json(const Json& value, const std::string& source) {
  TokenDecoder decoder;
  if (value.is_null()) {
    decoder.spaces_between_ = true;
  } else {
    HEARTH_TRY_VOID(decoder.add(value, source + ": decoder"));
  }
  return decoder;
}

Result<void> TokenDecoder::add(const Json& value, const std::string& where) {
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, where + ": expected an object");
  HEARTH_TRY(const std::string type, JsonReader(value, where).string("type"));
  if (type != "Sequence") {
    HEARTH_TRY(Step step, read_step(value, type, where));
    steps_.push_back(std::move(step));
    return {};
  }
  const auto list = value.find("decoders");
  if (list == value.end() || !list->is_array()) {
    return fail(ErrorCode::kCorrupt, where + ".decoders: expected a list");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    HEARTH_TRY_VOID(add((*list)[i], where + ".decoders[" + std::to_string(i) + "]"));
  }
  return {};
}

Result<TokenDecoder::Step> TokenDecoder::read_step(const Json& value, const std::string& type,
                                                   const std::string& where) {
  const JsonReader reader(value, where);
  if (type == "ByteLevel") return ByteLevel{};
  if (type == "ByteFallback") return ByteFallback{};
  if (type == "Fuse") return Fuse{};
  if (type == "Strip") {
    Strip strip;
    HEARTH_TRY(strip.content, read_character(reader, where, "content"));
    HEARTH_TRY(const std::int64_t start, reader.integer("start", 0, kStripMax));
    HEARTH_TRY(const std::int64_t stop, reader.integer("stop", 0, kStripMax));
    strip.start = static_cast<std::size_t>(start);
    strip.stop = static_cast<std::size_t>(stop);
    return strip;
  }
  if (type == "Metaspace") {
    HEARTH_TRY(const Metaspace metaspace, read_metaspace(reader, where));
    return Spaces{metaspace.replacement, metaspace.prepend != Metaspace::Prepend::kNever};
  }
  if (type == "Replace") {
    HEARTH_TRY(const JsonReader pattern, reader.object("pattern"));
    Replace replace;
    if (!pattern.has("String")) {
      return fail(ErrorCode::kUnsupported, where + ".pattern: expected String");
    }
    HEARTH_TRY(replace.pattern, pattern.string("String"));
    HEARTH_TRY(replace.content, reader.string("content"));
    if (replace.pattern.empty()) {
      return fail(ErrorCode::kUnsupported, where + ".pattern.String: an empty string");
    }
    // Steps that double a text can be put behind each other.
    const std::size_t pattern_bytes = replace.pattern.size();
    growth_ *=
        std::max<std::size_t>(1, (replace.content.size() + pattern_bytes - 1) / pattern_bytes);
    if (growth_ <= kGrowthMax) return replace;
    return fail(ErrorCode::kUnsupported, where + ".content: replacements could make more than " +
                                             std::to_string(kGrowthMax) + " bytes of one");
  }
  if (type == "BPEDecoder") {
    Suffix suffix;
    HEARTH_TRY(suffix.suffix, reader.string("suffix"));
    if (!suffix.suffix.empty()) return suffix;
    return fail(ErrorCode::kUnsupported, where + ".suffix: an empty string");
  }
  return fail(ErrorCode::kUnsupported,
              where + ".type: " + type +
                  " is not supported (ByteLevel, ByteFallback, Fuse, Strip, Metaspace, Replace, "
                  "BPEDecoder and Sequence are)");
}

bool TokenDecoder::is_byte_level() const {
  return steps_.size() == 1 && std::holds_alternative<ByteLevel>(steps_.front());
}

// ------------------------------------------------------------------------------------- running

/// Makes the stage of a step in front of `next`.
struct TokenDecoder::StageMaker {
  DecoderStage& next;

  std::unique_ptr<DecoderStage> operator()(const ByteLevel&) const {
    return std::make_unique<ByteLevelStage>(next);
  }
  std::unique_ptr<DecoderStage> operator()(const ByteFallback&) const {
    return std::make_unique<ByteFallbackStage>(next);
  }
  std::unique_ptr<DecoderStage> operator()(const Fuse&) const {
    return std::make_unique<FuseStage>(next);
  }
  std::unique_ptr<DecoderStage> operator()(const Strip& step) const {
    return std::make_unique<StripStage>(next, step.content, step.start, step.stop);
  }
  std::unique_ptr<DecoderStage> operator()(const Spaces& step) const {
    return std::make_unique<MetaspaceStage>(next, step.replacement, step.drop_in_first);
  }
  std::unique_ptr<DecoderStage> operator()(const Replace& step) const {
    return std::make_unique<ReplaceStage>(next, step.pattern, step.content);
  }
  std::unique_ptr<DecoderStage> operator()(const Suffix& step) const {
    return std::make_unique<SuffixStage>(next, step.suffix);
  }
};

TokenDecoder::Run::Run(const TokenDecoder& decoder) : out_(std::make_unique<std::string>()) {
  stages_.push_back(std::make_unique<JoinStage>(*out_, decoder.spaces_between_));
  for (auto step = decoder.steps_.rbegin(); step != decoder.steps_.rend(); ++step) {
    stages_.push_back(std::visit(StageMaker{*stages_.back()}, *step));
  }
  std::reverse(stages_.begin(), stages_.end());
}

TokenDecoder::Run::~Run() = default;
TokenDecoder::Run::Run(Run&&) noexcept = default;
TokenDecoder::Run& TokenDecoder::Run::operator=(Run&&) noexcept = default;

std::string TokenDecoder::Run::push(std::string_view token) {
  stages_.front()->text(token);
  stages_.front()->end_token();
  return std::exchange(*out_, {});
}

std::string TokenDecoder::Run::finish() {
  stages_.front()->finish();
  return std::exchange(*out_, {});
}

}  // namespace hearth::text
