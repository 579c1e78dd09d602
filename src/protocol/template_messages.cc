#include "protocol/template_messages.h"

#include <algorithm>
#include <utility>

#include "protocol/tool_definitions.h"

namespace hearth::protocol {
namespace {

constexpr const char* kToolSystemPrompt = "You are a helpful assistant with some tools.";

bool mentions(const std::string& source, std::initializer_list<std::string_view> spellings) {
  return std::any_of(spellings.begin(), spellings.end(), [&](std::string_view spelling) {
    return source.find(spelling) != std::string::npos;
  });
}

/// `tools` as a variable of its own: not a key in quotes, not a member, not a part of a longer
/// name.
bool reads_tools_variable(const std::string& source) {
  constexpr std::string_view kName = "tools";
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  bool inside = false;  // of {{ }} or {% %}: only there does a name stand for a variable
  for (std::size_t i = 0; i + 1 < source.size(); ++i) {
    const std::string_view two(source.data() + i, 2);
    if (two == "{{" || two == "{%") inside = true;
    if (two == "}}" || two == "%}") inside = false;
    if (!inside || source.compare(i, kName.size(), kName) != 0) continue;
    const char before = source[i - 1];
    const char after = i + kName.size() < source.size() ? source[i + kName.size()] : ' ';
    const bool quoted = before == '\'' || before == '"';
    if (!in_name(before) && before != '.' && !quoted && !in_name(after)) return true;
  }
  return false;
}

/// JSON with ", " and ": " between parts, as Python's json.dumps writes it, without escaping what
/// is not ASCII.
std::string spaced_json(const OrderedJson& value) {
  if (value.is_object()) {
    std::string text = "{";
    for (const auto& [key, member] : value.items()) {
      if (text.size() > 1) text += ", ";
      text += OrderedJson(key).dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + ": " +
              spaced_json(member);
    }
    return text + "}";
  }
  if (value.is_array()) {
    std::string text = "[";
    for (const OrderedJson& element : value) {
      if (text.size() > 1) text += ", ";
      text += spaced_json(element);
    }
    return text + "]";
  }
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string flat_type(const OrderedJson& property) {
  const auto found = property.find("type");
  if (found == property.end()) return "str";
  const OrderedJson* type = &*found;
  if (type->is_array()) {
    const auto first = std::find_if(type->begin(), type->end(),
                                    [](const OrderedJson& one) { return one != "null"; });
    if (first == type->end()) return "str";
    type = &*first;
  }
  if (!type->is_string()) return "str";
  auto name = type->get<std::string>();
  if (name == "string") return "str";
  if (name == "integer") return "int";
  if (name == "number") return "float";
  if (name == "boolean") return "bool";
  return name;
}

OrderedJson flat_parameters(const OrderedJson& schema) {
  OrderedJson flat = OrderedJson::object();
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return flat;
  for (const auto& [name, property] : properties->items()) {
    OrderedJson entry = OrderedJson::object();
    if (property.is_object()) {
      if (property.contains("description")) entry["description"] = property["description"];
      entry["type"] = flat_type(property);
      if (property.contains("default")) entry["default"] = property["default"];
    } else {
      entry["type"] = "str";  // `true` as a schema: anything goes
    }
    flat[name] = std::move(entry);
  }
  return flat;
}

OrderedJson rendered_calls(const std::vector<ToolCall>& calls) {
  OrderedJson list = OrderedJson::array();
  for (const ToolCall& call : calls) {
    OrderedJson entry = OrderedJson::object();
    if (!call.id.empty()) entry["id"] = call.id;
    entry["type"] = "function";
    entry["function"] = {{"name", call.name}, {"arguments", call.arguments}};
    list.push_back(std::move(entry));
  }
  return list;
}

std::string template_role(const Message& message, const TemplateTraits& traits) {
  const bool as_response =
      message.role == Role::kTool && !traits.renders_tool_role && traits.tool_response_token;
  return as_response ? "tool_response" : std::string(role_name(message.role));
}

OrderedJson template_message(const Message& message, const TemplateTraits& traits) {
  OrderedJson made = {{"role", template_role(message, traits)}, {"content", message.content}};
  if (!message.tool_calls.empty() && traits.renders_tool_calls) {
    made["tool_calls"] = rendered_calls(message.tool_calls);
  } else if (!message.tool_calls.empty()) {
    made["content"] =
        message.content + tool_calls_text(message.tool_calls, traits.tool_call_tokens);
  }
  if (!message.tool_call_id.empty()) made["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) made["name"] = message.name;
  return made;
}

/// The tools go into the first system message, which is made when there is none.
void put_tools_in_system_message(const std::vector<ToolDefinition>& tools, OrderedJson& messages) {
  const auto system = std::find_if(messages.begin(), messages.end(),
                                   [](const OrderedJson& one) { return one["role"] == "system"; });
  if (system != messages.end()) {
    (*system)["tools"] = flat_tools_string(tools);
    return;
  }
  OrderedJson extended = OrderedJson::array();
  extended.push_back(
      {{"role", "system"}, {"content", kToolSystemPrompt}, {"tools", flat_tools_string(tools)}});
  for (OrderedJson& message : messages) extended.push_back(std::move(message));
  messages = std::move(extended);
}

}  // namespace

TemplateTraits inspect_template(const text::ChatTemplate& chat_template,
                                const text::Tokenizer& tokenizer) {
  const std::string& source = chat_template.source();
  TemplateTraits traits;
  traits.tools_in_system_message =
      mentions(source, {"message['tools']", "message[\"tools\"]", "message.tools",
                        "'tools' in message", "\"tools\" in message"});
  traits.tools_variable = reads_tools_variable(source);
  traits.renders_tool_calls = mentions(source, {"tool_calls"});
  traits.renders_tool_role = mentions(source, {"'tool'", "\"tool\"", "'ipython'", "\"ipython\""});
  traits.tool_call_tokens = tokenizer.id_of("<|tool_call|>") && tokenizer.id_of("<|/tool_call|>");
  traits.tool_response_token = tokenizer.id_of("<|tool_response|>").has_value();
  return traits;
}

std::string flat_tools_string(const std::vector<ToolDefinition>& tools) {
  OrderedJson list = OrderedJson::array();
  for (const ToolDefinition& tool : tools) {
    list.push_back({{"name", tool.name},
                    {"description", tool.description},
                    {"parameters", flat_parameters(tool.parameters)}});
  }
  return spaced_json(list);
}

std::string tool_calls_text(const std::vector<ToolCall>& calls, bool wrapper) {
  OrderedJson list = OrderedJson::array();
  for (const ToolCall& call : calls) {
    list.push_back({{"name", call.name}, {"arguments", call.arguments}});
  }
  const std::string text = spaced_json(list);
  return wrapper ? "<|tool_call|>" + text + "<|/tool_call|>" : text;
}

Result<text::TemplateInput> template_input(const std::vector<Message>& messages,
                                           const std::vector<ToolDefinition>& tools,
                                           const TemplateTraits& traits) {
  text::TemplateInput input;
  for (const Message& message : messages) {
    input.messages.push_back(template_message(message, traits));
  }
  if (tools.empty()) return input;
  if (traits.tools_in_system_message) {
    put_tools_in_system_message(tools, input.messages);
  } else if (traits.tools_variable) {
    input.tools = tools_as_openai(tools);
  } else {
    return fail(ErrorCode::kUnsupported,
                "this model's chat template has no place for tools: it was not made to call any");
  }
  return input;
}

}  // namespace hearth::protocol
