#!/usr/bin/python3
"""Makes src/text/testdata/template_goldens.json: what Jinja itself renders from the templates of template_families.py and
template_features.py. Run by hand when a case is added, with Debian's python3-jinja2 (3.1)."""
import json
import pathlib

import jinja_oracle
from template_families import FAMILIES
from template_features import LANGUAGE, STANDALONE

WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.\nToday's.", "parameters": {
    "type": "object", "properties": {
        "city": {"type": "string", "description": "Name, e.g. \"Zürich\""}, "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        "days": {"type": "array", "items": {"type": "integer"}}, "o": {"type": "object", "properties": {"deep": {"type": "boolean"}}},
        "either": {"oneOf": [{"type": "string", "description": "a"}, {"type": "number", "default": 1}]}, "kinds": {"type": ["string", "null"]}},
    "required": ["city"]}}}
NOW = {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}}
PHI_TOOLS = '[{"name": "get_horoscope", "description": "Get today\'s horoscope for an astrological sign.", "parameters": {"sign": {"type": "str", "description": "An astrological sign like Taurus or Aquarius", "default": ""}}}]'


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def call(name, arguments, identity="abcdef123"):
    return {"type": "function", "id": identity, "function": {"name": name, "arguments": arguments}}


SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
QUESTION = user("How should I explain the Internet?")
ANSWER = assistant("  It is a net.\n")
ODD_TEXT = user("  Größe 中文 😀 <b>&'\"\\  \n")
ARGUMENTS = {"city": "Zürich", "days": [1, 2.5], "deep": {"a": None, "b": True}}
RESULT = {"role": "tool", "name": "get_weather", "content": "{\"temp\": 21.5}", "tool_call_id": "abcdef123"}
CONVERSATIONS = {
    "one": [QUESTION], "system": [SYSTEM, QUESTION], "two turns": [SYSTEM, QUESTION, ANSWER, ODD_TEXT], "no user": [SYSTEM], "nothing": [],
    "call": [SYSTEM, QUESTION, assistant("", tool_calls=[call("get_weather", ARGUMENTS)]), RESULT, ANSWER, ODD_TEXT],
    "null content": [QUESTION, assistant(None, tool_calls=[call("get_weather", json.dumps(ARGUMENTS)), call("now", "{}")]), RESULT, RESULT],
    "calls": [QUESTION, assistant("Let me see.", tool_calls=[call("now", "{}", "short"), {"name": "now", "arguments": {}}]), RESULT],
    "thinking": [QUESTION, assistant("<think>\nhm\n</think>\n\nYes."), user("Sure?"), assistant("<think>\n\nwell\n</think>\n\nNo.", thinking="t", reasoning_content="r\n")],
    "odd roles": [QUESTION, QUESTION, ANSWER], "empty content": [user("")], "phi tools": [dict(SYSTEM, tools=PHI_TOOLS), QUESTION], "phi null tools": [dict(SYSTEM, tools=None), QUESTION],
    "lists": [{"role": "system", "content": [{"type": "text", "text": "S"}]}, user([{"type": "text", "text": " hi "}, {"type": "image"}])],
    "line ends": [{"role": "system", "content": "a\r\nb\n/no_think"}, user("\t c\r\n\r\n d \u2028 \u00a0")], "many": [SYSTEM] + [user("u"), assistant("a")] * 6 + [user("u")],
    "extra keys": [{"role": "user", "content": "x", "items": [1], "n": 1.0, "big": 9007199254740993}],
}
TOOLS = {"none": None, "two": [WEATHER, NOW]}
# Tools or not, prompt or not, and one further variable.
VARIANTS = [("none", True, {}), ("none", False, {"enable_thinking": False}), ("two", True, {"tools_in_user_message": False})]


def case(source, conversation, tools, prompt, extra):
    variables = dict(messages=CONVERSATIONS[conversation], add_generation_prompt=prompt, bos_token="<s>", eos_token="<|endoftext|>", tools=TOOLS[tools], **extra)
    return dict(conversation=conversation, tools=tools, add_generation_prompt=prompt, extra=extra, **jinja_oracle.render(source, variables))


def main():
    cases = [dict(template=name, **case(source, conversation, *variant))
             for name, source in {**FAMILIES, **LANGUAGE}.items() for conversation in CONVERSATIONS for variant in VARIANTS]
    cases += [dict(template=name, **case(source, "nothing", "none", True, {})) for name, source in STANDALONE.items()]
    path = pathlib.Path(__file__).parent.parent.parent / "src/text/testdata/template_goldens.json"
    with open(path, "w", encoding="utf-8") as out:
        for key, table in ("templates", {**FAMILIES, **LANGUAGE, **STANDALONE}), ("conversations", CONVERSATIONS), ("tools", TOOLS):
            entries = ",\n".join(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in table.items())
            out.write(("{" if key == "templates" else "") + f'"{key}": {{\n{entries}\n}},\n')
        out.write('"cases": [\n' + ",\n".join(" " + json.dumps(one, ensure_ascii=False) for one in cases) + "\n]}\n")
    errors = sorted({(one["template"], one["error"]) for one in cases if "error" in one})
    for template, error in errors:
        print(template, "|", error[:150])
    print(len(cases), "cases,", sum("error" in one for one in cases), "of them errors")


if __name__ == "__main__":
    main()
