"""Conversations for Ember, generated on line and never repeated.

A conversation is a system message and exchanges, each of them a list of segments `(text, weight)`.  Weight 0 is context,
1 is text the model must produce, and 2 marks answers whose digits count double.  Exchanges do not refer to each other:
they may follow one another, or each the system message alone.  The text uses the chat template of the exported folder: role tokens without
newlines, tool definitions between <|tool|> and <|/tool|> in the system message, calls between <|tool_call|> and
<|/tool_call|>, results after <|tool_response|>.

    python3 data.py [train|test] [count]    prints samples
"""

import sys

import arithmetic
import chat
from chains import CHAINS, chain, lookup
from grammar import Source
from other_tools import REFUSAL, other_request
from results import result
from system_prompts import SHORT, system_text
from tool_requests import request
from toolbox import TOOLS, Toolbox

CANNOT = {"read": "I cannot do that: I have no tool to read files.",
          "write": "I cannot do that: I have no tool to write files.",
          "bash": "I cannot do that: I have no tool to run commands.",
          "grep": "I cannot do that: I have no tool to search in files.",
          "glob": "I cannot do that: I have no tool to find files.",
          "edit": "I cannot do that: I have no tool to edit files."}
NO_CLOCK = "I do not know the time: I have no clock."
EDIT_SHARE = 2      # an edit has three texts to tell apart: it needs more practice than other calls


def system(text, toolbox=None):
    """The system message with its tool definitions."""
    return "<|system|>" + text + (toolbox.text() if toolbox and toolbox.definitions else "") + "<|end|>"


def turn(user, answer, weight=1):
    return [("<|user|>" + user + "<|end|><|assistant|>", 0), (answer + "<|end|>", weight)]


def response(shown, answer):
    return [("<|tool_response|>" + shown + "<|end|><|assistant|>", 0), (answer + "<|end|>", 1)]


def chat_turns(source, toolbox=None):
    if source.chance(.06):
        return [segment for user, answer in chat.memory(source) for segment in turn(user, answer)]
    user, answer = chat.chat(source)
    while answer == NO_CLOCK and toolbox and "bash" in toolbox.tools:   # there the question is a wish for `date`
        user, answer = chat.chat(source)
    return turn(user, answer, 2 if " = " in answer else 1)


def other_turns(source, toolbox):
    """A wish outside the six tools."""
    user, tool, arguments = other_request(source, toolbox.others)
    return turn(user, toolbox.call(tool, arguments) if tool else REFUSAL)


def chain_turns(source, toolbox):
    """A task of two or three calls, or a question that a file answers; None where the tools do not suffice."""
    if "read" in toolbox.tools and source.chance(.3):
        user, arguments, shown, answer = lookup(source)
        return turn(user, toolbox.call("read", arguments)) + response(shown, answer)
    kinds = [kind for kind, tools in CHAINS.items() if set(tools) <= set(toolbox.tools)]
    if not kinds:
        return None
    user, steps, answer = chain(source, source.pick(kinds))
    calls = [toolbox.call(tool, arguments) for tool, arguments, _ in steps] + [answer]
    segments = turn(user, calls[0])
    for (_, _, shown), following in zip(steps, calls[1:]):
        segments += response(shown, following)
    return segments


def tool_turns(source, toolbox, absent_rate=.5):
    """A request; the call or, where the tool is missing, the refusal; sometimes the result and its report."""
    missing = [t for t in TOOLS if t not in toolbox.tools]
    if missing and (not toolbox.tools or source.chance(absent_rate)):
        tool = source.pick(missing)
        return turn(request(source, tool)[0], CANNOT[tool])
    tool = source.pick(toolbox.tools + ["edit"] * (EDIT_SHARE - 1) * ("edit" in toolbox.tools))
    user, arguments = request(source, tool)
    segments = turn(user, toolbox.call(tool, arguments))
    if source.chance(.22):
        segments += response(*result(source, tool, arguments))
    return segments


def conversation(source, long=False):
    """One conversation of the main mix: (segments of the system message, exchanges to walk through once).

    `long` allows for system prompts of several paragraphs.
    """
    kind = source.random.random()
    if kind < .16:
        return [], [turn(*arithmetic.drill(source), 2)]
    if kind < .32:
        empty = Toolbox(source, ())
        text = system_text(source, .06 if long else 0)
        opening = [(system(text), 0)] if source.chance(.5) else []
        return opening, [_plain_exchange(source, empty) for _ in range(source.pick((1, 2, 4, 6)))]
    count = 6 if source.chance(.5) else source.pick((1, 1, 2, 2, 3, 3, 4, 5))
    toolbox = Toolbox(source, source.random.sample(TOOLS, count))
    opening = [(system(system_text(source, .2 if long else 0), toolbox), 0)]
    return opening, (_exchange(source, toolbox) for _ in range(source.pick((8, 10, 12)) + count))


def _plain_exchange(source, toolbox):
    r = source.random.random()
    return tool_turns(source, toolbox) if r < .14 else other_turns(source, toolbox) if r < .19 else chat_turns(source)


def _exchange(source, toolbox):
    r = source.random.random()
    made = chat_turns(source, toolbox) if r < .12 else chain_turns(source, toolbox) if r < .28 else None
    if made is None and .28 <= r < (.38 if toolbox.others else .31):
        made = other_turns(source, toolbox)
    return made or tool_turns(source, toolbox, .35)


def short_conversation(source):
    """The opening curriculum: short rows, much copying, present and absent tools in equal parts."""
    kind = source.random.random()
    if kind < .25:
        return [], [turn(*chat.copying(source))]
    if kind < .40:
        return [], [turn(*arithmetic.drill(source), 2)]
    if kind < .58:
        return [(system(source.template(SHORT)), 0)] if source.chance(.3) else [], [chat_turns(source)]
    if kind < .62:
        return [], [tool_turns(source, Toolbox(source, ()))]
    toolbox = Toolbox(source, source.random.sample(TOOLS, source.pick((1, 1, 2))))
    return [(system(source.template(SHORT), toolbox), 0)], [tool_turns(source, toolbox, .45) for _ in range(2)]


def plain(conversation):
    """The text of a conversation whose exchanges follow one another."""
    opening, exchanges = conversation
    return "".join(text for segments in [opening, *exchanges] for text, _ in segments)


def main():
    source = Source(sys.argv[1] if len(sys.argv) > 1 else "train", 1)
    for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        print(plain(conversation(source, i % 4 == 0)), end="\n\n")


if __name__ == "__main__":
    main()
