#include "protocol/messages_json.h"

#include <string>
#include <utility>

#include "protocol/json_member.h"
#include "protocol/tool_definitions.h"

namespace hearth::protocol {
namespace {

/// "chat.json: messages[3].content": where something is wrong.
std::string at(std::string_view where, std::string_view key) {
  return std::string(where) + "." + std::string(key);
}

std::string in_words(const OrderedJson& value) {
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace).substr(0, 40);
}

tl::unexpected<Error> wrong(const std::string& where, const OrderedJson* found,
                            std::string_view expected) {
  return fail(ErrorCode::kInvalidArgument,
              where + (found == nullptr ? " is missing" : " is " + in_words(*found)) +
                  "; expected " + std::string(expected));
}

/// The member, or null when it is absent or null.
Result<std::string> text_or_empty(const OrderedJson& object, std::string_view key,
                                  std::string_view where) {
  const OrderedJson* found = given_member(object, key);
  if (found == nullptr) return std::string{};
  if (!found->is_string()) return wrong(at(where, key), found, "a text");
  return found->get<std::string>();
}

Result<std::string> text_of_parts(const OrderedJson& parts, const std::string& where) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string part = where + "[" + std::to_string(i) + "]";
    if (!parts[i].is_object()) return wrong(part, &parts[i], "an object");
    HEARTH_TRY(const std::string type, text_or_empty(parts[i], "type", part));
    if (type != "text") return wrong(at(part, "type"), given_member(parts[i], "type"), "\"text\"");
    HEARTH_TRY(const std::string words, text_or_empty(parts[i], "text", part));
    text += words;
  }
  return text;
}

Result<std::string> read_content(const OrderedJson& message, std::string_view where) {
  const OrderedJson* content = given_member(message, "content");
  if (content != nullptr && content->is_string()) return content->get<std::string>();
  if (content != nullptr && content->is_array()) {
    return text_of_parts(*content, at(where, "content"));
  }
  if (content == nullptr && given_member(message, "tool_calls") != nullptr) return std::string{};
  return wrong(at(where, "content"), content, "a text or a list of texts");
}

Result<OrderedJson> read_arguments(const OrderedJson& function, std::string_view where) {
  const OrderedJson* found = given_member(function, "arguments");
  if (found == nullptr) return OrderedJson::object();
  OrderedJson arguments = *found;
  if (found->is_string()) {
    const auto text = found->get<std::string>();
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return OrderedJson::object();
    auto parsed = parse_ordered_json(text, at(where, "arguments"));
    if (!parsed) return fail(ErrorCode::kInvalidArgument, parsed.error().message);
    arguments = std::move(*parsed);
  }
  if (!arguments.is_object()) return wrong(at(where, "arguments"), found, "an object");
  return arguments;
}

Result<ToolCall> read_call(const OrderedJson& call, const std::string& where) {
  if (!call.is_object()) return wrong(where, &call, "an object");
  const OrderedJson* function = given_member(call, "function");
  if (function == nullptr || !function->is_object()) {
    return wrong(at(where, "function"), function, "an object");
  }
  ToolCall read;
  HEARTH_TRY(read.id, text_or_empty(call, "id", where));
  HEARTH_TRY(read.name, text_or_empty(*function, "name", at(where, "function")));
  if (read.name.empty()) return wrong(at(where, "function.name"), nullptr, "the tool's name");
  HEARTH_TRY(read.arguments, read_arguments(*function, at(where, "function")));
  return read;
}

Result<std::vector<ToolCall>> read_calls(const OrderedJson& message, Role role,
                                         const std::string& where) {
  std::vector<ToolCall> calls;
  const OrderedJson* list = given_member(message, "tool_calls");
  if (list == nullptr) return calls;
  const std::string key = at(where, "tool_calls");
  if (!list->is_array()) return wrong(key, list, "a list");
  if (role != Role::kAssistant && !list->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                key + ": only messages of the assistant have tool calls");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    HEARTH_TRY(ToolCall call, read_call((*list)[i], key + "[" + std::to_string(i) + "]"));
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<Message> read_message(const OrderedJson& json, const std::string& where) {
  if (!json.is_object()) return wrong(where, &json, "an object with role and content");
  Message message;
  HEARTH_TRY(const std::string name, text_or_empty(json, "role", where));
  const auto role = role_from_name(name);
  if (!role) {
    return wrong(at(where, "role"), given_member(json, "role"),
                 "\"system\", \"user\", \"assistant\" or \"tool\"");
  }
  message.role = *role;
  HEARTH_TRY(message.content, read_content(json, where));
  HEARTH_TRY(message.tool_calls, read_calls(json, *role, where));
  if (*role == Role::kTool) {  // a user's name says nothing to templates
    HEARTH_TRY(message.tool_call_id, text_or_empty(json, "tool_call_id", where));
    HEARTH_TRY(message.name, text_or_empty(json, "name", where));
  }
  return message;
}

}  // namespace

Result<std::vector<Message>> messages_from_json(const OrderedJson& list, std::string_view source) {
  const std::string where = std::string(source) + ": messages";
  if (!list.is_array()) return wrong(where, &list, "a list");
  std::vector<Message> messages;
  for (std::size_t i = 0; i < list.size(); ++i) {
    HEARTH_TRY(Message message, read_message(list[i], where + "[" + std::to_string(i) + "]"));
    messages.push_back(std::move(message));
  }
  return messages;
}

OrderedJson message_to_json(const Message& message) {
  OrderedJson json = {{"role", role_name(message.role)}, {"content", message.content}};
  for (const ToolCall& call : message.tool_calls) {
    OrderedJson made;
    if (!call.id.empty()) made["id"] = call.id;
    made["type"] = "function";
    made["function"] = {{"name", call.name}, {"arguments", call.arguments}};
    json["tool_calls"].push_back(std::move(made));
  }
  if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) json["name"] = message.name;
  return json;
}

Result<Conversation> parse_conversation(std::string_view json_text, std::string_view source) {
  const auto json = parse_ordered_json(json_text, source);
  if (!json) return fail(ErrorCode::kInvalidArgument, json.error().message);
  Conversation conversation;
  if (!json->is_object()) {
    HEARTH_TRY(conversation.messages, messages_from_json(*json, source));
    return conversation;
  }
  const OrderedJson* messages = given_member(*json, "messages");
  if (messages == nullptr) return wrong(std::string(source) + ": messages", nullptr, "a list");
  HEARTH_TRY(conversation.messages, messages_from_json(*messages, source));
  if (const OrderedJson* tools = given_member(*json, "tools")) {
    HEARTH_TRY(conversation.tools,
               tool_definitions_from_json(*tools, std::string(source) + ": tools"));
  }
  return conversation;
}

}  // namespace hearth::protocol
