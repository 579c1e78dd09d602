"""Templates that go through the language feature by feature."""

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
{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 3] | reject('equalto', 2) | list }} {{ [0, 1, '', 'a'] | select | list }} {{ [{'a': 1}, {'a': 0}, {}] | selectattr('a') | list }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', '==', 2) | list }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', 'equalto', 2) | list }} {{ [{'a': 1}, {'b': 2}] | rejectattr('a', 'defined') | list }} {{ [{'a': 1}, {'a': 2}] | map(attribute='a') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }} {{ ['a', 'b'] | map('upper') | join }}
{{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 'a' is string }} {{ [] is iterable }} {{ 1 is iterable }} {{ 'a' is sequence }} {{ {} is mapping }} {{ [] is mapping }} {{ none is none }} {{ 0 is none }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ true is boolean }} {{ 3 is odd }} {{ 3 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is in [1, 2] }} {{ 3 is not in [1, 2] }} {{ 1 is eq 1 }} {{ 1 is lt 2 }} {{ 1 is not defined }} {{ not x is defined }} {{ x is undefined and 1 }} {{ undefined_thing is iterable }} {{ range is callable }}
{{ {'a': [1, {'b': none}], 'c': "q\"\\\n\u00e9\u2028😀</>&'", 'f': 1.5, 't': true} | tojson }} {{ {'b': 1, 'a': {}, 'l': []} | tojson(indent=2) }} {{ [1, [2, []]] | tojson(indent=1) }} {{ 'é\x7f😀' | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true, separators=(',', ':')) }} {{ 'x' | tojson }} {{ none | tojson }} {{ 1e300 | tojson }} {{ '\x01\x1f\b\f' | tojson }}
{{ range(3) | list }} {{ range(1, 10, 3) | list }} {{ range(5, 0, -2) | list }} {{ 'a\nb\n\nc' | indent(2) }} {{ 'a\nb' | indent(2, true) }} {{ 'a\n\nb' | indent(1, blank=true) }} {{ dict(a=1) }} {{ 'a' 'b' }} {{ "\u00e9\x41\t'" }} {{ 1, 2 }}
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

