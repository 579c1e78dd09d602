#!/usr/bin/python3
"""Random templates over random data, rendered by Jinja and by Hearth; each difference is printed.

Usage: template_differential.py RENDER_TEMPLATES COUNT [SEED] [--write FILE]
  RENDER_TEMPLATES: the program of tests/tools
  --write: keeps the cases that both render, with Jinja's answers, for the unit tests to replay

Templates do not assign to the names of their data: until the assignment Jinja takes such a name for undefined in some
inner blocks, which Hearth does not. Where Jinja raises, Hearth must refuse. Where Hearth says that it does not support something that Jinja does, the case is
counted; more than 2% of such cases fail the run."""
import argparse
import json
import random
import re
import subprocess
import sys
import warnings

import jinja_oracle

warnings.simplefilter("ignore")

STRINGS = ["", "a", "abc", "Hello World", "  pad \t", "x,y,,z", "line\nbreak\r\nmore\n\n", "ÄöÜß 中文😀", "it's", 'say "x"',
           "a-b_c (d) [e] <f>", "12", "-3.5", "1e3", "nan", "0x1f", "1_000", "True", "%s and %d", "{} {0} {a}", "<b>&'\"",
           "aaa", "aXbXc", "\u2028\u00a0\u200b\x01", "Zürich ǅ ŉ", "ſ²Ⅷ٣", "the quick brown fox jumps", "A", "role", "user"]
NAMES = ["s", "t", "u", "i", "j", "f", "b", "n", "l", "m", "d", "k", "w", "missing", "messages"]
ATTRIBUTES = ["role", "content", "a", "b", "items", "keys", "x", "upper", "missing", "_private", "0"]


