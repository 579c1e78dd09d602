#include "provider/prompt_encoder.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace hearth::provider {
namespace {

// U+FDD0 and U+FDD1: noncharacters that Unicode reserves for use inside a program. Around the index
// of a spelling they make its mark. Text from outside that holds such a mark gains nothing: it,
// too, becomes a spelling.
constexpr std::string_view kMarkBegin = "\xEF\xB7\x90";
constexpr std::string_view kMarkEnd = "\xEF\xB7\x91";

std::vector<std::string> special_spellings(const text::Tokenizer& tokenizer) {
  std::vector<std::string> spellings = tokenizer.special_tokens();
  std::sort(spellings.begin(), spellings.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  std::erase(spellings, std::string{});
  return spellings;
}

}  // namespace

PromptEncoder::PromptEncoder(text::Tokenizer tokenizer, text::ChatTemplate chat_template,
                             std::string bos_token, std::string eos_token)
    : tokenizer_(std::move(tokenizer)),
      chat_template_(std::move(chat_template)),
      traits_(protocol::inspect_template(chat_template_, tokenizer_)),
      bos_token_(std::move(bos_token)),
      eos_token_(std::move(eos_token)),
      special_(special_spellings(tokenizer_)) {}

std::string PromptEncoder::marked(const std::string& text) const {
  std::string result = text;
  for (std::size_t i = 0; i < special_.size(); ++i) {
    for (std::size_t at = result.find(special_[i]); at != std::string::npos;
         at = result.find(special_[i], at)) {
      const std::string mark = std::string(kMarkBegin) + std::to_string(i) + std::string(kMarkEnd);
      result.replace(at, special_[i].size(), mark);
      at += mark.size();
    }
  }
  return result;
}

OrderedJson PromptEncoder::marked(const OrderedJson& value) const {
  if (value.is_string()) return marked(value.get<std::string>());
  if (value.is_object()) {
    OrderedJson result = OrderedJson::object();
    for (const auto& [key, member] : value.items()) result[marked(key)] = marked(member);
    return result;
  }
  if (value.is_array()) {
    OrderedJson result = OrderedJson::array();
    for (const OrderedJson& element : value) result.push_back(marked(element));
    return result;
  }
  return value;
}

std::vector<PromptEncoder::Part> PromptEncoder::cut_at_marks(const std::string& prompt) const {
  std::vector<Part> cut;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t mark = prompt.find(kMarkBegin, begin);
    if (mark == std::string::npos) break;
    const char* const digits = prompt.data() + mark + kMarkBegin.size();
    std::size_t index = 0;
    const auto [after, error] = std::from_chars(digits, prompt.data() + prompt.size(), index);
    const auto end = static_cast<std::size_t>(after - prompt.data());
    const bool is_mark = error == std::errc{} && index < special_.size() &&
                         prompt.compare(end, kMarkEnd.size(), kMarkEnd) == 0;
    const std::size_t text_end = is_mark ? mark : mark + kMarkBegin.size();
    if (text_end > begin) cut.push_back({prompt.substr(begin, text_end - begin), false});
    if (is_mark) cut.push_back({special_[index], true});
    begin = is_mark ? end + kMarkEnd.size() : text_end;
  }
  if (begin < prompt.size()) cut.push_back({prompt.substr(begin), false});
  return cut;
}

Result<std::vector<PromptEncoder::Part>> PromptEncoder::parts(
    const std::vector<protocol::Message>& messages,
    const std::vector<protocol::ToolDefinition>& tools) const {
  std::vector<protocol::Message> marked_messages = messages;
  for (protocol::Message& message : marked_messages) {
    message.content = marked(message.content);
    message.name = marked(message.name);
    message.tool_call_id = marked(message.tool_call_id);
    for (protocol::ToolCall& call : message.tool_calls) {
      call.id = marked(call.id);
      call.name = marked(call.name);
      call.arguments = marked(call.arguments);
    }
  }
  std::vector<protocol::ToolDefinition> marked_tools = tools;
  for (protocol::ToolDefinition& tool : marked_tools) {
    tool = {marked(tool.name), marked(tool.description), marked(tool.parameters)};
  }
  HEARTH_TRY(text::TemplateInput input,
             protocol::template_input(marked_messages, marked_tools, traits_));
  input.bos_token = bos_token_;
  input.eos_token = eos_token_;
  HEARTH_TRY(const std::string prompt, chat_template_.render(input));
  return cut_at_marks(prompt);
}

Result<std::string> PromptEncoder::render(
    const std::vector<protocol::Message>& messages,
    const std::vector<protocol::ToolDefinition>& tools) const {
  HEARTH_TRY(const auto cut, parts(messages, tools));
  std::string prompt;
  for (const Part& part : cut) prompt += part.text;
  return prompt;
}

Result<std::vector<TokenId>> PromptEncoder::encode(
    const std::vector<protocol::Message>& messages,
    const std::vector<protocol::ToolDefinition>& tools) const {
  HEARTH_TRY(const auto cut, parts(messages, tools));
  std::vector<TokenId> ids;
  for (const Part& part : cut) {
    HEARTH_TRY(const auto encoded,
               tokenizer_.encode(part.text,
                                 {.parse_special = !part.from_outside, .add_post_tokens = false}));
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
  return ids;
}

}  // namespace hearth::provider
