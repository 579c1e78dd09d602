#include "protocol/tool_call_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json_reader.h"
#include "protocol/json_member.h"

namespace hearth::protocol {
namespace {

constexpr int kCandidatesMax = 64;
constexpr int kCallDepthMax = 64;
constexpr std::string_view kOpen = "<|tool_call|>";
constexpr std::string_view kClose = "<|/tool_call|>";
constexpr std::array<std::string_view, 3> kPrefixes = {kOpen, "<tool_call>", "functools"};
constexpr std::array<std::string_view, 2> kSuffixes = {kClose, "</tool_call>"};
constexpr std::string_view kSpaces = " \t\r\n";

/// Where the JSON list or object at the start of `text` ends, by its brackets alone.
std::optional<std::size_t> json_length(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kCallDepthMax) return std::nullopt;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) return i + 1;
    }
  }
  return std::nullopt;
}

/// Arguments are an object, or a text that holds one.
std::optional<OrderedJson> arguments_of(const OrderedJson& value) {
  if (value.is_object()) return value;
  if (!value.is_string()) return std::nullopt;
  auto parsed = parse_ordered_json(value.get_ref<const std::string&>(), "arguments");
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(*parsed);
}

bool is_offered(const std::string& name, const std::vector<ToolDefinition>& offered) {
  return std::any_of(offered.begin(), offered.end(),
                     [&](const ToolDefinition& tool) { return tool.name == name; });
}

/// A definition that the model repeats has a name and parameters too, but also other keys.
bool has_only_call_keys(const OrderedJson& object) {
  constexpr std::array<std::string_view, 6> kKeys = {"name", "arguments", "parameters",
                                                     "id",   "type",      "function"};
  return std::all_of(object.items().begin(), object.items().end(), [&](const auto& item) {
    return std::find(kKeys.begin(), kKeys.end(), item.key()) != kKeys.end();
  });
}

std::optional<ToolCall> call_of(const OrderedJson& value,
                                const std::vector<ToolDefinition>& offered) {
  if (!value.is_object() || !has_only_call_keys(value)) return std::nullopt;
  if (const OrderedJson* function = member(value, "function");
      function != nullptr && function->is_object()) {
    return call_of(*function, offered);
  }
  const OrderedJson* name = member(value, "name");
  if (name == nullptr || !name->is_string()) return std::nullopt;
  ToolCall call;
  call.name = name->get<std::string>();
  if (call.name.empty() || (!offered.empty() && !is_offered(call.name, offered))) {
    return std::nullopt;
  }
  const OrderedJson* arguments = member(value, "arguments");
  if (arguments == nullptr) arguments = member(value, "parameters");
  if (arguments == nullptr || arguments->is_null()) {
    // Only the name of a tool that was offered says clearly enough that this is a call.
    if (offered.empty()) return std::nullopt;
    call.arguments = OrderedJson::object();
    return call;
  }
  auto read = arguments_of(*arguments);
  if (!read) return std::nullopt;
  call.arguments = std::move(*read);
  return call;
}

/// All elements are calls, or it is none.
std::vector<ToolCall> calls_of(const OrderedJson& value,
                               const std::vector<ToolDefinition>& offered) {
  std::vector<ToolCall> calls;
  const std::size_t count = value.is_array() ? value.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    auto call = call_of(value.is_array() ? value[i] : value, offered);
    if (!call) return {};
    calls.push_back(std::move(*call));
  }
  return calls;
}

/// How much of `before`'s end is a wrapper or prefix with the space around it.
std::size_t prefix_length(std::string_view before) {
  const std::size_t last = before.find_last_not_of(kSpaces);
  if (last == std::string_view::npos) return 0;
  const std::string_view trimmed = before.substr(0, last + 1);
  for (const std::string_view prefix : kPrefixes) {
    if (trimmed.ends_with(prefix)) return before.size() - (trimmed.size() - prefix.size());
  }
  // A list that was never closed: its first call is read alone, the bracket belongs to the wrapper.
  if (!trimmed.ends_with('[')) return 0;
  const std::size_t wrapper = prefix_length(trimmed.substr(0, trimmed.size() - 1));
  return wrapper == 0 ? 0 : before.size() - (trimmed.size() - 1 - wrapper);
}

std::size_t suffix_length(std::string_view after) {
  const std::size_t first = after.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return 0;
  for (const std::string_view suffix : kSuffixes) {
    if (after.substr(first).starts_with(suffix)) return first + suffix.size();
  }
  return 0;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

/// The next bracket that a call may begin with; those of program text mostly show in what follows
/// them.
std::size_t next_candidate(std::string_view reply, std::size_t from) {
  for (;;) {
    const std::size_t place = reply.find_first_of("[{", from);
    if (place == std::string_view::npos) return place;
    const std::size_t next = reply.find_first_not_of(kSpaces, place + 1);
    if (next == std::string_view::npos) return next;
    if (reply[next] == (reply[place] == '[' ? '{' : '"')) return place;
    from = place + 1;
  }
}

/// The one spelling that needs no repair.
bool is_strict(std::string_view reply) {
  if (!reply.starts_with(kOpen) || !reply.ends_with(kClose)) return false;
  reply.remove_prefix(kOpen.size());
  if (reply.size() < kClose.size()) return false;
  reply.remove_suffix(kClose.size());
  const auto list = parse_ordered_json(reply, "reply");
  if (!list || !list->is_array()) return false;
  return std::all_of(list->begin(), list->end(), [](const OrderedJson& call) {
    return call.is_object() && call.size() == 2 && call.contains("name") &&
           call.contains("arguments") && call["arguments"].is_object();
  });
}

}  // namespace

ParsedReply parse_tool_calls(std::string_view reply, const std::vector<ToolDefinition>& offered) {
  ParsedReply parsed;
  std::size_t kept_from = 0;  // text before this place is in parsed.text or part of a call
  std::size_t place = 0;
  for (int candidates = 0; candidates < kCandidatesMax; ++candidates) {
    place = next_candidate(reply, place);
    if (place == std::string_view::npos) break;
    const auto length = json_length(reply.substr(place));
    const auto value =
        length ? parse_ordered_json(reply.substr(place, *length), "reply") : Result<OrderedJson>();
    auto calls = length && value ? calls_of(*value, offered) : std::vector<ToolCall>{};
    if (calls.empty()) {
      // JSON that is no call stays text as a whole; what looked like JSON and is none may hold
      // some.
      place += length && value ? *length : 1;
      continue;
    }
    const std::string_view before = reply.substr(kept_from, place - kept_from);
    parsed.text += before.substr(0, before.size() - prefix_length(before));
    place += *length;
    place += suffix_length(reply.substr(place));
    kept_from = place;
    std::move(calls.begin(), calls.end(), std::back_inserter(parsed.tool_calls));
  }
  parsed.text += reply.substr(kept_from);
  if (!parsed.tool_calls.empty()) {
    parsed.text = std::string(trimmed(parsed.text));
    parsed.repaired = !is_strict(reply);
  }
  return parsed;
}

}  // namespace hearth::protocol
