#include "eval/case_file.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "eval/text_lines.h"
#include "protocol/messages_json.h"
#include "protocol/tool_definitions.h"

namespace hearth::eval {
namespace {

tl::unexpected<Error> wrong(const std::string& where, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, where + ": " + what);
}

Result<void> check_keys(const OrderedJson& object, std::span<const std::string_view> known,
                        const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return wrong(where, "the key \"" + key + "\" is not known here");
    }
  }
  return {};
}

Result<std::string> read_text(const OrderedJson& object, const char* key,
                              const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string() ||
      found->get_ref<const std::string&>().empty()) {
    return wrong(where, std::string("\"") + key + "\" must be a text that is not empty");
  }
  return found->get<std::string>();
}

Result<std::vector<std::string>> read_texts(const OrderedJson& object, const char* key,
                                            const std::string& where) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end()) return texts;
  const auto expected = std::string("\"") + key + "\" must be a list of texts, none of them empty";
  if (!found->is_array() || found->empty()) return wrong(where, expected);
  for (const OrderedJson& item : *found) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      return wrong(where, expected);
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<std::vector<OrderedJson>> read_arguments(const OrderedJson& object,
                                                const std::string& where) {
  const bool one = object.contains("arguments");
  const bool several = object.contains("arguments_any");
  if (one == several) {
    return wrong(where, "a tool wants \"arguments\" or \"arguments_any\", one of the two");
  }
  std::vector<OrderedJson> read;
  if (one) {
    read.push_back(object.at("arguments"));
  } else if (object.at("arguments_any").is_array()) {
    for (const OrderedJson& item : object.at("arguments_any")) read.push_back(item);
  }
  const bool objects = std::all_of(read.begin(), read.end(),
                                   [](const OrderedJson& item) { return item.is_object(); });
  if (read.empty() || !objects) {
    return wrong(where, "\"arguments\" must be an object, \"arguments_any\" a list of some");
  }
  return read;
}

Result<Expectation> read_call(const OrderedJson& object, const std::string& where) {
  constexpr std::string_view kKnown[] = {"tool", "arguments", "arguments_any"};
  HEARTH_TRY_VOID(check_keys(object, kKnown, where));
  Expectation expect;
  HEARTH_TRY(expect.tool, read_text(object, "tool", where));
  HEARTH_TRY(expect.arguments, read_arguments(object, where));
  return expect;
}

Result<Expectation> read_answer(const OrderedJson& object, const std::string& where) {
  constexpr std::string_view kKnown[] = {"no_call", "text", "text_contains", "text_contains_any"};
  HEARTH_TRY_VOID(check_keys(object, kKnown, where));
  const auto no_call = object.find("no_call");
  if (no_call != object.end() && *no_call != true) {
    return wrong(where, "\"no_call\" can only be true; a call is expected with \"tool\"");
  }
  Expectation expect;
  if (object.contains("text")) {
    HEARTH_TRY(expect.text, read_text(object, "text", where));
  }
  HEARTH_TRY(expect.text_contains, read_texts(object, "text_contains", where));
  HEARTH_TRY(expect.text_contains_any, read_texts(object, "text_contains_any", where));
  if (object.empty()) {
    return wrong(where,
                 "expects nothing; give \"tool\", \"text\", \"text_contains\" or \"no_call\"");
  }
  return expect;
}

Result<Expectation> read_expectation(const OrderedJson& line, const std::string& where) {
  const auto found = line.find("expect");
  if (found == line.end() || !found->is_object())
    return wrong(where, "\"expect\" must be an object");
  return found->contains("tool") ? read_call(*found, where + ": expect")
                                 : read_answer(*found, where + ": expect");
}

Result<void> check_offered(const EvalCase& made, const std::string& where) {
  if (made.expect.tool.empty()) return {};
  const bool offered = std::any_of(
      made.tools.begin(), made.tools.end(),
      [&](const protocol::ToolDefinition& tool) { return tool.name == made.expect.tool; });
  if (offered) return {};
  return wrong(where,
               "expects the tool \"" + made.expect.tool + "\", which \"tools\" does not offer");
}

Result<EvalCase> read_case(const OrderedJson& line, const std::string& where) {
  if (!line.is_object()) return wrong(where, "expected an object");
  constexpr std::string_view kKnown[] = {"id", "kind", "family", "tools", "messages", "expect"};
  HEARTH_TRY_VOID(check_keys(line, kKnown, where));
  EvalCase made;
  HEARTH_TRY(made.id, read_text(line, "id", where));
  HEARTH_TRY(made.kind, read_text(line, "kind", where));
  if (line.contains("tools")) {
    HEARTH_TRY(made.tools,
               protocol::tool_definitions_from_json(line.at("tools"), where + ": tools"));
  }
  if (!line.contains("messages")) return wrong(where, "\"messages\" is missing");
  HEARTH_TRY(made.messages, protocol::messages_from_json(line.at("messages"), where));
  if (made.messages.empty()) return wrong(where, "\"messages\" is empty");
  HEARTH_TRY(made.expect, read_expectation(line, where));
  HEARTH_TRY_VOID(check_offered(made, where));
  made.family = made.expect.tool;
  if (line.contains("family")) {
    HEARTH_TRY(made.family, read_text(line, "family", where));
  }
  return made;
}

}  // namespace

Result<std::vector<EvalCase>> parse_cases(std::string_view text, std::string_view source) {
  std::vector<EvalCase> cases;
  std::set<std::string> ids;
  const auto read = [&](std::string_view line, const std::string& where) -> Result<void> {
    const auto json = parse_ordered_json(line, where);
    if (!json) return fail(ErrorCode::kInvalidArgument, json.error().message);
    HEARTH_TRY(EvalCase made, read_case(*json, where));
    if (!ids.insert(made.id).second) {
      return wrong(where, "the id \"" + made.id + "\" is that of an earlier line");
    }
    cases.push_back(std::move(made));
    return {};
  };
  HEARTH_TRY_VOID(read_lines(text, source, read));
  if (cases.empty()) return wrong(std::string(source), "there is no case in it");
  return cases;
}

}  // namespace hearth::eval