FILTERS = r"""{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A', 'c'] | sort(case_sensitive=true, reverse=true) }} {{ [{'n': 2, 'k': 'x'}, {'n': 1, 'k': 'y'}, {'n': 2, 'k': 'a'}] | sort(attribute='n,k') }} {{ [1, 2, 1, 'A', 'a'] | unique | list }} {{ [1, 5, 3] | max }} {{ ['b', 'A'] | min }} {{ [] | max }}| {{ [{'n': 2}, {'n': 7}] | max(attribute='n') }} {{ [1, 2.5] | sum }} {{ [{'n': 2}, {'n': 7}] | sum(attribute='n', start=1) }}
{% for key, items in [{'c': 'x', 'v': 1}, {'c': 'y', 'v': 2}, {'c': 'X', 'v': 3}] | groupby('c') %}{{ key }}: {{ items | map(attribute='v') | join(',') }}; {% endfor %}{{ ([{'c': 1}, {}] | groupby('c', default=0))[0].grouper }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3, 4, 5] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(3) | list }} {{ [1, 2, 3, 4, 5] | slice(3, 0) | list }}
{{ 'hello wORLD foo-bar (baz)' | title }} {{ "it's o'clock".title() }} {{ 'ab' | center(9) }}| {{ 'x' | center }}| {{ 'one two  three' | wordcount }} {{ 'The quick brown fox jumps' | truncate(12) }} {{ 'The quick brown fox jumps' | truncate(12, true) }} {{ 'The quick' | truncate(5, leeway=5) }} {{ 'abc' | truncate(3, false, '') }} {{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 3.2 | round(method='ceil') }} {{ -3.2 | round(0, 'floor') }} {{ 1234 | round(-2) }} {{ 0.5 | round }} {{ 1.5 | round | int }}
{{ '<a href="x">&\'</a>' | e }} {{ '<b>' | safe }} {{ ('<b>' | safe) + '<c>' }} {{ '<' | e | e }} {{ '<' | e | forceescape }} {{ ['<', '>' | safe] | join(' ') }} {{ ('<x>' | safe).replace('x', '<y>') }} {{ 'a b/c?d=é&' | urlencode }} {{ {'a': 'x y', 'b/': 2} | urlencode }}{{ {'class': 'a"b', 'n': none, 'i': 3} | xmlattr }} {{ '42' | int(base=8) }} {{ 'ff' | int(0, 16) }} {{ '0x1F' | int(base=16) }} {{ 'nan' | float }} {{ '1_000' | int }} {{ 'x' | float('none') }} {{ 10 | filesizeformat }} {{ 1300000 | filesizeformat }} {{ 1300000 | filesizeformat(true) }}
{{ '%s is %d years, %.2f %5s|%-5s|%05d|%+d|%x|%%' % ('Al', 3, 2.5, 'r', 'l', 42, 7, 255) }} {{ '%(a)s-%(b)r' % {'a': 1, 'b': 'q'} }} {{ '%s' | format([1]) }} {{ '%(x)s' | format(x=5) }} {{ '{} {} {}'.format(1, 'a', [2]) }} {{ '{1}{0}{name}'.format('a', 'b', name='c') }} {{ '{:>6}|{:<6}|{:^6}|{:*^7}|{:06.2f}|{:,}|{:+}|{:x}|{:#b}|{:e}|{:%}|{:g}'.format('r', 'l', 'c', 'm', 3.14159, 1234567, 5, 255, 5, 12345.678, 0.25, 0.00001) }} {{ '{0[k]} {0[l][1]} {1.upper} {{}}'.format({'k': 1, 'l': [2, 3]}, 'x').split('<')[0] }} {{ '{:{w}.{p}}'.format('abcdef', w=8, p=3) }}|
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 2 ** 0.5 }} {{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 5.5 % -2 }} {{ 1e308 * 10 }} {{ 0.1 + 0.7 }} {{ 3 == 3.0 == true + 2 }} {{ 1 < 2 < 3 > 1 != 0 }} {{ 'a' < 'b' <= 'b' }} {{ [1, 2] < [1, 3] }} {{ (1, 2) == (1, 2) }} {{ (1, 2) == [1, 2] }} {{ 9007199254740993 == 9007199254740992.0 }} {{ 12 // 5 * 5 + 12 % 5 }}
{{ {1: 'i', 2.5: 'f', none: 'n', true: 't', (1, 2): 'p'} }} {{ {1: 'a'}[1.0] }} {{ {1: 'a', 'k': [none]} | tojson }} {{ {'a': 1, 'a': 2, 'b': 3} }} {{ {'b': 1, 'a': {'d': 1, 'c': 2}} | tojson(sort_keys=true, indent=1) }} {{ dict([('x', 1), ('y', 2)], z=3) }} {{ dict({'a': 1}) }} {{ {'a': 1} == {'a': 1.0} }} {{ {'a': 1}.items() }} {{ {'a': 1}.keys() }} {{ {'a': 1}.values() }} {{ range(2, 8, 3) }} {{ range(10)[2:8:3] }} {{ range(5)[-1] }}
{{ 'a,b,c'.partition(',') }} {{ 'a,b,c'.rpartition(',') }} {{ 'abc'.partition('x') }} {{ ' a b  c '.split(none, 1) }} {{ ' a b  c '.rsplit(none, 1) }} {{ 'aXbXc'.rsplit('X', 1) }} {{ 'aaa'.rsplit('aa', 1) }} {{ 'a\nb\n'.splitlines(true) }} {{ 'abcabc'.find('c', 3) }} {{ 'abcabc'.rfind('a', 0, 3) }} {{ 'äbcäbc'.index('b', -2) }} {{ 'abcabc'.count('bc', 2) }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith(('x', 'bc')) }} {{ 'abc'.center(8, '*') }} {{ 'abc'.ljust(5) }}| {{ 'abc'.rjust(5, '-') }} {{ '-42'.zfill(6) }} {{ 'a\tb'.expandtabs(4) }} {{ 'aBc'.swapcase() }} {{ 'x.y'.removesuffix('.y') }}
{{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isnumeric() }} {{ 'ab1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' \t'.isspace() }} {{ 'AB'.isupper() }} {{ 'Ab Cd'.istitle() }} {{ 'a_1'.isidentifier() }} {{ 'é'.isascii() }} {{ '\n'.isprintable() }} {{ 'ß'.capitalize() }} {{ 'ŉ'.upper() }} {{ [1, 2, 1].count(1) }} {{ [1, 2, 1].index(1, 1) }} {{ (1, 2).index(2) }} {{ 2.0.is_integer() }} {{ (255).bit_length() }}
{{ 1 is eq 1 }} {{ 1 is sameas 1 }} {{ none is sameas none }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'x' is in 'xyz' }} {{ 3 is divisibleby(3) }} {{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ ('<' | e) is escaped }} {{ 5 is ge 5 }} {{ 5 is lessthan 6 }} {{ 5 is number and 5 is integer and 5.0 is float }} {{ range(3) is sequence }} {{ {}.items() is iterable }} {{ namespace() is mapping }}
{{ [1, 2, 3] | map('string') | join('+') }} {{ ['a', 'b'] | map('replace', 'a', 'z') | list }} {{ [{'u': {'n': [5]}}] | map(attribute='u.n.0') | list }} {{ [1, none, 2] | reject('none') | list }} {{ [1, 2, 3, 4] | select('divisibleby', 2) | list }} {{ [{'r': 'a'}, {'r': 'b'}] | rejectattr('r', 'in', ['a']) | list }} {{ [[1, 2], [3]] | sum(start=[]) }} {{ 'abc' | first }} {{ {'k': 1} | first }} {{ [1, 2] | last }} {{ {'a': 1, 'b': 2} | list }} {{ 'a\r\nb' | indent(2) }} {{ 'a\n\nb' | indent('> ', first=true, blank=true) }} {{ {'b': 2, 'a': 3} | dictsort(by='value') }} {{ {'b': 2, 'a': 3} | dictsort(reverse=true) }} {{ 'upper' | attr('upper') is callable }}
{{ 'a' ~ 1 ~ 2.0 ~ none ~ true ~ [1] ~ missing ~ 'z' }} {{ (missing.x is defined) if (missing is defined) else 'no' }} {{ messages.append is defined }} {{ ''.__class__ is defined }} {{ [1, 2, 3][::-1] }} {{ 'abc'[::-1] }} {{ [0, 1, 2, 3, 4, 5][4:1:-2] }} {{ 'text'[1:][:2] }} {{ 0x1F + 0b101 + 0o17 }} {{ 1_000 + 1.5e1_0 }} {{ 'a\'b\"c\\d\x41\u00e9\101\q' }} {{ "multi" 'ple' " parts" }}
"""

