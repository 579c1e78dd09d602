// Any bytes as a chat template, over a fixed conversation: refused with words, or rendered within
// the limits, the same each time.
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "fuzz_check.h"
#include "text/chat_template.h"
#include "text/utf8.h"

namespace {

using hearth::OrderedJson;
using hearth::text::ChatTemplate;
using hearth::text::TemplateInput;
using hearth::text::TemplateLimits;

constexpr TemplateLimits kLimits{.output_bytes_max = std::size_t{1} << 18, .steps_max = 100'000};

TemplateInput conversation() {
  TemplateInput input;
  input.messages = OrderedJson::parse(R"([
    {"role": "system", "content": "  Größe\r\n"},
    {"role": "user", "content": "topic", "n": [1, 2.5, null, true, {"k": -7}]},
    {"role": "assistant", "content": null, "tool_calls": [
      {"function": {"name": "f", "arguments": {"a": "<b>", "c": ["x", "y"]}}}]}])");
  input.tools = OrderedJson::parse(R"([{"type": "function", "function": {"name": "f"}}])");
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.local_time = [] { return std::tm{}; };
  return input;
}

/// For the planted bug: a message went through a filter or method before it was printed.
[[maybe_unused]] bool prints_topic_changed(std::string_view output) {
  for (const std::string_view changed : {"TOPIC", "Topic", "cipot"}) {
    if (output.find(changed) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TemplateInput input = conversation();
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto compiled = ChatTemplate::compile(source, "fuzzed");
  if (!compiled) {
    FUZZ_CHECK(compiled.error().message.find("chat template fuzzed: ") == 0);
    return 0;
  }
  const auto output = compiled->render(input, kLimits);
  const auto again = compiled->render(input, kLimits);
  FUZZ_CHECK(output.has_value() == again.has_value());
  if (!output) {
    FUZZ_CHECK(output.error().message.find("chat template fuzzed: line ") == 0);
    FUZZ_CHECK(output.error().message == again.error().message);
    return 0;
  }
  FUZZ_CHECK(*output == *again);
  FUZZ_CHECK(output->size() <= kLimits.output_bytes_max);
  FUZZ_CHECK(!hearth::text::utf8_find_invalid(*output));
  planted_bug_if(prints_topic_changed(*output));
  return 0;
}
