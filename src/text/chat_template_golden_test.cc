// Renderings as Jinja itself gives them: of the families' templates and feature by feature
// (tests/oracles/template_goldens.py), of random templates (template_differential.py), and the
// strings that Phi-4-mini's prompts are published with.
#include <algorithm>
#include <ctime>
#include <map>
#include <sstream>

#include "text/chat_template.h"
#include "text/test_support.h"

namespace hearth::text {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The date on which the oracle renders: Saturday, 3 August 2024, 14:05:09.
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

/// Compares with what Jinja gave: `output`, or `error` as "Kind: message".
void expect_as_jinja(const Result<std::string>& output, const OrderedJson& jinja) {
  if (jinja.contains("error")) {
    ASSERT_FALSE(output) << *output;
    const auto error = jinja.at("error").get<std::string>();
    const std::string refusal = "TemplateError: ";
    if (error.starts_with(refusal)) {
      EXPECT_EQ(output.error().code, ErrorCode::kInvalidArgument);
      EXPECT_NE(output.error().message.find(error.substr(refusal.size())), std::string::npos)
          << output.error().message;
    }
    EXPECT_NE(output.error().message.find("line "), std::string::npos) << output.error().message;
    return;
  }
  ASSERT_TRUE(output) << output.error().message;
  const auto expected = jinja.at("output").get<std::string>();
  // Line by line first: a long text says little when it differs somewhere.
  const auto lines = lines_of(*output);
  const auto expected_lines = lines_of(expected);
  for (std::size_t i = 0; i < std::min(lines.size(), expected_lines.size()); ++i) {
    ASSERT_EQ(lines[i], expected_lines[i]) << "line " << i + 1 << " of the output";
  }
  EXPECT_EQ(*output, expected);
}

class ChatTemplateGolden : public testing::Test {
 protected:
  ChatTemplateGolden() : goldens_(read_testdata("template_goldens.json")) {
    for (const auto& [name, source] : goldens_.at("templates").items()) {
      templates_.emplace(name, must(ChatTemplate::compile(source.get<std::string>(), name)));
    }
  }

  Result<std::string> render(const OrderedJson& item) const {
    TemplateInput input;
    input.messages = goldens_.at("conversations").at(item.at("conversation").get<std::string>());
    input.tools = goldens_.at("tools").at(item.at("tools").get<std::string>());
    input.add_generation_prompt = item.at("add_generation_prompt").get<bool>();
    input.bos_token = "<s>";
    input.eos_token = "<|endoftext|>";
    input.extra = item.at("extra");
    input.local_time = fixed_time;
    return templates_.at(item.at("template").get<std::string>()).render(input);
  }

  OrderedJson goldens_;
  std::map<std::string, ChatTemplate> templates_;
};

TEST_F(ChatTemplateGolden, RendersAsJinja) {
  ASSERT_GT(goldens_.at("cases").size(), 700u);
  for (const OrderedJson& item : goldens_.at("cases")) {
    SCOPED_TRACE(item.at("template").get<std::string>() + ", " +
                 item.at("conversation").get<std::string>() + ", tools " +
                 item.at("tools").get<std::string>());
    expect_as_jinja(render(item), item);
  }
}

TEST(ChatTemplateDifferential, RandomTemplatesRenderAsJinja) {
  const OrderedJson cases = read_testdata("template_differential.json");
  ASSERT_GT(cases.size(), 200u);
  for (const OrderedJson& item : cases) {
    const auto source = item.at("source").get<std::string>();
    SCOPED_TRACE(source);
    const auto compiled = ChatTemplate::compile(source, "random");
    if (!compiled) {
      EXPECT_TRUE(item.contains("error")) << compiled.error().message;
      continue;
    }
    TemplateInput input;
    input.messages = item.at("messages");
    input.extra = item.at("extra");
    input.local_time = fixed_time;
    expect_as_jinja(compiled->render(input), item);
  }
}

TEST_F(ChatTemplateGolden, Phi4MiniWithoutTools) {
  TemplateInput input;
  input.messages = {{{"role", "system"}, {"content", "S"}}, {{"role", "user"}, {"content", "U"}}};
  input.eos_token = "<|endoftext|>";
  const ChatTemplate& phi = templates_.at("phi-4-mini");
  EXPECT_EQ(must(phi.render(input)), "<|system|>S<|end|><|user|>U<|end|><|assistant|>");
  input.add_generation_prompt = false;
  EXPECT_EQ(must(phi.render(input)), "<|system|>S<|end|><|user|>U<|end|><|endoftext|>");
}

TEST_F(ChatTemplateGolden, Phi4MiniWithTools) {
  TemplateInput input;
  const std::string tools =
      R"([{"name": "get_horoscope", "description": "Get today's horoscope for an astrological sign.", )"
      R"("parameters": {"sign": {"type": "str", "description": "An astrological sign like Taurus or )"
      R"(Aquarius", "default": ""}}}])";
  input.messages = {
      {{"role", "system"}, {"content", "You are a helpful assistant."}, {"tools", tools}},
      {{"role", "user"}, {"content", "How should I explain the Internet?"}}};
  EXPECT_EQ(must(templates_.at("phi-4-mini").render(input)),
            "<|system|>You are a helpful assistant.<|tool|>" + tools +
                "<|/tool|><|end|><|user|>How should I explain the Internet?<|end|><|assistant|>");
}

}  // namespace
}  // namespace hearth::text
