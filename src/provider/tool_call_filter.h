// Keeps a model to valid tool calls while it writes one.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "engine/token_filter.h"
#include "protocol/chat.h"
#include "protocol/tool_call_grammar.h"
#include "text/tokenizer.h"

namespace hearth::provider {

/// How a model marks its calls: two tokens of its vocabulary, and what stands between them; and
/// what each of its other tokens would write there. Used by one thread.
class CallVocabulary {
 public:
  /// Nothing where the vocabulary has no such tokens; where it has not all bytes as tokens, because
  /// there might be calls that it cannot spell; where the closing marker is one of the model's stop
  /// tokens; and where <tool_call> is not followed by JSON with "arguments", by the template's
  /// words (other families put their own notation there).
  static std::optional<CallVocabulary> of(const text::Tokenizer& tokenizer,
                                          std::string_view chat_template,
                                          const std::vector<TokenId>& stop_ids);

  TokenId open() const { return open_; }
  TokenId close() const { return close_; }
  protocol::CallWrapper wrapper() const { return wrapper_; }

  /// Reads what the tokens stand for, once; a few milliseconds for 200,000 of them. Before bytes().
  void prepare();

  /// What a token writes inside a call; nothing if it cannot stand there: a stop token, an added
  /// one (fed back, it would be a control token again), an id that no token has.
  std::string_view bytes(TokenId token) const;
  /// bytes() may stand inside the quotes of any JSON text.
  bool is_plain(TokenId token) const { return plain_[static_cast<std::size_t>(token)]; }

 private:
  CallVocabulary(text::Tokenizer tokenizer, std::vector<TokenId> stop_ids)
      : tokenizer_(std::move(tokenizer)), stop_ids_(std::move(stop_ids)) {}

  text::Tokenizer tokenizer_;
  std::vector<TokenId> stop_ids_;
  TokenId open_ = 0;
  TokenId close_ = 0;
  protocol::CallWrapper wrapper_ = protocol::CallWrapper::kList;
  std::vector<std::string_view> bytes_;  // [vocab_size] once prepared; into the tokenizer
  std::vector<bool> plain_;              // likewise
};

/// Lets everything through until the model opens a call by its marker. From there on only what
/// ToolCallGrammar allows may come, then the marker that closes it, then everything again. Whether
/// there is a call, of what and with which arguments is the model's choice among those.
class ToolCallFilter final : public engine::TokenFilter {
 public:
  /// `vocabulary` must outlive this; `offered` must not be empty, and is not used after this.
  ToolCallFilter(CallVocabulary& vocabulary, const std::vector<protocol::ToolDefinition>& offered)
      : vocabulary_(vocabulary), grammar_(offered, vocabulary.wrapper()) {}

  bool restricts() const override { return call_.has_value(); }
  bool allows(TokenId token) const override;
  void accept(TokenId token) override;

 private:
  void look_ahead();

  CallVocabulary& vocabulary_;
  protocol::ToolCallGrammar grammar_;
  std::optional<protocol::ToolCallGrammar::State> call_;  ///< the one that is being written
  /// The bytes that may come next: all but a few of 200,000 tokens are told by their first.
  std::bitset<256> first_bytes_;
};

}  // namespace hearth::provider
