// A conversation on disk: one JSON document, versioned, checked key by key when it is read again.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::app {

/// {"format": "hearth-chat", "version": 1, "model": "...", "messages": [...]}, messages in the form
/// of OpenAI's chat API (protocol/messages_json.h), the system message first where there is one.
std::string conversation_text(const std::vector<protocol::Message>& messages,
                              std::string_view model);

/// The messages of such a document. kInvalidArgument naming `source` and the key for what is not
/// one, or was written by a later version.
Result<std::vector<protocol::Message>> parse_conversation_text(std::string_view text,
                                                               std::string_view source);

/// Writes readable for the owner only, and replaces a file that is there in one step: after a
/// failure it is as it was.
Result<void> save_conversation(const std::filesystem::path& path,
                               const std::vector<protocol::Message>& messages,
                               std::string_view model);

Result<std::vector<protocol::Message>> load_conversation(const std::filesystem::path& path);

}  // namespace hearth::app
