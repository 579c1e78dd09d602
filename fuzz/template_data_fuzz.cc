// Changed conversations, tools and variables through the templates of the families that the tests
// know: {"template": NAME, "messages": [...], "tools": [...], "extra": {...}}.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

#include "base/file.h"
#include "base/json_reader.h"
#include "fuzz_check.h"
#include "json_mutator.h"
#include "text/chat_template.h"
#include "text/utf8.h"

namespace {

using hearth::OrderedJson;
using hearth::text::ChatTemplate;
using hearth::text::TemplateInput;
using hearth::text::TemplateLimits;

constexpr TemplateLimits kLimits{.output_bytes_max = std::size_t{1} << 20, .steps_max = 1'000'000};

std::map<std::string, ChatTemplate> families() {
  const std::string name = "src/text/testdata/template_goldens.json";
  const auto text = hearth::read_file(std::string(HEARTH_SOURCE_DIR) + "/" + name);
  FUZZ_CHECK(text.has_value());
  const auto goldens = hearth::parse_ordered_json(*text, name);
  FUZZ_CHECK(goldens.has_value());
  std::map<std::string, ChatTemplate> compiled;
  for (const auto& [family, source] : goldens->at("templates").items()) {
    auto one = ChatTemplate::compile(source.get<std::string>(), family);
    FUZZ_CHECK(one.has_value());
    compiled.emplace(family, std::move(*one));
  }
  return compiled;
}

/// The value of that key; null where there is none.
OrderedJson part(const OrderedJson& root, const char* key) {
  const auto found = root.find(key);
  return found == root.end() ? OrderedJson() : *found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::map<std::string, ChatTemplate> templates = families();
  const auto root = hearth::parse_ordered_json(
      std::string_view(reinterpret_cast<const char*>(data), size), "input");
  if (!root || !root->is_object()) return 0;
  const OrderedJson name = part(*root, "template");
  const auto chosen = templates.find(name.is_string() ? name.get<std::string>() : "qwen-3");
  if (chosen == templates.end()) return 0;
  TemplateInput input;
  input.messages = part(*root, "messages");
  input.tools = part(*root, "tools");
  input.extra = part(*root, "extra");
  input.local_time = [] { return std::tm{}; };
  const auto output = chosen->second.render(input, kLimits);
  if (!output) {
    FUZZ_CHECK(output.error().message.find("chat template " + chosen->first) == 0);
    return 0;
  }
  FUZZ_CHECK(output->size() <= kLimits.output_bytes_max);
  FUZZ_CHECK(!hearth::text::utf8_find_invalid(*output));
  planted_bug_if(output->find("</tool_response>\n<tool_response>") != std::string::npos);
  return 0;
}
