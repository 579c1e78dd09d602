"""Writes the held-out evaluation set: prompts from the generator's held-out side, as clients send them.

    python3 held_out.py eval/held-out.jsonl [--count 34] [--seed 5]
    python3 held_out.py eval/conversations.jsonl --replies --count 3 --seed 6

One JSON object a line: id, kind, tools (flat, OpenAI's or Anthropic's form, one form per prompt), messages in OpenAI's
form, and `expect`: {"tool", "arguments"}, {"no_call", "text_contains"}, {"text"} or {"text_contains"}. With --replies: tools, and messages that end with the reply.
"""

import argparse
import json
from pathlib import Path

import suite
from toolbox import client_form

FORMS = ("openai", "anthropic", "flat")
KINDS = {"sum": "arithmetic", "chat": "question", "mixed": "question", "lookup": "result", "other": "absent"}
REFUSAL = "I cannot do that"


def call_message(case, call, number):
    function = {"name": case.box.names[call[0]], "arguments": json.dumps(case.box.arguments(*call), ensure_ascii=False)}
    return {"role": "assistant", "content": "",
            "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}]}


def messages_of(case):
    """The conversation before the answer, in OpenAI's form."""
    made, calls = [], 0
    if case.system is not None:
        made.append({"role": "system", "content": case.system})
    for role, value in case.messages:
        if role == "call":
            calls += 1
            made.append(call_message(case, value, calls))
        elif role == "result":
            made.append({"role": "tool", "tool_call_id": f"call_{calls}", "content": value})
        else:
            made.append({"role": "user", "content": value})
    return made


def expectation(case):
    if case.tool:
        call = json.loads(case.answer_text().removeprefix("<|tool_call|>").removesuffix("<|/tool_call|>"))[0]
        return {"tool": call["name"], "arguments": call["arguments"]}
    if case.kind in ("absent", "no-tools", "other"):
        return {"no_call": True, "text_contains": [REFUSAL]}
    if case.kind == "sum":
        return {"text_contains": [case.answer.split(" = ")[1].rstrip(".").join(("= ", "."))]}
    return {"text": case.answer}


def definitions_of(case, number):
    form = FORMS[number % len(FORMS)]
    return [client_form(d, form, case.box.required.get(d["name"], [])) for d in case.box.definitions]


def conversation_of(case, number):
    """With the reply, as files for fine-tuning have it."""
    messages = messages_of(case)
    reply = (call_message(case, case.answer, sum(role == "call" for role, _ in case.messages) + 1) if case.tool else
             {"role": "assistant", "content": case.answer})
    return ({"tools": definitions_of(case, number)} if case.box else {}) | {"messages": messages + [reply]}


def line_of(case, number):
    called = case.kind.startswith("tool:") or case.kind == "other" and case.tool
    kind = "tool" if called else KINDS.get(case.kind, case.kind)
    line = {"id": f"{kind}-{number:03}", "kind": kind}
    if case.kind.startswith("tool:"):
        line["family"] = case.kind.removeprefix("tool:")
    if case.box:
        line["tools"] = definitions_of(case, number)
    return line | {"messages": messages_of(case), "expect": expectation(case)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=34, help="prompts per tool")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--replies", action="store_true", help="conversations with their replies, without an id and expect")
    a = parser.parse_args()
    cases = [case for case in suite.build(a.count, seed=a.seed) if case.kind not in ("sum-trained", "showcase")]
    make = conversation_of if a.replies else line_of
    a.file.parent.mkdir(parents=True, exist_ok=True)
    with a.file.open("w") as out:
        for number, case in enumerate(cases, 1):
            out.write(json.dumps(make(case, number), ensure_ascii=False) + "\n")
    print(len(cases), "prompts")


if __name__ == "__main__":
    main()
