// Renders chat templates for comparison with Jinja: one JSON object with a template and its input
// per line of standard input, one with the output or the error per line of standard output.
//   {"source": "...", "messages": [...], "tools": null, "add_generation_prompt": true,
//    "bos_token": "", "eos_token": "", "extra": {...}}
#include <ctime>
#include <iostream>
#include <string>

#include "base/json_reader.h"
#include "text/chat_template.h"

namespace {

using hearth::OrderedJson;
using hearth::Result;

/// The date on which the oracle renders too: Saturday, 3 August 2024, 14:05:09.
std::tm fixed_time() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 7;
  time.tm_mday = 3;
  time.tm_hour = 14;
  time.tm_min = 5;
  time.tm_sec = 9;
  time.tm_wday = 6;
  time.tm_yday = 215;
  return time;
}

Result<std::string> render(const OrderedJson& item) {
  HEARTH_TRY(const auto compiled,
             hearth::text::ChatTemplate::compile(item.at("source").get<std::string>(), "template"));
  hearth::text::TemplateInput input;
  input.messages = item.value("messages", OrderedJson::array());
  input.tools = item.value("tools", OrderedJson());
  input.add_generation_prompt = item.value("add_generation_prompt", true);
  input.bos_token = item.value("bos_token", "");
  input.eos_token = item.value("eos_token", "");
  input.extra = item.value("extra", OrderedJson::object());
  input.local_time = fixed_time;
  return compiled.render(input);
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto item = hearth::parse_ordered_json(line, "standard input");
    if (!item) {
      std::cerr << item.error().message << "\n";
      return 1;
    }
    const auto output = render(*item);
    OrderedJson answer;
    if (output) {
      answer["output"] = *output;
    } else {
      answer["error"] = output.error().message;
      answer["unsupported"] = output.error().code == hearth::ErrorCode::kUnsupported ||
                              output.error().code == hearth::ErrorCode::kResourceExhausted;
    }
    std::cout << answer.dump() << "\n";
  }
  return 0;
}
