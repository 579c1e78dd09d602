"""Makes src/text/testdata/template_goldens.json: what Jinja itself renders, set up as Hugging Face
sets it up (trim_blocks, lstrip_blocks, loop controls, its own tojson and raise_exception). Run by
hand when a case is added, with Debian's python3-jinja2 (3.1):  /usr/bin/python3 THIS_FILE"""
import json
import pathlib

from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class GenerationTag(Extension):
    """{% generation %} prints its body."""
    tags = {"generation"}

    def parse(self, parser):
        from jinja2 import nodes
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def refuse(message):
    raise TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = refuse

PHI_4_MINI = "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"

CHATML_TOOLS = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\nCall functions when they help. Signatures:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n<|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1, query=-1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.query < 0 and message.role == "user" and not (message.content.startswith('<r>') and message.content.endswith('</r>')) %}
        {%- set ns.query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content or '' %}
        {%- if '</think>' in content %}
            {%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- if loop.index0 > ns.query %}{{- '<think>' ~ thoughts.strip() ~ '</think>' }}{%- endif %}
        {%- endif %}
        {{- '<|im_start|>' + message.role + ('\\n' + content if content else '') }}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}{{ tool_call.name }}{{ '", "arguments": ' }}
            {%- if tool_call.arguments is string %}{{ tool_call.arguments }}{% else %}{{- tool_call.arguments | tojson }}{% endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

LLAMA_LIKE = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message is taken out, so that it can be put in the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}

