#include "app/chat/conversation_file.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "base/output_file.h"
#include "protocol/messages_json.h"

namespace hearth::app {
namespace {

constexpr const char* kFormat = "hearth-chat";
constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kConversationBytesMax = std::uint64_t{64} << 20;

using protocol::Message;
using protocol::Role;

Result<void> check_head(const OrderedJson& document, std::string_view source) {
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", source, what));
  };
  const auto format = document.is_object() ? document.find("format") : document.end();
  if (!document.is_object() || format == document.end() || *format != kFormat) {
    return wrong(fmt::format("is not a conversation saved by hearth chat: \"format\" is not \"{}\"",
                             kFormat));
  }
  const auto version = document.find("version");
  if (version == document.end() || !version->is_number_integer()) {
    return wrong(fmt::format("version is missing or no whole number; expected {}", kVersion));
  }
  if (*version != kVersion) {
    return wrong(
        fmt::format("version is {}; this Hearth reads version {}", version->dump(), kVersion));
  }
  if (!document.contains("messages")) return wrong("messages is missing; expected a list");
  return {};
}

Result<void> check_order(const std::vector<Message>& messages, std::string_view source) {
  for (std::size_t i = 1; i < messages.size(); ++i) {
    if (messages[i].role == Role::kSystem) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: messages[{}].role is system; only the first message may be", source, i));
    }
  }
  return {};
}

}  // namespace

std::string conversation_text(const std::vector<Message>& messages, std::string_view model) {
  OrderedJson list = OrderedJson::array();
  for (const Message& message : messages) list.push_back(protocol::message_to_json(message));
  const OrderedJson document = {
      {"format", kFormat}, {"version", kVersion}, {"model", model}, {"messages", std::move(list)}};
  return document.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Result<std::vector<Message>> parse_conversation_text(std::string_view text,
                                                     std::string_view source) {
  const auto document = parse_ordered_json(text, source);
  if (!document) return fail(ErrorCode::kInvalidArgument, document.error().message);
  HEARTH_TRY_VOID(check_head(*document, source));
  HEARTH_TRY(auto messages, protocol::messages_from_json((*document)["messages"], source));
  HEARTH_TRY_VOID(check_order(messages, source));
  return messages;
}

Result<void> save_conversation(const std::filesystem::path& path,
                               const std::vector<Message>& messages, std::string_view model) {
  constexpr unsigned kOwnerOnly = 0600;
  return write_output_file(path, conversation_text(messages, model), kOwnerOnly);
}

Result<std::vector<Message>> load_conversation(const std::filesystem::path& path) {
  // A pipe would never end. A file that is not there is the user's mistake, not a missing model.
  if (const auto size = file_size_bytes(path); !size) {
    return fail(ErrorCode::kInvalidArgument, size.error().message);
  }
  HEARTH_TRY(const std::string text, read_file(path, kConversationBytesMax));
  return parse_conversation_text(text, path.string());
}

}  // namespace hearth::app
