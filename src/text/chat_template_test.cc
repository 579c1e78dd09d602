// What broken, unsupported and hostile templates are answered with.
#include "text/chat_template.h"

#include <ctime>

#include "text/test_support.h"

namespace hearth::text {
namespace {

Result<std::string> render(std::string_view source, const TemplateLimits& limits = {}) {
  auto compiled = ChatTemplate::compile(source, "t");
  if (!compiled) return tl::unexpected<Error>(compiled.error());
  TemplateInput input;
  input.messages = {{{"role", "user"}, {"content", "hi"}}};
  return compiled->render(input, limits);
}

TEST(ChatTemplate, ErrorsNameLineAndConstruct) {
  const std::pair<const char*, const char*> cases[] = {
      {"a\n{% include 'x' %}", "t: line 2: the tag {% include %}, which puts templates together"},
      {"\n\n{{ 'a' | frobnicate }}", "t: line 3: the filter frobnicate is not supported"},
      {"{{ 1 is frobnicated }}", "t: line 1: the test frobnicated is not supported"},
      {"{{ 'a'.frobnicate() }}",
       "t: line 1: 'frobnicate' of a value of type str, which is undefined"},
      {"{{ frobnicate() }}", "t: line 1: 'frobnicate', which is undefined, cannot be called"},
      {"{{ 'a'.encode() }}", "t: line 1: the method encode is not supported"},
      {"{{ lipsum() }}", "t: line 1: the function lipsum is not supported"},
      {"{{ [1] | random }}", "t: line 1: the filter random is not supported"},
      {"{% extends 'x' %}", "t: line 1: the tag {% extends %}, which puts templates together"},
      {"{% trans %}", "t: line 1: the tag {% trans %} is not supported"},
      {"\n{% macro m() %}\n{{ 1 | nope }}{% endmacro %}\n{{ m() }}", "t: line 3: the filter nope"},
      {"{{ 2 ** 64 }}", "t: line 1: a whole number beyond 64 bits"},
      {"{{ (-8) ** 0.5 }}", "t: line 1: a complex number"},
      {"{{ '%d' % 'x' }}", "t: line 1: a whole number is needed, not a value of type str"},
      {"{{ '%s' % (1, 2) }}", "t: line 1: more values than the format has places for"},
      {"{{ '{} {0}'.format(1) }}", "t: line 1: the method format: a format with both {} and {0}"},
      {"{{ 5 | round(1, 'up') }}", "t: line 1: the filter round: method must be"},
      {"{{ 5 | round(digits=1) }}", "t: line 1: the filter round: has no argument digits="},
      {"{{ 'x' | replace('x') }}", "t: line 1: the filter replace: needs the argument new"},
      {"{{ [1, 'a'] | sort }}",
       "t: line 1: the filter sort: a value of type str cannot be ordered"},
      {"{{ {[1]: 2} }}", "t: line 1: a dict with a value of type list as key"},
      {"{{ [1] | map('upper') }}", "t: line 1: printing a generator is not supported"},
      {"{{ [1] | select | length }}",
       "line 1: the filter length: a value of type generator has no length"},
      {"{{ strftime_now('%f') }}",
       "t: line 1: the function strftime_now: the conversion %f of a date"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
       "line 1: the macro m takes at most 1 arguments"},
      {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "the macro m got an unexpected argument b"},
      {"{% for x in [1] %}{{ loop([1]) }}{% endfor %}", "loop() needs a loop that is recursive"},
      {"{% set a, b = [1] %}", "line 1: cannot unpack 1 values into 2 names"},
      {"{% set true = 1 %}", "line 1: expected the name of a variable, found 'true'"},
      {"{{ 007 }}", "line 1: "},
      {"{{ '\\N{BULLET}' }}", "line 1: the escape \\N is not supported"},
      {"x\n{% if a %}", "t: line 2: expected {% endif %}, found the end of the template"},
      {"{% endfor %}", "t: line 1: the tag {% endfor %} is not supported"},
      {"{{ a", "t: line 1: a tag without }}"},
      {"{{ 'a }}", "t: line 1: a string without its closing quote"},
      {"{# a", "t: line 1: a comment {# without #}"},
      {"{{ 1 + }}", "t: line 1: expected a value, found }}"},
      {"{{ (1 }}", "line 1: unexpected '}'"},
      {"{{ a ? b }}", "line 1: unexpected character '?'"},
      {"{{ 99999999999999999999 }}", "line 1: the number 99999999999999999999 is out of range"},
      {"{{ 9223372036854775807 + 1 }}", "line 1: a whole number beyond 64 bits"},
      {"{{ 1 / 0 }}", "line 1: division by zero"},
      {"{{ missing.part }}", "line 1: '.part' of 'missing', which is undefined"},
      {"{{ 'a' + 1 }}", "line 1: the operator + on a value of type str and a value of type int"},
      {"{% for x in 5 %}{% endfor %}", "line 1: a value of type int cannot be iterated over"},
      {"{% set messages.x = 1 %}", "only a namespace can be changed"},
      {"{% set n = namespace() %}{% set n.n = n %}", "a namespace cannot hold"},
      {"{{ messages.append(1) }}", "'append' of a value of type list, hidden by the sandbox"},
      {"{{ messages.__class__ }}{{ messages.__class__.x }}", "hidden by the sandbox"},
      {"{% break %}", "line 1: expected {% break %} inside of a loop"},
      {"{{ raise_exception('no\nthanks') }}", "the template refuses the conversation: no\nthanks"},
      {"\xFF", "not UTF-8 at byte 0"},
  };
  for (const auto& [source, message] : cases) {
    const auto output = render(source);
    ASSERT_FALSE(output) << source;
    EXPECT_NE(output.error().message.find(message), std::string::npos) << source << "\n"
                                                                       << output.error().message;
    EXPECT_NE(output.error().message.find("chat template t"), std::string::npos)
        << output.error().message;
  }
}

std::string many(const std::string& part, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += part;
  return out;
}

TEST(ChatTemplate, HostileTemplatesAreBounded) {
  const std::string nested_parentheses = "{{ " + std::string(100'000, '(') + "1";
  const std::string nested_lists = "{{ " + std::string(100'000, '[') + "1";
  std::string nested_ifs;
  for (int i = 0; i < 100'000; ++i) nested_ifs += "{% if 1 %}";
  std::string nots = "{{ ";
  for (int i = 0; i < 100'000; ++i) nots += "not ";
  std::string ifs;
  std::string endifs;
  for (int i = 0; i < 90; ++i) {
    ifs += "{% if 1 %}";
    endifs += "{% endif %}";
  }
  const std::string cases[] = {
      "{% macro m() %}" + ifs + "{{ m() }}" + endifs + "{% endmacro %}{{ m() }}",
      nested_parentheses,
      nested_lists,
      nested_ifs,
      nots + "1 }}",
      "{{ " + std::string(100'000, '-') + "1 }}",
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{{ range(1000000000000) }}",
      "{{ 'x' * 1000000000000 }}",
      "{{ [1] * 1000000000000 }}",
      "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}"
      "{% endfor %}",
      "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}"
      "{{ n.s }}",
      "{% set n = namespace(s=[]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}{% endfor %}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
      "{% for i in range(100000) %}{% for j in range(1000) %}xxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}"
      "{% endfor %}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000) }}",
      "{{ ('a' * 1000000) | join('b' * 100000) }}",
      "{% for i in range(100000) %}{{ '%10000s' % 'x' }}{% endfor %}",
      "{% set n = namespace(a=[]) %}{% for i in range(999) %}{% set n.a = n.a + [1] * 100000 %}"
      "{% endfor %}",
      "{% set b = 'b' ~ 'a' * 400000 %}{% for i in range(9999) %}{{ ('a' * 900000).rfind(b) }}"
      "{% endfor %}",
      "{% set n = namespace(a=[]) %}{% for i in range(99) %}{% set n.a = n.a + ['a' * 99999 ~ i] %}"
      "{% endfor %}{% for i in range(99) %}{{ n.a | sort | length }}{% endfor %}",
      "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
      "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
      "{% set s = 'é' * 99999 %}{% for i in range(9999) %}{{ s.title() ~ s.isalpha() }}{% endfor "
      "%}",
      "{% for i in range(99999) %}{{ (['\\x00' * 9999] | string)[-1] }}{% endfor %}",
      "{{ [1] | batch(1000000000, 1) | list }}",
      "{{ [1] | slice(1000000000, 1) | list }}",
      "{{ 'x' | center(1000000000) }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ '%.1000000000f' % 1 }}",
      "{{ 9 ** 9 ** 9 }}",
      "{% macro m() %}{{ varargs | length }}{% endmacro %}{% set l = range(100000) | list %}"
      "{% for i in l %}{{ m(*l) }}{% endfor %}",
      "{% set l = range(100000) | list %}{% for i in l %}{{ 'x' in l }}{% endfor %}",
      "{% for i in range(100000) %}{{ strftime_now('%c' * 9999) | length }}{% endfor %}",
      "{{ a" + many(".b", 10'000) + " }}",
      "{{ " + many("(1 + ", 300) + "1" + many(")", 300) + " }}",
      many("{% set x %}", 200),
      many("x", 600'000),
      "{{ ('\\n' * 1000000) | indent(1000) }}",
  };
  // A tenth of what real requests may use: sanitizers run these ten times slower.
  const TemplateLimits limits{.output_bytes_max = std::size_t{8} << 20, .steps_max = 2'000'000};
  for (const std::string& source : cases) {
    const std::clock_t start = std::clock();
    const auto output = render(source, limits);
    EXPECT_FALSE(output) << source.substr(0, 100);
    EXPECT_LT(std::clock() - start, 30 * CLOCKS_PER_SEC) << source.substr(0, 100);
  }
}

TEST(ChatTemplate, LimitsAreTheCallers) {
  EXPECT_EQ(must(render("{{ 'x' * 10 }}", {.output_bytes_max = 32, .steps_max = 100})),
            "xxxxxxxxxx");
  const auto too_long =
      render("{{ 'x' * 10 }}{{ 'x' * 10 }}", {.output_bytes_max = 15, .steps_max = 100});
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::kResourceExhausted);
  const auto too_slow = render("{% for i in range(100) %}{{ i }}{% endfor %}",
                               {.output_bytes_max = 1000, .steps_max = 100});
  ASSERT_FALSE(too_slow);
  EXPECT_NE(too_slow.error().message.find("more than 100 steps"), std::string::npos);
}

// A chain of operators is no nesting, and text is added to in place.
TEST(ChatTemplate, LongChainsRender) {
  EXPECT_EQ(must(render("{{ 1" + many(" + 1", 20'000) + " }}")), "20001");
  EXPECT_EQ(must(render("{{ 'a'" + many(" ~ 'b'", 20'000) + " }}")).size(), 20'001u);
}

TEST(ChatTemplate, TheClockIsGiven) {
  const ChatTemplate compiled = must(ChatTemplate::compile("{{ strftime_now('%Y') }}", "t"));
  TemplateInput input;
  input.local_time = [] {
    std::tm time{};
    time.tm_year = 88;
    return time;
  };
  EXPECT_EQ(must(compiled.render(input)), "1988");
  input.local_time = nullptr;
  EXPECT_GE(must(compiled.render(input)), "2024");
}

TEST(ChatTemplate, ExtraVariables) {
  const ChatTemplate compiled = must(ChatTemplate::compile("{{ x }}{{ y is defined }}", "t"));
  TemplateInput input;
  input.extra = {{"x", 5}};
  EXPECT_EQ(must(compiled.render(input)), "5False");
  input.extra = {{"messages", 5}};
  EXPECT_FALSE(compiled.render(input));
  input.extra = OrderedJson::array({1});
  EXPECT_FALSE(compiled.render(input));
}

TEST(ChatTemplate, NumbersThatCannotBeKeptExactlyAreRefused) {
  const ChatTemplate compiled = must(ChatTemplate::compile("{{ messages }}", "t"));
  TemplateInput input;
  input.messages = {{{"role", "user"}, {"n", 18446744073709551615u}}};
  const auto output = compiled.render(input);
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message.find("18446744073709551615"), std::string::npos);
}

}  // namespace
}  // namespace hearth::text