{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("No first user message to put the tools into!") }}
{%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' -}}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}

{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

ALTERNATING = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
  {% if loop.first and system_message is not false %}
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
  {% else %}
{% set content = message['content'] %}
  {% endif %}
  {% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
  {% elif message['role'] == 'assistant' %}
{{ ' ' + content.strip() + ' ' + eos_token }}
  {% endif %}
{% endfor %}
"""

MACROS = """{%- macro render_type(schema, depth=0, name='x') -%}
{%- if schema.type == 'object' -%}
{ {%- for key, value in schema.properties.items() -%}
{{ '\\n' + '  ' * (depth + 1) + key }}: {{ render_type(value, depth + 1) }}{{ ',' if not loop.last else '' }}
{%- else -%} empty {%- endfor -%}
{{ '\\n' + '  ' * depth }}}
{%- elif schema.type == 'array' -%}
{{ render_type(schema['items'] if schema['items'] is mapping else {'type': 'any'}, depth) }}[]
{%- elif schema.enum -%}
{{ schema.enum | map('tojson') | join(' | ') }}
{%- else -%}
{{ {'string': 'string', 'integer': 'number', 'number': 'number'}.get(schema.type, schema.type | default('any')) }}
{%- endif -%}
{%- endmacro -%}
{%- for tool in tools or [] %}
// {{ tool.function.description | trim | replace('\\n', '\\n// ') }}
type {{ tool.function.name | upper }} = (_: {{ render_type(tool.function.parameters) }}) => any;
{% endfor %}
{% generation %}body {{ messages | length }}{% endgeneration %}
{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}{% endif %}[{{ m.role[0] | upper }}:{{ m.content[:5] }}]{% endfor %}
"""

CALCULUS = r"""{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 8 / 2 }} {{ 2 * 3 + 4 }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }} {{ 1.5 + 1 }} {{ -7.5 % 2 }} {{ 7.5 // 2 }} {{ 1e20 }} {{ 1e16 }} {{ 123456789012345.6 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.0 }} {{ 0.1 + 0.2 }} {{ 1_000 }}
{{ true }} {{ false }} {{ none }} {{ True and 'x' }} {{ '' or 'y' }} {{ not 1 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' ~ 1 ~ none ~ 2.5 }} {{ true + 1 }}
{{ [1, 'two', 3.0, none, true, [4], {'k': 'v'}] }} {{ {'a': 1, 'b': [1, 2]} }} {{ (1, 2) }} {{ (1,) }} {{ () }} {{ [] }} {{ {} }} {{ "it's" }} {{ ["it's", 'say "x"', "both ' and \"", 'line\nbreak\ttab\\', 'é中😀', '\x00\x7f\u200b\xa0'] }}
{{ [1, 2] + [3] }} {{ 'ab' * 3 }} {{ [0] * 2 }} {{ 'x' in 'xyz' }} {{ 3 not in [1, 2] }} {{ 'k' in {'k': 0} }} {{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-3:] }} {{ 'abcdef'[::2] }} {{ [1, 2, 3, 4][1:-1] }} {{ [1, 2, 3][10:] }} {{ [1, 2, 3][::-2] }} {{ 'äöü中😀'[1:4] }} {{ [1,2,3][-5:2] }} {{ [1,2,3][5:-9:-1] }}
{{ 'a' if true else 'b' }} {{ 'a' if false }}| {{ 'a' if 0 else 'b' if 0 else 'c' }} {{ undefined_thing }}| {{ undefined_thing is defined }} {{ undefined_thing | default('d') }} {{ none | default('d') }} {{ none | default('d', true) }} {{ '' | d('e', boolean=true) }}
{{ '  x y  ' | trim }}| {{ 'xxaxx'.strip('x') }} {{ 'xxaxx'.lstrip('x') }} {{ 'xxaxx'.rstrip('x') }} {{ 'a,b,,c'.split(',') }} {{ ' a  b c '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b c d'.split(None, 2) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\nb\r\nc'.splitlines() }} {{ 'hello'.replace('l', 'L') }} {{ 'hello'.replace('l', 'L', 1) }} {{ 'abc'.replace('', '-') }} {{ 'hello' | replace('l', 'r') }}
{{ 'Hello'.upper() }} {{ 'HeLLo' | lower }} {{ 'straße ÀÉ ωΣ дЖ' | upper }} {{ 'ÀÉ ДЖ Ω' | lower }} {{ 'hELLO wORLD' | capitalize }} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'a-b-c'.find('-') }} {{ 'äa-b-c'.rfind('-') }} {{ 'banana'.count('an') }} {{ '123'.isdigit() }} {{ ', '.join(['a', 'b']) }} {{ 'prefix-x'.removeprefix('prefix-') }}
{{ [1, 2, 3] | join('-') }} {{ [{'n': 1}, {'n': 2}] | join(', ', attribute='n') }} {{ 'abc' | join('.') }} {{ [3, 1] | first }} {{ [3, 1] | last }} {{ [] | first }}| {{ 'xyz' | last }} {{ 'abc' | length }} {{ 'äöü中' | length }} {{ [1, 2] | count }} {{ {'a': 1} | length }} {{ 12 | string + 'x' }} {{ 'abc' | list }} {{ 'abc' | reverse }} {{ [1, 2, 3] | reverse | list }} {{ '42' | int + 1 }} {{ 'x' | int }} {{ '3.9' | int }} {{ 3.9 | int }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ -3 | abs }} {{ -3.5 | abs }}
{{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'a': 2} | items | list }} {{ {'b': 1}.items() | list }} {{ {'b': 1, 'c': 2}.keys() | list }} {{ {'b': 1}.values() | list }} {{ {'b': 1}.get('b') }} {{ {'b': 1}.get('x') }} {{ {'b': 1}.get('x', 5) }} {{ {'b': 1}['x'] }}| {{ {'b': 1}.b }} {{ {'items': 9}['items'] }}
{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 3] | reject('equalto', 2) | list }} {{ [0, 1, '', 'a'] | select | list }} {{ [{'a': 1}, {'a': 0}, {}] | selectattr('a') | list }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', '==', 2) | list if false else '' }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', 'equalto', 2) | list }} {{ [{'a': 1}, {'b': 2}] | rejectattr('a', 'defined') | list }} {{ [{'a': 1}, {'a': 2}] | map(attribute='a') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }} {{ ['a', 'b'] | map('upper') | join }}
{{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 'a' is string }} {{ [] is iterable }} {{ 1 is iterable }} {{ 'a' is sequence }} {{ {} is mapping }} {{ [] is mapping }} {{ none is none }} {{ 0 is none }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ true is boolean }} {{ 3 is odd }} {{ 3 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is in [1, 2] }} {{ 3 is not in [1, 2] }} {{ 1 is eq 1 }} {{ 1 is lt 2 }} {{ 1 is not defined }} {{ not x is defined }} {{ x is undefined and 1 }} {{ undefined_thing is iterable }} {{ range is callable }}
{{ {'a': [1, {'b': none}], 'c': "q\"\\\n\u00e9\u2028😀</>&'", 'f': 1.5, 't': true} | tojson }} {{ {'b': 1, 'a': {}, 'l': []} | tojson(indent=2) }} {{ [1, [2, []]] | tojson(indent=1) }} {{ 'é\x7f😀' | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true, separators=(',', ':')) }} {{ 'x' | tojson }} {{ none | tojson }} {{ 1e300 | tojson }} {{ '\x01\x1f\b\f' | tojson }}
{{ range(3) | list }} {{ range(1, 10, 3) | list }} {{ range(5, 0, -2) | list }} {{ 'a\nb\n\nc' | indent(2) }} {{ 'a\nb' | indent(2, true) }} {{ 'a\n\nb' | indent(1, blank=true) }} {{ dict(a=1) }} {{ 'a' 'b' }} {{ "\u00e9\x41\t'" }} {{ 1, 2 }} {{ 'x'|e if false else 'n' }}
"""

SCOPES = """{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}
{% set ns = namespace(x=1, found=false) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }} {{ ns.found }} {{ ns.missing is defined }}
{% if true %}{% set y = 5 %}{% endif %}{{ y }}
{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('p', 'q') }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}