class Generator:
    """One random template; every choice comes from `random`."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = list(NAMES)

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability

    def quoted(self, text=None):
        text = self.random.choice(STRINGS) if text is None else text
        quote = self.pick("'", '"')
        out = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
        if self.chance(0.5):
            out = out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        return quote + out + quote

    def whole(self):
        return str(self.pick(0, 1, 2, 3, 5, 7, 10, 255, 1000000, self.random.randint(-20, 20)))

    def number(self):
        return self.whole() if self.chance(0.6) else self.pick("0.5", "2.5", "-1.25", "1e3", "1e20", "3.14159", "0.1", "1e-7", "100.0")

    # --- expressions

    def literal(self):
        kind = self.random.randrange(7)
        if kind == 0:
            return self.number()
        if kind <= 2:
            return self.quoted()
        if kind == 3:
            return self.pick("true", "false", "none", "True", "None")
        if kind == 4:
            return "[" + ", ".join(self.atom() for _ in range(self.random.randrange(4))) + "]"
        if kind == 5:
            items = [self.atom() for _ in range(self.random.randrange(1, 4))]
            return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
        return "{" + ", ".join(f"{self.key()}: {self.atom()}" for _ in range(self.random.randrange(4))) + "}"

    def key(self):
        return self.pick("'a'", "'b'", "'x'", "'role'", "'content'", "1", "none", "true", "2.5", "('p', 1)")

    def atom(self):
        return self.random.choice(self.names) if self.chance(0.5) else self.pick(self.quoted, self.number)()

    def expression(self, depth=3):
        if depth <= 0:
            return self.atom() if self.chance(0.7) else self.literal()
        sub = lambda: self.expression(depth - 1)
        return self.random.choice([
            self.atom, self.literal,
            lambda: f"({sub()})",
            lambda: f"{sub()} {self.pick('+', '-', '*', '/', '//', '%', '~', '~')} {sub()}",
            lambda: f"{self.atom()} ** {self.pick('2', '0', '-1', '0.5', '3')}",
            lambda: f"{sub()} {self.pick('==', '!=', '<', '<=', '>', '>=', 'in', 'not in')} {sub()}",
            lambda: f"{self.number()} {self.pick('<', '<=', '==')} {sub()} {self.pick('<', '!=')} {self.number()}",
            lambda: f"{sub()} {self.pick('and', 'or')} {sub()}",
            lambda: f"{self.pick('not ', '-', '+')}{sub()}",
            lambda: f"{sub()} if {sub()}" + (f" else {sub()}" if self.chance(0.8) else ""),
            lambda: f"({sub()}).{self.pick(*ATTRIBUTES)}",
            lambda: f"({sub()})[{self.pick(self.whole, self.key, sub)()}]",
            lambda: f"{self.pick('s', 't', 'l', 'm', 'w', 'messages')}[{self.bound()}:{self.bound()}{self.pick('', ':' + self.bound())}]",
            lambda: self.filtered(depth), lambda: self.filtered(depth), lambda: self.filtered(depth),
            lambda: f"({self.operand(depth)} is {self.pick('', 'not ')}{self.test(depth)})",
            lambda: self.method(depth), lambda: self.method(depth), lambda: self.method(depth),
            lambda: f"range({', '.join(self.pick('0', '1', '3', '7', '-2') for _ in range(self.random.randrange(1, 4)))})",
            lambda: f"dict({self.pick('a=' + sub(), sub(), '')})",
        ])()

    def bound(self):
        return self.pick("", "", "0", "1", "2", "-1", "-2", "10", "-10", "none")

    def operand(self, depth):
        return f"({self.expression(depth - 1)})"

    def test(self, depth):
        sub = lambda: f"({self.expression(depth - 1)})"
        return self.random.choice([
            lambda: self.pick("boolean", "callable", "defined", "even", "false", "float", "integer", "iterable", "lower", "mapping",
                              "none", "number", "odd", "sequence", "string", "true", "undefined", "upper", "escaped", "filter", "test"),
            lambda: f"divisibleby({self.pick('2', '3', sub())})", lambda: f"divisibleby {self.pick('2', '3')}",
            lambda: f"{self.pick('eq', 'equalto', 'ne', 'lt', 'lessthan', 'le', 'gt', 'greaterthan', 'ge')}{sub()}",
            lambda: f"in {self.pick('[1, 2]', 'l', 's', sub())}", lambda: f"sameas{self.pick('(true)', '(none)', '(false)')}",
        ])()

    def filtered(self, depth):
        sub = lambda: self.expression(depth - 2)
        value = self.operand(depth)
        small = lambda: self.pick("0", "1", "2", "3", "5", "8")
        attribute = lambda: self.pick("'role'", "'content'", "'a'", "'x'", "'a.b'", "0", "1")
        chosen = self.random.choice([
            lambda: self.pick("abs", "capitalize", "count", "e", "escape", "first", "float", "forceescape", "int", "last", "length",
                              "list", "lower", "max", "min", "reverse", "safe", "sort", "string", "sum", "title", "trim", "unique", "upper",
                              "urlencode", "wordcount", "tojson", "dictsort", "join", "round", "filesizeformat", "xmlattr", "list", "list"),
            lambda: f"default({sub()}{self.pick('', ', true', ', boolean=true')})", lambda: f"d({sub()})",
            lambda: f"batch({small()}{self.pick('', ', 0')}) | list", lambda: f"slice({small()}{self.pick('', ', 0')}) | list",
            lambda: f"center({self.pick('4', '9', '20')})", lambda: f"indent({self.pick('2', 'width=1', 'first=true', 'blank=true', '4, true, true', repr('> '))})",
            lambda: f"int({self.pick('7', 'default=none', '0, 16', 'base=0')})", lambda: f"float({self.pick('1.5', 'default=none')})",
            lambda: f"join({self.quoted()}{self.pick('', ', attribute=' + attribute())})",
            lambda: f"map({self.pick('attribute=' + attribute(), 'attribute=' + attribute() + ', default=0')}) | list",
            lambda: f"map('{self.pick('upper', 'lower', 'int', 'string', 'length', 'trim', 'tojson', 'first', 'abs')}') | list",
            lambda: f"{self.pick('select', 'reject')}({self.pick('', repr('odd'), repr('string'), repr('defined'), repr('gt') + ', 1', repr('in') + ', [1, 2]')}) | list",
            lambda: f"{self.pick('selectattr', 'rejectattr')}({attribute()}{self.pick('', ', ' + repr('defined'), ', ' + repr('equalto') + ', ' + repr('user'), ', ' + repr('in') + ', ' + repr(['user', 'x']))}) | list",
            lambda: f"{self.pick('max', 'min')}({self.pick('', 'true', 'attribute=' + attribute())})",
            lambda: f"replace({self.quoted()}, {self.quoted()}{self.pick('', ', 1', ', count=2')})",
            lambda: f"round({self.pick('', '1', '2', '-1', 'method=' + repr('floor'), '1, ' + repr('ceil'), 'precision=2')})",
            lambda: f"sort({self.pick('reverse=true', 'case_sensitive=true', 'attribute=' + attribute(), 'attribute=' + repr('role,content'))})",
            lambda: f"sum({self.pick('start=1', 'attribute=' + attribute())})", lambda: f"groupby({attribute()}{self.pick('', ', default=0')})",
            lambda: f"dictsort({self.pick('true', 'by=' + repr('value'), 'reverse=true')})", lambda: f"trim({self.quoted()})",
            lambda: f"tojson({self.pick('indent=2', 'ensure_ascii=true', 'sort_keys=true', 'separators=(' + repr(',') + ', ' + repr(':') + ')', 'indent=0', 'indent=4, sort_keys=true')})",
            lambda: f"truncate({self.pick('5', '9', '3, true', '6, false, ' + repr('.'), '5, leeway=0', '10, true, ' + repr('') + ', 1')})",
            lambda: f"unique({self.pick('true', 'attribute=' + attribute())}) | list", lambda: f"format({sub()}, {sub()})", lambda: f"attr({self.quoted('upper')})", lambda: "items | list",
        ])()
        return f"{value} | {chosen}"

    def method(self, depth):
        sub = lambda: self.expression(depth - 2)
        value = self.operand(depth) if self.chance(0.3) else self.pick("s", "t", "w", "d", "l", self.quoted())
        text = self.quoted
        count = lambda: self.pick("0", "1", "2", "-1")
        chosen = self.random.choice([
            lambda: self.pick("upper", "lower", "title", "capitalize", "swapcase", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines",
                              "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "istitle", "isnumeric", "isdecimal", "isascii",
                              "isidentifier", "isprintable", "items", "keys", "values", "copy", "expandtabs") + "()",
            lambda: f"{self.pick('strip', 'lstrip', 'rstrip')}({text()})", lambda: f"{self.pick('split', 'rsplit')}({text()}{self.pick('', ', ' + count())})",
            lambda: f"{self.pick('split', 'rsplit')}({self.pick('none, ', 'maxsplit=')}{count()})", lambda: f"{self.pick('partition', 'rpartition')}({text()})",
            lambda: f"{self.pick('find', 'rfind', 'index', 'rindex', 'count', 'startswith', 'endswith')}({text()}{self.pick('', ', 1', ', 1, -1', ', -3')})",
            lambda: f"{self.pick('startswith', 'endswith')}(({text()}, {text()}))", lambda: f"{self.pick('removeprefix', 'removesuffix')}({text()})",
            lambda: f"replace({text()}, {text()}{self.pick('', ', 1', ', 0')})", lambda: f"join({self.pick('l', 's', 'w', '[s, t]', sub())})",
            lambda: f"{self.pick('center', 'ljust', 'rjust')}({self.pick('5', '12')}{self.pick('', ', ' + repr('*'))})", lambda: f"zfill({self.pick('0', '6')})",
            lambda: f"splitlines({self.pick('true', 'keepends=true')})", lambda: f"get({self.key()}{self.pick('', ', ' + sub())})",
            lambda: f"{self.pick('index', 'count')}({sub()})", lambda: f"format({sub()}, a={sub()})",
        ])()
        return f"{value}.{chosen}"

    def formatting(self):
        """Formats need values that fit them now and then."""
        value = self.pick("i", "j", "f", "s", "t", "b", "n", "l", "d", self.number(), "255", "-1234567", "1e10", "0.0001234")
        flags = self.pick("", "-", "0", "+", " ", "#", "-#", "0+")
        percent = f"%{flags}{self.pick('', '3', '8', '12')}{self.pick('', '', '.0', '.3', '.10')}{self.pick(*'diouxXeEfFgGsrc')}"
        spec = (self.pick("", "<", ">", "^", "=", "*<", "é^", "0=") + self.pick("", "+", " ", "-") + self.pick("", "", "#") + self.pick("", "", "0")
                + self.pick("", "4", "10", "14") + self.pick("", "", ",", "_") + self.pick("", "", ".0", ".3", ".8") + self.pick("", "", *"dxXobeEfFgGs%nc"))
        return self.pick(f"{self.quoted(percent)} % {value}", f"{self.quoted('{:' + spec + '}')}.format({value})", f"{self.quoted(percent)} | format({value})",
                         f"{self.quoted('[{0!r:>9}] {1[0]} {a.role}')}.format({value}, s, a=d)", f"{self.quoted('%(role)s %(content)r')} % d",
                         f"{self.quoted('%s-%5.1f|%s')} % ({value}, f, {value})", f"{value} | round({self.pick('0', '1', '3', '-2')})")

    # --- statements

    def tag(self, text):
        return "{%" + self.pick("", "", "", "-", "+") + f" {text} " + self.pick("", "", "", "-", "+") + "%}"

    def output(self):
        expression = self.formatting() if self.chance(0.15) else self.expression(self.random.randrange(1, 5))
        return "{{" + self.pick(" ", " ", "- ") + expression + self.pick(" ", " ", " -") + "}}"

    def text(self):
        return self.pick("", "x", " ", "\n", "\n\n", " text \n", "\t", "  \n  ", "é中", "{ }", "{# note #}", "\n  {#- c -#}\n", "{% raw %}{{ raw }} {% endraw %}", "\r\n")

    def loop_output(self):
        return "{{ loop." + self.pick("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem",
                                      "cycle('p', 'q')", "changed(v)", "changed()", "missing") + " }}"

    def body(self, depth, in_loop=False):
        parts = [self.text()]
        for _ in range(self.random.randrange(1, 4)):
            parts += [self.statement(depth - 1, in_loop), self.text()]
        if in_loop and self.chance(0.4):
            parts.append(self.loop_output())
        if in_loop and self.chance(0.15):
            parts.append(self.tag(f"if {self.pick('loop.index > 1', 'loop.last', 'i')}") + self.tag(self.pick("break", "continue")) + self.tag("endif"))
        return "".join(parts)

    def statement(self, depth, in_loop=False):
        if depth <= 0:
            return self.output()
        inner = lambda: self.body(depth, in_loop)
        condition = lambda: self.expression(2)
        iterable = lambda: self.pick("l", "m", "messages", "s", "d", "d.items()", "range(3)", "m | reverse", "w.split()", "[]", "missing", "[[1, 2], [3, 4]]", "none")
        block = lambda head, end, content: self.tag(head) + content + self.tag(end)
        return self.random.choice([
            self.output, self.output, self.output,
            lambda: block(f"if {condition()}", "endif", inner() + self.pick("", self.tag("else") + inner(), self.tag(f"elif {condition()}") + inner())),
            lambda: block(f"for v in {iterable()}{self.pick('', '', ' if v')}", "endfor", self.body(depth, True) + self.pick("", self.tag("else") + inner())),
            lambda: block(f"for {self.pick('v, q', '(v, q)', 'v, (q, z)')} in {self.pick('d.items()', '[(1, 2), (3, (4, 5))]', '[(1, (2, 3))]', 'k | dictsort', 'l')}", "endfor",
                          "{{ v }}{{ q }}{{ z }}" + self.body(depth, True)),
            lambda: block(f"for v in {self.pick('tree', 'l', 'messages')} recursive", "endfor", "[{{ v.a }}{{ loop.depth }}" + self.loop_output()
                          + "{% if v.b is defined and v.b %}{{ loop(v.b) }}{% endif %}]"),
            lambda: self.tag(f"set {self.pick('new', 'other')} = {self.expression(2)}") + "{{ new }}{{ other }}",
            lambda: self.tag(f"set p, q = {self.pick('1, 2', 'l', '(s, t)', '[1, 2]')}") + "{{ p }}{{ q }}",
            lambda: self.tag("set ns = namespace(x=0, y='a')") + block("for v in " + iterable(), "endfor", self.tag(f"set ns.x = {self.pick('ns.x + 1', 'v', 'ns.x ~ v')}") + self.text())
            + "{{ ns.x }}{{ ns.y }}{{ ns.z }}",
            lambda: block(f"set blk{self.pick('', ' | upper', ' | trim | lower')}", "endset", inner()) + "[{{ blk }}]",
            lambda: block(f"filter {self.pick('upper', 'trim', 'indent(2)', 'replace(' + repr('a') + ', ' + repr('b') + ') | upper')}", "endfilter", inner()),
            lambda: block(f"with {self.pick('p=1, q=s', 'i=5, j=i', 'l=[]', '')}", "endwith", "{{ i }}{{ j }}{{ p }}" + inner()),
            lambda: block("generation", "endgeneration", inner()) if not in_loop else self.output(),
            lambda: block("macro mac(p, q='Q', r=p)", "endmacro", "<{{ p }}{{ q }}{{ r }}" + self.pick("", "{{ varargs }}", "{{ kwargs }}", "{{ caller('c') if caller else '' }}")
                          + self.body(depth) + ">") + "{{ mac(" + self.pick("", "1", "1, 2", "q=3", "1, r=2", "1, 2, 3, 4", "1, z=5", "*[1, 2]", "**{'p': 1}", "*l") + ") }}"
            + self.pick("", block("call(c='none') mac(1)", "endcall", "({{ c }})" + self.text())),
            lambda: self.tag(f"do {self.expression(1)}"),
            lambda: "{% set jn = joiner('|') %}{{ jn() }}{{ jn() }}{{ jn() }}", lambda: "{% set cy = cycler(1, 'b') %}{{ cy.next() }}{{ cy.current }}{{ cy.next() }}{{ cy.next() }}{{ cy.reset() }}{{ cy.current }}",
            lambda: "{{ strftime_now('%d %b %Y %H:%M:%S %j %A %p %-d %y %B') }}",
        ])()

    def template(self):
        return "".join(self.text() + self.statement(self.random.randrange(1, 4)) for _ in range(self.random.randrange(1, 4))) + self.text()

    # --- data

    def value(self, depth=2):
        kind = self.random.randrange(9 if depth > 0 else 6)
        if kind == 0:
            return self.random.choice([0, 1, -1, 2, 7, 100, 2**40])
        if kind == 1:
            return self.random.choice([0.0, 1.5, -2.25, 1e16, 1e-5, 123456.789])
        if kind <= 4:
            return self.random.choice(STRINGS)
        if kind == 5:
            return self.random.choice([True, False, None])
        if kind == 6:
            return {self.random.choice(["a", "b", "x", "role", "content"]): self.value(depth - 1) for _ in range(self.random.randrange(4))}
        return [self.value(depth - 1) for _ in range(self.random.randrange(4))]

    def data(self):
        role = lambda: {"role": self.pick("user", "system", "assistant", "User"), "content": self.random.choice(STRINGS), "a": self.value(0)}
        return {"s": self.random.choice(STRINGS), "t": self.random.choice(STRINGS), "u": self.value(), "i": self.random.randint(-5, 20), "j": self.random.choice([0, 3, 2**31, -7]),
                "f": self.random.choice([0.5, -2.75, 1e21, 3.0, 1234.5678]), "b": self.chance(0.5), "n": None, "l": [self.value(1) for _ in range(self.random.randrange(5))],
                "m": [role() for _ in range(self.random.randrange(4))], "d": {**role(), "b": self.value(1)}, "k": {"b": 2, "A": 1, "c": 3}, "w": "some Words here",
                "tree": [{"a": 1, "b": [{"a": 2, "b": []}, {"a": 3, "b": [{"a": 4}]}]}, {"a": 5}]}


def make_case(seed):
    generator = Generator(seed)
    data = generator.data()
    messages = [{"role": "user", "content": generator.random.choice(STRINGS)} for _ in range(generator.random.randrange(3))]
    return {"source": generator.template(), "messages": messages, "extra": data}


def expected_of(case):
    variables = dict(case["extra"], messages=case["messages"], tools=None, add_generation_prompt=True, bos_token="", eos_token="")
    return jinja_oracle.render(case["source"], variables)


# What Python prints for objects without a text of their own says where they are in memory.
UNREPEATABLE = re.compile(r" object at 0x|<generator|<bound method|<built-in|<function|<m.cro|<class|<Loop|&lt;(bound|built|generator|Loop|Macro)|Namespace|reversed|<slot", re.IGNORECASE)


def comparable(expected):
    answer = expected.get("output", "") + expected.get("error", "")
    lone_surrogate = any(0xD800 <= ord(c) < 0xE000 for c in answer)
    return not UNREPEATABLE.search(answer) and not lone_surrogate and "RecursionError" not in answer and len(answer) < 1_000_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--write", help="file for the cases and Jinja's answers")
    arguments = parser.parse_args()

    cases = [make_case(arguments.seed * 1_000_000_007 + i) for i in range(arguments.count)]
    answers = [(case, expected) for case, expected in ((case, expected_of(case)) for case in cases) if comparable(expected)]
    lines = "".join(json.dumps(case) + "\n" for case, _ in answers)
    run = subprocess.run([arguments.program], input=lines, capture_output=True, text=True, check=True)
    ours = [json.loads(line) for line in run.stdout.split("\n") if line]

    differences, unsupported, rendered, kept = 0, 0, 0, []
    for (case, expected), answer in zip(answers, ours, strict=True):
        if "output" in expected and answer.get("unsupported"):
            unsupported += 1
            if unsupported <= 5:
                print("not supported:", answer["error"])
            continue
        same = expected["output"] == answer.get("output") if "output" in expected else "error" in answer
        rendered += "output" in expected
        if same:
            kept.append(({name: value for name, value in case["extra"].items() if name in case["source"]}, case, expected))
            continue
        differences += 1
        if differences <= 10:
            print("DIFFERENT", json.dumps(case, ensure_ascii=False), "\n  jinja: ", expected, "\n  hearth:", answer)
    print(f"{len(answers)} templates ({rendered} render, {len(answers) - rendered - unsupported} are refused by both or by Jinja): "
          f"{differences} differences, {unsupported} not supported")
    if arguments.write:
        with open(arguments.write, "w", encoding="utf-8") as out:
            # Of those that Jinja refuses a few will do.
            chosen = [one for i, one in enumerate(kept) if "output" in one[2] or i % 8 == 0]
            out.write("[\n" + ",\n".join(json.dumps({**case, "extra": used, **expected}, ensure_ascii=False) for used, case, expected in chosen) + "\n]\n")
    return 1 if differences or unsupported > len(answers) * 0.02 else 0


if __name__ == "__main__":
    sys.exit(main())
