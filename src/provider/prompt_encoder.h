// From a conversation to prompt tokens, so that only the template opens and closes turns: the
// spelling of a special token inside a message, a tool's result or a tool's definition stays text.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "protocol/chat.h"
#include "protocol/template_messages.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::provider {

/// Immutable after construction; any thread may use it.
///
/// Before the template runs, every special token spelled in the conversation is replaced by a mark
/// of Unicode noncharacters, which templates pass through; afterwards the prompt is cut at the
/// marks and each spelling is encoded as ordinary text. A conversation without such spellings is
/// encoded in one piece.
class PromptEncoder {
 public:
  PromptEncoder(text::Tokenizer tokenizer, text::ChatTemplate chat_template, std::string bos_token,
                std::string eos_token);

  /// The prompt as text, for people: spellings of special tokens look like the tokens themselves.
  Result<std::string> render(const std::vector<protocol::Message>& messages,
                             const std::vector<protocol::ToolDefinition>& tools) const;

  /// The prompt's tokens; the post-processor's are left out, since the template writes what opens a
  /// prompt.
  Result<std::vector<TokenId>> encode(const std::vector<protocol::Message>& messages,
                                      const std::vector<protocol::ToolDefinition>& tools) const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  /// A part of the prompt: written by the template, or a special token's spelling from outside.
  struct Part {
    std::string text;
    bool from_outside = false;
  };

  Result<std::vector<Part>> parts(const std::vector<protocol::Message>& messages,
                                  const std::vector<protocol::ToolDefinition>& tools) const;
  std::string marked(const std::string& text) const;
  OrderedJson marked(const OrderedJson& value) const;
  std::vector<Part> cut_at_marks(const std::string& prompt) const;

  text::Tokenizer tokenizer_;
  text::ChatTemplate chat_template_;
  protocol::TemplateTraits traits_;
  std::string bos_token_;
  std::string eos_token_;
  std::vector<std::string> special_;  // spellings, the longest first
};

}  // namespace hearth::provider