{% for i in [] %}never{% else %}else{% endfor %}

{% for i in range(6) if i is odd %}{{ i }}/{{ loop.length }}{{ loop.last }} {% endfor %}

{% for i in [1, 2] %}{% for j in 'ab' %}{{ i }}{{ j }}{{ loop.depth }}{{ loop.index }} {% endfor %}{{ loop.index }}|{% endfor %}

{% set block %}  inside {{ x }}
{% endset %}[{{ block }}]{% set up | upper | trim %} shout {% endset %}[{{ up }}]
{% set a, b = 1, 'z' %}{{ a }}{{ b }}
{% macro m(a, b='B', c=none) %}<{{ a }}{{ b }}{{ c }}{{ x }}{{ ns.x }}>{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=2) }}{{ m() }}
{% for k in {'p': 1, 'q': 2} %}{{ k }}{% endfor %} {% for k, v in {'p': 1}.items() %}{{ k }}={{ v }}{% endfor %}
{% for i in undefined_thing %}never{% endfor %}.{% for c in 'äb' %}{{ c }},{% endfor %}
{% raw %}{{ raw }} {% if %}{% endraw %}
{%- raw -%}  x  {%- endraw -%}
{# a comment #}
   {# another #}
text {#- tight -#} text
   {%+ if true %}plus{% endif +%}
next {%- if true -%} tight {%- endif %} {{- ' a ' -}} b
  {{ 'out' }}  
	{% if true %}	tabbed	{% endif %}	
{{ {'a': {'b': 1}}.a.b }}{{ '}}' }}{{ "%}" }}{{ {'x': {}} }}


end
"""

WHITESPACE = "a\r\n  {% if true %}\r\n  b\r\n  {% endif %}  \r\nc\r {{ 'x' }} \r{%- if true %}\n\n\n y{% endif -%}   \n\n z {#- c -#}\n\n w{{ 'q' -}}  \n  {% if true %}line{% endif %}\n \u00a0{%- if true %}n{% endif %}\n\n"

tool = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.\nToday's.", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Name, e.g. \"Zürich\""}, "unit": {"enum": ["c", "f"]}, "days": {"type": "array", "items": {"type": "integer"}}, "o": {"type": "object", "properties": {}}}, "required": ["city"]}}}
tool2 = {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}}
phi_tools = '[{"name": "get_horoscope", "description": "Get today\'s horoscope for an astrological sign.", "parameters": {"sign": {"type": "str", "description": "An astrological sign like Taurus or Aquarius", "default": ""}}}]'

S = {"role": "system", "content": "You are a helpful assistant."}
U = {"role": "user", "content": "How should I explain the Internet?"}
A = {"role": "assistant", "content": "  It is a net.\n"}
U2 = {"role": "user", "content": "  Größe 中文 😀 <b>&'\"\\  \n"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": [1, 2.5], "deep": {"a": None, "b": True}}}}]}
CALLS = {"role": "assistant", "content": "Let me see.", "tool_calls": [{"name": "now", "arguments": "{}"}, {"function": {"name": "now", "arguments": {}}}]}
RESULT = {"role": "tool", "name": "get_weather", "content": "{\"temp\": 21.5}"}
THINK = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes.", "tool_calls": []}
conversations = {
    "one": [U], "system": [S, U], "two turns": [S, U, A, U2], "no user": [S], "call": [S, U, CALL, RESULT, A, U2], "calls": [U, CALLS, RESULT, RESULT, THINK, U2, THINK],
    "odd roles": [U, U, A], "empty content": [{"role": "user", "content": ""}], "nothing": [], "phi tools": [dict(S, tools=phi_tools), U], "phi null tools": [dict(S, tools=None), U], "phi tool response": [dict(S, tools=phi_tools), U, {"role": "tool_response", "content": "ok"}],
    "list content": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "extra keys": [{"role": "user", "content": "x", "items": [1], "n": 1.0, "big": 9007199254740993}],
}
templates = {"phi-4-mini": PHI_4_MINI, "chatml with tools": CHATML_TOOLS, "llama 3 style": LLAMA_LIKE, "alternating": ALTERNATING, "macros": MACROS}
standalone = {"calculus": CALCULUS.replace("{{ [{'a': 1}, {'a': 2}] | selectattr('a', '==', 2) | list if false else '' }} ", "").replace(" {{ 'x'|e if false else 'n' }}", ""), "scopes": SCOPES, "whitespace": WHITESPACE}


def render(source, variables):
    try:
        return {"output": environment.from_string(source).render(**variables)}
    except Exception as error:  # an error is an answer too
        return {"error": type(error).__name__ + ": " + str(error)}


cases = []
for name, source in templates.items():
    for label, messages in conversations.items():
        for tools in (None, [tool, tool2]):
            for prompt in (True, False):
                extra = {"enable_thinking": False} if prompt and tools is None else {}
                variables = dict(messages=messages, tools=tools, add_generation_prompt=prompt, bos_token="<s>", eos_token="<|endoftext|>", **extra)
                cases.append(dict(template=name, label=label, messages=messages, tools=tools, add_generation_prompt=prompt, extra=extra, **render(source, variables)))
for name, source in standalone.items():
    cases.append(dict(template=name, label=name, messages=[], tools=None, add_generation_prompt=True, extra={}, **render(source, dict(messages=[], tools=None, add_generation_prompt=True, bos_token="<s>", eos_token="<|endoftext|>"))))

path = pathlib.Path(__file__).parent.parent.parent / "src/text/testdata/template_goldens.json"
with open(path, "w", encoding="utf-8") as out:
    out.write('{"templates": ' + json.dumps({**templates, **standalone}, ensure_ascii=False, indent=1) + ',\n"cases": [\n')
    out.write(",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]}\n")
for case in cases:
    if "error" in case:
        print(case["template"], "|", case["label"], "|", case["error"])
print(len(cases), "cases")
