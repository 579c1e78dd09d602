#include "provider/prompt_encoder.h"

#include <algorithm>
#include <utility>

#include "runtime/model_folder.h"

namespace hearth::provider {
namespace {

using protocol::Message;
using protocol::ToolCall;
using protocol::ToolDefinition;

bool spelled_in(const SpecialSpellings& special, const OrderedJson& value) {
  if (value.is_string()) return special.spelled_in(value.get_ref<const std::string&>());
  if (value.is_object()) {
    return std::any_of(value.items().begin(), value.items().end(), [&](const auto& member) {
      return special.spelled_in(member.key()) || spelled_in(special, member.value());
    });
  }
  return value.is_array() &&
         std::any_of(value.begin(), value.end(),
                     [&](const OrderedJson& element) { return spelled_in(special, element); });
}

bool spelled_in(const SpecialSpellings& special, const ToolCall& call) {
  return special.spelled_in(call.id) || special.spelled_in(call.name) ||
         spelled_in(special, call.arguments);
}

bool spelled_in(const SpecialSpellings& special, const Message& message) {
  return special.spelled_in(message.content) || special.spelled_in(message.name) ||
         special.spelled_in(message.tool_call_id) ||
         std::any_of(message.tool_calls.begin(), message.tool_calls.end(),
                     [&](const ToolCall& call) { return spelled_in(special, call); });
}

bool spelled_in(const SpecialSpellings& special, const ToolDefinition& tool) {
  return special.spelled_in(tool.name) || special.spelled_in(tool.description) ||
         spelled_in(special, tool.parameters);
}

OrderedJson marked(const SpecialSpellings& special, const OrderedJson& value) {
  if (value.is_string()) return special.marked(value.get_ref<const std::string&>());
  if (value.is_object()) {
    OrderedJson result = OrderedJson::object();
    for (const auto& [key, member] : value.items()) {
      result[special.marked(key)] = marked(special, member);
    }
    return result;
  }
  if (value.is_array()) {
    OrderedJson result = OrderedJson::array();
    for (const OrderedJson& element : value) result.push_back(marked(special, element));
    return result;
  }
  return value;
}

std::vector<Message> marked(const SpecialSpellings& special, std::vector<Message> messages) {
  for (Message& message : messages) {
    message.content = special.marked(message.content);
    message.name = special.marked(message.name);
    message.tool_call_id = special.marked(message.tool_call_id);
    for (ToolCall& call : message.tool_calls) {
      call = {special.marked(call.id), special.marked(call.name), marked(special, call.arguments)};
    }
  }
  return messages;
}

std::vector<ToolDefinition> marked(const SpecialSpellings& special,
                                   std::vector<ToolDefinition> tools) {
  for (ToolDefinition& tool : tools) {
    tool = {special.marked(tool.name), special.marked(tool.description),
            marked(special, tool.parameters)};
  }
  return tools;
}

template <class Items>
bool any_spelled_in(const SpecialSpellings& special, const Items& items) {
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& item) { return spelled_in(special, item); });
}

}  // namespace

Result<PromptEncoder> PromptEncoder::open(const std::filesystem::path& model_folder,
                                          const std::filesystem::path& cache_folder) {
  HEARTH_TRY(runtime::ModelText model, runtime::open_model_text(model_folder, cache_folder));
  HEARTH_TRY_VOID(runtime::check_has_chat_template(model));
  return PromptEncoder(*std::move(model.tokenizer), *std::move(model.chat_template),
                       std::move(model.bos_token), std::move(model.eos_token));
}

PromptEncoder::PromptEncoder(text::Tokenizer tokenizer, text::ChatTemplate chat_template,
                             std::string bos_token, std::string eos_token)
    : tokenizer_(std::move(tokenizer)),
      chat_template_(std::move(chat_template)),
      traits_(protocol::inspect_template(chat_template_, tokenizer_)),
      bos_token_(std::move(bos_token)),
      eos_token_(std::move(eos_token)),
      special_(tokenizer_.special_tokens()) {}

