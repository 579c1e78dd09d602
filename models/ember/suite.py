"""Held-out prompts with their expected answers, and the teacher-forced score used while training."""

from collections import Counter, OrderedDict
from dataclasses import dataclass

import torch

import arithmetic
import chat
import data
from chains import CHAINS, chain, lookup
from grammar import Source
from other_tools import REFUSAL, other_request
from results import result
from system_prompts import SHORT, system_text
from tool_requests import request
from toolbox import TOOLS, Toolbox

CHAT_KINDS = ("capital", "definition", "list", "talk", "numbers", "copy", "unknown")


@dataclass
class Case:
    """One prompt and what the model shall answer."""

    kind: str               # see `build`
    system: str | None      # the text of the system message
    box: Toolbox | None
    messages: list          # ("user", text), ("call", (tool, arguments)) and ("result", text), ending before the answer
    answer: object          # a text, or (tool, arguments)

    @property
    def tool(self):
        return self.answer[0] if isinstance(self.answer, tuple) else None

    def prompt(self):
        made = "" if self.system is None else data.system(self.system, self.box)
        for role, value in self.messages:
            made += ("<|user|>" + value if role == "user" else "<|tool_response|>" + value if role == "result" else
                     self.box.call(*value)) + "<|end|>" + ("" if role == "call" else "<|assistant|>")
        return made

    def answer_text(self):
        return self.box.call(*self.answer) if self.tool else self.answer


def build(count, split="test", seed=99):
    """A list of cases: `count` per tool and in proportion for the rest.

    Kinds: tool:NAME, absent, no-tools (a request without any tools), other (needs a tool outside the six), sum,
    sum-trained, mixed (facts and small talk with tools present), chat, result, chain (any step of a task), lookup,
    showcase.  A quarter of the prompts with tools has a system prompt of several paragraphs, a fifth the common
    one-liner.
    """
    source, cases = Source(split, seed), []

    def toolbox(needed=(), absent=None):
        if absent:
            tools = source.random.sample([t for t in TOOLS if t != absent], source.random.randint(1, 5))
        elif source.chance(.6):
            tools = source.random.sample(TOOLS, 6)
        else:
            tools = source.random.sample(TOOLS, source.random.randint(1, 5))
            for tool in needed:
                if tool not in tools:
                    tools.insert(source.random.randint(0, len(tools)), tool)
        return Toolbox(source, tools)

    def system():
        return SHORT[0] if source.chance(.2) else system_text(source, .25)

    def perhaps():
        return system_text(source, .1) if source.chance(.5) else None

    def add(kind, text, box, messages, answer):
        cases.append(Case(kind, text, box, messages, answer))

    for tool in TOOLS:
        for _ in range(count):
            box = toolbox([tool])
            user, arguments = request(source, tool)
            add("tool:" + tool, system(), box, [("user", user)], (tool, arguments))
    for _ in range(count * 2):
        tool = source.pick(TOOLS)
        box = toolbox(absent=tool)
        add("absent", system(), box, [("user", request(source, tool)[0])], data.CANNOT[tool])
    for _ in range(count // 2):
        tool = source.pick(TOOLS)
        add("no-tools", perhaps(), None, [("user", request(source, tool)[0])], data.CANNOT[tool])
    for _ in range(count // 2):
        box = toolbox()
        user, tool, arguments = other_request(source, box.others)
        add("other", system(), box, [("user", user)], (tool, arguments) if tool else REFUSAL)
    for kind in ("sum", "sum-trained"):
        for _ in range(count * 3):
            user, answer = arithmetic.arithmetic(source, "train" if kind == "sum-trained" else None)
            add(kind, perhaps(), None, [("user", user)], answer)
    for kind, number in (("mixed", count), ("chat", count * 2)):
        for _ in range(number):
            user, answer = chat.chat(source, source.pick(CHAT_KINDS))
            box = toolbox() if kind == "mixed" else None
            add(kind, system() if box else perhaps(), box, [("user", user)], answer)
    for _ in range(count):
        tool = source.pick(TOOLS)
        box = toolbox([tool])
        user, arguments = request(source, tool)
        shown, report = result(source, tool, arguments)
        add("result", system(), box, [("user", user), ("call", (tool, arguments)), ("result", shown)], report)
    for _ in range(count):
        kind = source.pick(list(CHAINS))
        box = toolbox(CHAINS[kind])
        user, steps, answer = chain(source, kind)
        messages, at = [("user", user)], source.random.randint(0, len(steps))
        for tool, arguments, shown in steps[:at]:
            messages += [("call", (tool, arguments)), ("result", shown)]
        add("chain", system(), box, messages, steps[at][:2] if at < len(steps) else answer)
    for _ in range(count // 2):
        user, arguments, shown, answer = lookup(source)
        messages = [("user", user), ("call", ("read", arguments)), ("result", shown)]
        add("lookup", system(), toolbox(["read"]), messages, answer)
    for user, answer in chat.SHOWCASE:
        add("showcase", None, None, [("user", user)], answer)
    return cases


@torch.no_grad()
def teacher_forced(model, tokenizer, cases, batch=24):
    """Greedy exactness without generating: an answer is exact if each of its tokens is the likeliest one.

    Returns (mean loss per answer token, {kind: Counter(n, exact, name)}).
    """
    encoded = [(tokenizer.encode(c.prompt()), tokenizer.encode(c.answer_text() + "<|end|>")) for c in cases]
    order = sorted(range(len(cases)), key=lambda i: len(encoded[i][0]) + len(encoded[i][1]))
    scores, loss, tokens = OrderedDict((c.kind, Counter()) for c in cases), 0., 0
    training = model.training
    model.eval()
    for first in range(0, len(order), batch):
        chosen = order[first:first + batch]
        length = max(len(p) + len(a) for p, a in (encoded[i] for i in chosen)) - 1
        ids = torch.zeros(len(chosen), length, dtype=torch.long)
        positions, targets = [], []
        for row, i in enumerate(chosen):
            asked, answer = encoded[i]
            ids[row, :len(asked) + len(answer) - 1] = torch.tensor((asked + answer)[:-1])
            positions += [row * length + len(asked) - 1 + j for j in range(len(answer))]
            targets += answer
        hidden = model.hidden(ids).reshape(-1, model.config.hidden)[torch.tensor(positions)]
        logits, wanted = model.logits(hidden), torch.tensor(targets)
        loss += torch.nn.functional.cross_entropy(logits, wanted, reduction="sum").item()
        right, at = (logits.argmax(-1) == wanted).tolist(), 0
        tokens += len(targets)
        for i in chosen:
            answer = encoded[i][1]
            mine, score = right[at:at + len(answer)], scores[cases[i].kind]
            at += len(answer)
            score["n"] += 1
            score["exact"] += all(mine)
            if cases[i].kind.startswith("tool:"):
                name = cases[i].answer_text().split('"arguments"')[0].rstrip(' ')
                score["name"] += all(mine[:len(tokenizer.encode(name))])
    model.train(training)
    return loss / tokens, scores


def summary(scores):
    """{name: share} over the kinds, tools together."""
    tools = sum((s for kind, s in scores.items() if kind.startswith("tool:")), Counter())
    out = {"tool_name": tools["name"] / max(tools["n"], 1), "tool_exact": tools["exact"] / max(tools["n"], 1)}
    out.update({kind: s["exact"] / s["n"] for kind, s in scores.items() if not kind.startswith("tool:")})
    return {k: round(v, 4) for k, v in out.items()}
