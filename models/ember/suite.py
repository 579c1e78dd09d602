"""Held-out prompts with their expected answers, and the teacher-forced score used while training."""

from collections import Counter, OrderedDict

import torch

import chat
import data
from grammar import Source
from tool_requests import TOOLS, request

CHAT_KINDS = ("capital", "definition", "list", "talk", "numbers", "copy", "unknown")

# Wordings that users of Hearth meet first; they belong to the training split.
SHOWCASE = (("What is 17 + 25?", "17 + 25 = 42."), ("What is 2+2?", "2 + 2 = 4."),
            ("Explain why the sky is blue in one sentence.",
             "The sky is blue because air scatters blue light more than red light."),
            ("List 5 programming languages.", "Python, JavaScript, Rust, Go, Java."),
            ("Who are you?", "I am Ember, the small language model in Hearth's box. I can be wrong."),
            ("What is the capital of France?", "The capital of France is Paris."), ("Hello", "Hello! How can I help you?"))


def prompt(user, before=""):
    return before + "<|user|>" + user + "<|end|><|assistant|>"


def build(count, split="test", seed=99):
    """A list of (kind, prompt, answer, tool or None): `count` per tool and in proportion for the rest.

    Kinds: tool:NAME, absent, no-tools (a request without any tools), sum, sum-trained, mixed (facts and small talk
    with tools present), chat, result, showcase.
    """
    source, cases = Source(split, seed), []

    def toolbox(tool=None, absent=None):
        if absent:
            tools = source.random.sample([t for t in TOOLS if t != absent], source.random.randint(1, 5))
        elif source.chance(.6):
            tools = source.random.sample(TOOLS, 6)
        else:
            tools = source.random.sample(TOOLS, source.random.randint(1, 5))
            if tool and tool not in tools:
                tools.insert(source.random.randint(0, len(tools)), tool)
        return data.Toolbox(source, tools)

    def system():
        return data.system(source) if source.chance(.5) else ""

    for tool in TOOLS:
        for _ in range(count):
            box = toolbox(tool)
            user, arguments = request(source, tool)
            cases.append(("tool:" + tool, prompt(user, data.system(source, box)), box.call(tool, arguments), tool))
    for _ in range(count * 2):
        tool = source.pick(TOOLS)
        box = toolbox(absent=tool)
        cases.append(("absent", prompt(request(source, tool)[0], data.system(source, box)), data.CANNOT[tool], tool))
    for _ in range(count // 2):
        tool = source.pick(TOOLS)
        cases.append(("no-tools", prompt(request(source, tool)[0], system()), data.CANNOT[tool], tool))
    for kind in ("sum", "sum-trained"):
        for _ in range(count * 3):
            user, answer = chat.arithmetic(source, "train" if kind == "sum-trained" else None)
            cases.append((kind, prompt(user, system()), answer, None))
    for kind, number in (("mixed", count), ("chat", count * 2)):
        for _ in range(number):
            user, answer = chat.chat(source, source.pick(CHAT_KINDS))
            before = data.system(source, toolbox()) if kind == "mixed" else system()
            cases.append((kind, prompt(user, before), answer, None))
    for _ in range(count):
        tool = source.pick(TOOLS)
        box = toolbox(tool)
        user, arguments = request(source, tool)
        shown, report = data.result(source, tool, arguments)
        text = prompt(user, data.system(source, box)) + box.call(tool, arguments)
        cases.append(("result", text + "<|end|><|tool_response|>" + shown + "<|end|><|assistant|>", report, None))
    for user, answer in SHOWCASE:
        cases.append(("showcase", prompt(user), answer, None))
    return cases


@torch.no_grad()
def teacher_forced(model, tokenizer, cases, batch=24):
    """Greedy exactness without generating: an answer is exact if each of its tokens is the likeliest one.

    Returns (mean loss per answer token, {kind: Counter(n, exact, name)}).
    """
    encoded = [(tokenizer.encode(text), tokenizer.encode(answer + "<|end|>")) for _, text, answer, _ in cases]
    order = sorted(range(len(cases)), key=lambda i: len(encoded[i][0]) + len(encoded[i][1]))
    scores, loss, tokens = OrderedDict((kind, Counter()) for kind, *_ in cases), 0., 0
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
            mine, score = right[at:at + len(answer)], scores[cases[i][0]]
            at += len(answer)
            score["n"] += 1
            score["exact"] += all(mine)
            if cases[i][0].startswith("tool:"):
                name = cases[i][2].split('"arguments"')[0].rstrip(' ')
                score["name"] += all(mine[:len(tokenizer.encode(name))])
    model.train(training)
    return loss / tokens, scores


def summary(scores):
    """{name: share} over the kinds, tools together."""
    tools = sum((s for kind, s in scores.items() if kind.startswith("tool:")), Counter())
    out = {"tool_name": tools["name"] / max(tools["n"], 1), "tool_exact": tools["exact"] / max(tools["n"], 1)}
    out.update({kind: s["exact"] / s["n"] for kind, s in scores.items() if not kind.startswith("tool:")})
    return {k: round(v, 4) for k, v in out.items()}
