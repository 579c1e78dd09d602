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

bool contains(std::span<const TokenId> ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

std::optional<CallMarkers> find_call_markers(const text::Tokenizer& tokenizer,
                                             std::string_view chat_template,
                                             std::span<const TokenId> stop_ids) {
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
    return CallMarkers{*open, *close, spelling.wrapper};
  }
  return std::nullopt;
}

ToolCallFilter::ToolCallFilter(text::Tokenizer tokenizer, const CallMarkers& markers,
                               std::vector<TokenId> stop_ids,
                               const std::vector<protocol::ToolDefinition>& offered)
    : tokenizer_(std::move(tokenizer)),
      markers_(markers),
      stop_ids_(std::move(stop_ids)),
      grammar_(offered, markers.wrapper) {}

bool ToolCallFilter::allows(TokenId token) const {
  if (!call_) return true;
  if (token == markers_.close) return call_->complete();
  if (!tokenizer_.has_id(token)) return false;  // a row of the logits that no token has
  const auto piece = tokenizer_.piece(token);
  if (!piece || piece->empty()) return false;
  if (!first_bytes_[static_cast<unsigned char>(piece->front())]) return false;
  if (tokenizer_.is_added(token) || contains(stop_ids_, token)) return false;
  protocol::ToolCallGrammar::State tried = *call_;
  return tried.push(*piece);
}

void ToolCallFilter::accept(TokenId token) {
  if (!call_) {
    if (token != markers_.open) return;
    call_ = grammar_.begin();
  } else if (token == markers_.close) {
    call_.reset();
    return;
  } else {
    const auto piece = tokenizer_.piece(token);
    HEARTH_CHECK(piece && call_->push(*piece));
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