Result<std::string> PromptEncoder::rendered(const std::vector<Message>& messages,
                                            const std::vector<ToolDefinition>& tools,
                                            bool opens_reply) const {
  HEARTH_TRY(text::TemplateInput input, protocol::template_input(messages, tools, traits_));
  input.add_generation_prompt = opens_reply;
  input.bos_token = bos_token_;
  input.eos_token = eos_token_;
  auto prompt = chat_template_.render(input);
  // What the template says about the conversation is the caller's; whatever else goes wrong in it
  // is the model's, a limit it runs into as well.
  if (!prompt && prompt.error().code != ErrorCode::kInvalidArgument) {
    prompt.error().code = ErrorCode::kUnsupported;
  }
  return prompt;
}

Result<PromptEncoder::Prompt> PromptEncoder::prompt(const std::vector<Message>& messages,
                                                    const std::vector<ToolDefinition>& tools,
                                                    bool opens_reply) const {
  Prompt made;
  made.has_marks = any_spelled_in(special_, messages) || any_spelled_in(special_, tools);
  if (made.has_marks) {
    HEARTH_TRY(made.text,
               rendered(marked(special_, messages), marked(special_, tools), opens_reply));
  } else {
    HEARTH_TRY(made.text, rendered(messages, tools, opens_reply));
  }
  return made;
}

Result<std::string> PromptEncoder::render(const std::vector<Message>& messages,
                                          const std::vector<ToolDefinition>& tools) const {
  HEARTH_TRY(Prompt made, prompt(messages, tools, /*opens_reply=*/true));
  if (!made.has_marks) return std::move(made.text);
  std::string text;
  for (const PromptPart& part : special_.cut_at_marks(made.text)) text += part.text;
  return text;
}

Result<std::vector<TokenId>> PromptEncoder::encoded(std::string_view text, bool has_marks) const {
  if (!has_marks) {
    return tokenizer_.encode(text, {.parse_special = true, .add_post_tokens = false});
  }
  std::vector<TokenId> ids;
  for (const PromptPart& part : special_.cut_at_marks(text)) {
    HEARTH_TRY(const auto piece, tokenizer_.encode(part.text, {.parse_special = !part.from_outside,
                                                               .add_post_tokens = false}));
    ids.insert(ids.end(), piece.begin(), piece.end());
  }
  return ids;
}

Result<std::vector<TokenId>> PromptEncoder::encode(const std::vector<Message>& messages,
                                                   const std::vector<ToolDefinition>& tools) const {
  HEARTH_TRY(const Prompt made, prompt(messages, tools, /*opens_reply=*/true));
  return encoded(made.text, made.has_marks);
}

Result<PromptEncoder::PromptAndReply> PromptEncoder::encode_with_reply(
    const std::vector<Message>& messages, const std::vector<ToolDefinition>& tools) const {
  if (messages.empty() || messages.back().role != protocol::Role::kAssistant) {
    return fail(ErrorCode::kInvalidArgument,
                "the last message must be the assistant's: its reply is what is looked at");
  }
  const std::vector<Message> before(messages.begin(), messages.end() - 1);
  HEARTH_TRY(const Prompt opened, prompt(before, tools, /*opens_reply=*/true));
  HEARTH_TRY(const Prompt whole, prompt(messages, tools, /*opens_reply=*/false));
  if (!whole.text.starts_with(opened.text) || whole.text.size() == opened.text.size()) {
    return fail(ErrorCode::kUnsupported,
                "the chat template writes a reply that is done otherwise than it opens one; only "
                "text in one piece can be scored with this model");
  }
  PromptAndReply made;
  // A reply is generated behind the prompt's tokens: where the whole does not begin with them, as
  // when a token reaches across, the reply is encoded by itself. Not otherwise, because some
  // tokenizers put something before a text. The marks of one rendering are those of the other.
  HEARTH_TRY(made.prompt, encoded(opened.text, whole.has_marks));
  HEARTH_TRY(const std::vector<TokenId> ids, encoded(whole.text, whole.has_marks));
  if (ids.size() > made.prompt.size() &&
      std::equal(made.prompt.begin(), made.prompt.end(), ids.begin())) {
    made.reply.assign(ids.begin() + static_cast<std::ptrdiff_t>(made.prompt.size()), ids.end());
    return made;
  }
  HEARTH_TRY(made.reply,
             encoded(std::string_view(whole.text).substr(opened.text.size()), whole.has_marks));
  return made;
}

Result<std::int64_t> PromptEncoder::count(const std::vector<Message>& messages,
                                          const std::vector<ToolDefinition>& tools) const {
  HEARTH_TRY(const auto ids, encode(messages, tools));
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace hearth::provider
