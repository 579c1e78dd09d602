#include "provider/tool_call_filter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "text/byte_level.h"

namespace hearth::provider {
namespace {

/// Every byte is a token of its own.
bool has_all_bytes(const text::Tokenizer& tokenizer) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const auto id = tokenizer.id_of(text::byte_level_encode({&byte, 1}));
    if (!id) return false;
    const auto piece = tokenizer.piece(*id);
    if (!piece || *piece != std::string_view(&byte, 1)) return false;
  }
  return true;
}

bool contains(const std::vector<TokenId>& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool is_plain_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) {
    return byte != '"' && byte != '\\' && static_cast<unsigned char>(byte) >= 0x20;
  });
}

}  // namespace

std::optional<CallVocabulary> CallVocabulary::of(const text::Tokenizer& tokenizer,
                                                 std::string_view chat_template,
                                                 const std::vector<TokenId>& stop_ids) {
  struct Spelling {
    std::string_view open;
    std::string_view close;
    std::string_view template_has;
    protocol::CallWrapper wrapper;
  };
  constexpr Spelling kSpellings[] = {
      {"<|tool_call|>", "<|/tool_call|>", "", protocol::CallWrapper::kList},
      {"<tool_call>", "</tool_call>", "\"arguments", protocol::CallWrapper::kObject}};
  for (const Spelling& spelling : kSpellings) {
    const auto open = tokenizer.id_of(spelling.open);
    const auto close = tokenizer.id_of(spelling.close);
    if (!open || !close || contains(stop_ids, *close) ||
        chat_template.find(spelling.template_has) == std::string_view::npos ||
        !has_all_bytes(tokenizer)) {
      continue;
    }
    CallVocabulary made(tokenizer, stop_ids);
    made.open_ = *open;
    made.close_ = *close;
    made.wrapper_ = spelling.wrapper;
    return made;
  }
  return std::nullopt;
}

void CallVocabulary::prepare() {
  if (!bytes_.empty()) return;
  bytes_.resize(tokenizer_.vocab_size());
  plain_.resize(bytes_.size());
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!tokenizer_.has_id(id) || tokenizer_.is_added(id) || contains(stop_ids_, id)) continue;
    if (const auto piece = tokenizer_.piece(id)) bytes_[i] = *piece;
    plain_[i] = is_plain_text(bytes_[i]);
  }
}

std::string_view CallVocabulary::bytes(TokenId token) const {
  const auto index = static_cast<std::size_t>(token);
  return index < bytes_.size() ? bytes_[index] : std::string_view{};
}

bool ToolCallFilter::allows(TokenId token) const {
  if (!call_) return true;
  if (token == vocabulary_.close()) return call_->complete();
  const std::string_view bytes = vocabulary_.bytes(token);
  if (bytes.empty() || !first_bytes_[static_cast<unsigned char>(bytes.front())]) return false;
  if (call_->in_text() && vocabulary_.is_plain(token)) return true;
  protocol::ToolCallGrammar::State tried = *call_;
  return tried.push(bytes);
}

void ToolCallFilter::accept(TokenId token) {
  if (!call_) {
    if (token != vocabulary_.open()) return;
    vocabulary_.prepare();
    call_ = grammar_.begin();
  } else if (token == vocabulary_.close()) {
    call_.reset();
    return;
  } else {
    const std::string_view bytes = vocabulary_.bytes(token);
    HEARTH_CHECK(!bytes.empty() && call_->push(bytes));
  }
  look_ahead();
}

void ToolCallFilter::look_ahead() {
  for (int value = 0; value < 256; ++value) {
    protocol::ToolCallGrammar::State tried = *call_;
    first_bytes_[static_cast<std::size_t>(value)] = tried.push(static_cast<char>(value));
  }
}

}  // namespace hearth::provider
