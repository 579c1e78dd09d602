#include "provider/tool_call_filter.h"

#include <string>
#include <string_view>

#include "base/check.h"

namespace hearth::provider {
namespace {

/// Every character that the grammar can ask for is a token of its own.
bool spells_all_of_ascii(const text::Tokenizer& tokenizer) {
  for (char byte = ' '; byte <= '~'; ++byte) {
    // Byte-level files write the space as this letter.
    const auto id = tokenizer.id_of(byte == ' ' ? std::string("Ġ") : std::string(1, byte));
    if (!id) return false;
    const auto piece = tokenizer.piece(*id);
    if (!piece || *piece != std::string_view(&byte, 1)) return false;
  }
  return true;
}

}  // namespace

std::optional<CallMarkers> find_call_markers(const text::Tokenizer& tokenizer) {
  struct Spelling {
    std::string_view open;
    std::string_view close;
    protocol::CallWrapper wrapper;
  };
  constexpr Spelling kSpellings[] = {
      {"<|tool_call|>", "<|/tool_call|>", protocol::CallWrapper::kList},
      {"<tool_call>", "</tool_call>", protocol::CallWrapper::kObject}};
  for (const Spelling& spelling : kSpellings) {
    const auto open = tokenizer.id_of(spelling.open);
    const auto close = tokenizer.id_of(spelling.close);
    if (!open || !close || !spells_all_of_ascii(tokenizer)) continue;
    return CallMarkers{*open, *close, spelling.wrapper};
  }
  return std::nullopt;
}

ToolCallFilter::ToolCallFilter(text::Tokenizer tokenizer, const CallMarkers& markers,
                               const std::vector<protocol::ToolDefinition>& offered)
    : tokenizer_(std::move(tokenizer)), markers_(markers), grammar_(offered, markers.wrapper) {}

bool ToolCallFilter::allows(TokenId token) const {
  if (!call_) return true;
  if (token == markers_.close) return call_->complete();
  if (token == markers_.open || tokenizer_.is_special(token)) return false;
  const auto piece = tokenizer_.piece(token);
  if (!piece || piece->empty()) return false;
  protocol::ToolCallGrammar::State tried = *call_;
  return tried.push(*piece);
}

void ToolCallFilter::accept(TokenId token) {
  if (!call_) {
    if (token == markers_.open) call_ = grammar_.begin();
    return;
  }
  if (token == markers_.close) {
    call_.reset();
    return;
  }
  const auto piece = tokenizer_.piece(token);
  HEARTH_CHECK(piece && call_->push(*piece));
}

}  // namespace hearth::provider
