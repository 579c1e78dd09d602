// From a conversation to prompt tokens, so that only the template opens and closes turns: the
// spelling of a special token inside a message, a tool's result or a tool's definition stays text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "protocol/chat.h"
#include "protocol/template_messages.h"
#include "provider/special_spellings.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::provider {

/// Immutable after construction; any thread may use it, many at once.
///
/// Before the template runs, every special token spelled in the conversation is replaced by a mark
/// that templates pass through; afterwards the prompt is cut at the marks and each spelling is
/// encoded as ordinary text. A conversation without such spellings is neither copied nor cut.
class PromptEncoder {
 public:
  /// Reads tokenizer, template and configuration of a model folder; no graph, no weights. Errors as
  /// runtime::open_model_text(), and kUnsupported for a folder without a chat template.
  static Result<PromptEncoder> open(const std::filesystem::path& model_folder,
                                    const std::filesystem::path& cache_folder = {});

  PromptEncoder(text::Tokenizer tokenizer, text::ChatTemplate chat_template, std::string bos_token,
                std::string eos_token);

  /// The prompt as text, for people: spellings of special tokens look like the tokens themselves.
  Result<std::string> render(const std::vector<protocol::Message>& messages,
                             const std::vector<protocol::ToolDefinition>& tools) const;

  /// The prompt's tokens; the post-processor's are left out, since the template writes what opens a
  /// prompt.
  Result<std::vector<TokenId>> encode(const std::vector<protocol::Message>& messages,
                                      const std::vector<protocol::ToolDefinition>& tools) const;

  /// The tokens of a conversation whose last message is the assistant's reply: first what encode()
  /// gives for the messages before it, then the reply as the template writes and ends it.
  /// kInvalidArgument when the last message is not an assistant's; kUnsupported when the template
  /// writes a reply that is done otherwise than it opens one.
  struct PromptAndReply {
    std::vector<TokenId> prompt;
    std::vector<TokenId> reply;
  };
  Result<PromptAndReply> encode_with_reply(
      const std::vector<protocol::Message>& messages,
      const std::vector<protocol::ToolDefinition>& tools) const;

  /// How many tokens the request's prompt has: the size of encode().
  Result<std::int64_t> count(const std::vector<protocol::Message>& messages,
                             const std::vector<protocol::ToolDefinition>& tools) const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  struct Prompt {
    std::string text;
    bool has_marks = false;
  };

  Result<Prompt> prompt(const std::vector<protocol::Message>& messages,
                        const std::vector<protocol::ToolDefinition>& tools, bool opens_reply) const;
  Result<std::string> rendered(const std::vector<protocol::Message>& messages,
                               const std::vector<protocol::ToolDefinition>& tools,
                               bool opens_reply) const;
  Result<std::vector<TokenId>> encoded(std::string_view text, bool has_marks) const;

  text::Tokenizer tokenizer_;
  text::ChatTemplate chat_template_;
  protocol::TemplateTraits traits_;
  std::string bos_token_;
  std::string eos_token_;
  SpecialSpellings special_;
};

}  // namespace hearth::provider
