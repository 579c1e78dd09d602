// Renderings as Jinja itself gives them (made by tests/oracles/template_goldens.py), and the
// strings that Phi-4-mini's prompts are published with.
#include <algorithm>
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

class ChatTemplateGolden : public testing::Test {
 protected:
  ChatTemplateGolden() : goldens_(read_testdata("template_goldens.json")) {
    for (const auto& [name, source] : goldens_.at("templates").items()) {
      templates_.emplace(name, must(ChatTemplate::compile(source.get<std::string>(), name)));
    }
  }

  Result<std::string> render(const OrderedJson& item) const {
    TemplateInput input;
    input.messages = item.at("messages");
    input.tools = item.at("tools");
    input.add_generation_prompt = item.at("add_generation_prompt").get<bool>();
    input.bos_token = "<s>";
    input.eos_token = "<|endoftext|>";
    input.extra = item.at("extra");
    return templates_.at(item.at("template").get<std::string>()).render(input);
  }

  OrderedJson goldens_;
  std::map<std::string, ChatTemplate> templates_;
};

TEST_F(ChatTemplateGolden, RendersAsJinja) {
  for (const OrderedJson& item : goldens_.at("cases")) {
    SCOPED_TRACE(item.at("template").get<std::string>() + ", " +
                 item.at("label").get<std::string>());
    const auto output = render(item);
    if (item.contains("error")) {
      ASSERT_FALSE(output) << *output;
      const auto error = item.at("error").get<std::string>();
      const std::string refusal = "TemplateError: ";
      if (error.starts_with(refusal)) {
        EXPECT_EQ(output.error().code, ErrorCode::kInvalidArgument);
        EXPECT_NE(output.error().message.find(error.substr(refusal.size())), std::string::npos)
            << output.error().message;
      }
      EXPECT_NE(output.error().message.find("line "), std::string::npos) << output.error().message;
      continue;
    }
    ASSERT_TRUE(output) << output.error().message;
    const auto expected = item.at("output").get<std::string>();
    // Line by line first: a long text says little when it differs somewhere.
    const auto lines = lines_of(*output);
    const auto expected_lines = lines_of(expected);
    for (std::size_t i = 0; i < std::min(lines.size(), expected_lines.size()); ++i) {
      ASSERT_EQ(lines[i], expected_lines[i]) << "line " << i + 1 << " of the output";
    }
    EXPECT_EQ(*output, expected);
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