STATEMENTS = r"""{% for item in [{'n': 1, 'c': [{'n': 2, 'c': [{'n': 3}]}, {'n': 4}]}] recursive %}{{ '  ' * loop.depth0 }}{{ item.n }}@{{ loop.depth }}{{ loop(item.c) if item.c }}{% endfor %}

{% for v in [1, 1, 2, 2, 1] %}{{ loop.changed(v) }}{{ loop.cycle('a', 'b', 'c') }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}

{% with a = 1, b = 2 %}{{ a }}{{ b }}{% with a = 5, c = a %}{{ a }}{{ c }}{% endwith %}{{ a }}{% endwith %}{{ a is defined }}
{% filter upper | replace('B', '-') %}abc {{ 'def' }}{% set inner = 1 %}{% endfilter %}{{ inner is defined }}
{% macro list_of(items, mark='*') %}{% for i in items %}{{ mark }}{{ caller(i, loop.index) }} {% endfor %}{% endmacro %}{% call(item, n=0) list_of(['x', 'y'], mark='+') %}<{{ item }}{{ n }}>{% endcall %}

{% macro any(a, b=a ~ '!') %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ any(1) }} {{ any(1, 2, 3, 4) }} {{ any(1, k=5) }} {{ any(*[1, 2, 3], **{'z': 4}) }}
{% set text | trim | upper %}  block {{ 1 + 1 }}  {% endset %}[{{ text }}]{% set ns = namespace({'a': 1}, b=2) %}{% set ns.a = ns.a + ns.b %}{{ ns.a }}{% set ns.block %}in {{ ns.a }}{% endset %}{{ ns.block }}
{% for a, (b, c) in [(1, (2, 3)), (4, (5, 6))] %}{{ a }}{{ b }}{{ c }} {% endfor %}{% set (x, y), z = [1, 2], 3 %}{{ x }}{{ y }}{{ z }}
{% for i in range(10) if i % 2 %}{% if i == 3 %}{% continue %}{% endif %}{% if i > 7 %}{% break %}{% endif %}{{ i }}{{ loop.index }}{% else %}none{% endfor %} {% for i in [1] %}{% continue %}{% else %}else after continue{% endfor %}

{% do messages %}{% set j = joiner(', ') %}{% for i in 'abc' %}{{ j() }}{{ i }}{% endfor %} {% set c = cycler('odd', 'even') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}{% do c.reset() %}{{ c.current }}
{% macro outer() %}{% for i in [1, 2] %}{% macro nested(x) %}{{ x }}{{ i }}{% endmacro %}{{ nested('n') }}{% endfor %}{% endmacro %}{{ outer() }} {{ strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %j %p %I %y %-d %e|%%') }}
{% if 0 %}a{% elif '' %}b{% elif none %}c{% else %}d{% endif %} {% if not (missing and missing.x) %}short{% endif %} {{ 'x' if missing }}| {{ ('a' if 1) ~ ('b' if 0) }} {{ loop is defined }} {% set it = [1, 2] | map('string') %}{{ it | list }}{{ it | list }} {% set it = [1, 2, 3] | select('odd') %}{{ it | first }}{{ it | first }}{{ it | first is defined }}
{%- raw -%} {{ not }} {% a %} {# b #} {%- endraw -%}
{#- multi
line -#}   {% generation %}  kept
{% endgeneration %}end   {%- if true -%}   tight   {%- endif -%}   .
"""

LANGUAGE = {"alternating": ALTERNATING, "macros": MACROS}
STANDALONE = {"calculus": CALCULUS, "scopes": SCOPES, "whitespace": WHITESPACE, "filters": FILTERS, "statements": STATEMENTS}
