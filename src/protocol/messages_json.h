// Conversations as JSON in the form of OpenAI's chat API: what files and clients hold.
#pragma once

#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::protocol {

/// Reads a list of messages: {"role", "content", "tool_calls", "tool_call_id", "name"}. Content is
/// a text, a list of parts of type text, or null beside tool calls; a call's arguments are an
/// object or the text of one. Keys that mean nothing to a template are passed over. Errors
/// (kInvalidArgument) name `source`, the message and the key.
Result<std::vector<Message>> messages_from_json(const OrderedJson& list, std::string_view source);

/// The message in the same form; what is empty is left out, but never role and content.
OrderedJson message_to_json(const Message& message);

/// A conversation with its tools.
struct Conversation {
  std::vector<Message> messages;
  std::vector<ToolDefinition> tools;
};

/// Parses a list of messages, or the body of a request: an object with "messages" and perhaps
/// "tools".
Result<Conversation> parse_conversation(std::string_view json_text, std::string_view source);

}  // namespace hearth::protocol
