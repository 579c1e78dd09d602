"""Scores an exported folder with ONNX Runtime: greedy generation on held-out prompts.

    python3 evaluate.py int4 WORK/merges.json --count 30 [--table] [--show 10] [--json WORK/metrics.json]

Reported shares, per kind of prompt (see suite.py): `exact` = the reply equals the expected text; for tools also `name`
(the right tool), `arguments` (all of them exact, read from the parsed JSON), `json` (the call parses).  For absent
tools `no_call` counts replies that call nothing.  For sums `result` compares the number only.  `--table` adds all
two-digit sums and differences.
"""

import argparse
import json
import re
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import onnxruntime

import suite
from arithmetic import held_out_sum, solved
from tokenizer import Tokenizer

LONGEST = 160


class Runner:
    """Greedy generation through model.onnx; prompts of one batch must have the same length."""

    def __init__(self, folder, tokenizer):
        config = json.loads((folder / "genai_config.json").read_text())["model"]
        decoder = config["decoder"]
        self.layers = decoder["num_hidden_layers"]
        self.cache_shape = (decoder["num_key_value_heads"], 0, decoder["head_size"])
        self.stops, self.tokenizer = set(config["eos_token_id"]), tokenizer
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options,
                                                    providers=["CPUExecutionProvider"])
        self.outputs = [o.name for o in self.session.get_outputs()]

    def generate(self, prompts, longest=LONGEST):
        ids = np.array([self.tokenizer.encode(p) for p in prompts], dtype=np.int64)
        batch, seen = ids.shape
        empty = np.zeros((batch, *self.cache_shape), dtype=np.float32)
        cache = {f"past_key_values.{i}.{part}": empty for i in range(self.layers) for part in ("key", "value")}
        replies, done = [[] for _ in prompts], [False] * batch
        for _ in range(longest):
            out = self.session.run(None, {"input_ids": ids, "attention_mask": np.ones((batch, seen), np.int64), **cache})
            named = dict(zip(self.outputs, out))
            tokens = named["logits"][:, -1].argmax(-1)
            for row, token in enumerate(tokens):
                done[row] = done[row] or int(token) in self.stops
                if not done[row]:
                    replies[row].append(int(token))
            if all(done):
                break
            cache = {name.replace("present", "past_key_values"): value for name, value in named.items()
                     if name != "logits"}
            ids, seen = tokens[:, None].astype(np.int64), seen + 1
        return [self.tokenizer.decode(reply) for reply in replies]


def parsed_call(reply):
    match = re.fullmatch(r"<\|tool_call\|>(.*)<\|/tool_call\|>", reply, re.S)
    try:
        call, = json.loads(match.group(1))
        return call["name"], call["arguments"]
    except (AttributeError, ValueError, KeyError, TypeError):
        return None


def score(kind, reply, answer):
    """What is right about one reply, as a Counter."""
    out = Counter(n=1, exact=reply == answer)
    if kind.startswith("tool:"):
        wanted, got = parsed_call(answer), parsed_call(reply)
        out["json"] = got is not None
        out["name"] = got is not None and got[0] == wanted[0]
        out["arguments"] = got == wanted
    elif kind in ("absent", "no-tools"):
        out["no_call"] = "<|tool_call|>" not in reply
    elif kind in ("sum", "sum-trained"):
        out["result"] = re.findall(r"-?\d+", reply)[-1:] == re.findall(r"-?\d+", answer)[-1:]
    return out


def table(runner):
    """Shares of right replies to "What is a + b?" and "What is a - b?" for all two-digit a and b (a >= b for -)."""
    out = {}
    for op in "+-":
        pairs = [(a, b) for a in range(10, 100) for b in range(10, 100) if op == "+" or a >= b]
        right = {}
        for first in range(0, len(pairs), 150):
            some = pairs[first:first + 150]
            replies = runner.generate([f"<|user|>What is {a} {op} {b}?<|end|><|assistant|>" for a, b in some], 24)
            right.update({pair: reply == solved(*pair, op) + "." for pair, reply in zip(some, replies)})
        new = [pair for pair in pairs if held_out_sum(*pair, op)]
        out[op] = {"all": round(sum(right.values()) / len(pairs), 4),
                   "held_out": round(sum(right[p] for p in new) / len(new), 4), "pairs": len(pairs)}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("merges", type=Path)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--show", type=int, default=0, help="print this many wrong replies")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    runner = Runner(a.folder, Tokenizer.load(a.merges))
    totals, wrong = OrderedDict(), []
    cases = suite.build(a.count, seed=a.seed)
    for case in cases:
        kind, text, answer = case.kind, case.prompt(), case.answer_text()
        reply, = runner.generate([text])
        totals.setdefault(kind, Counter()).update(score(kind, reply, answer))
        if reply != answer:
            wrong.append((kind, text.split("<|user|>")[-1], reply, answer))
    tools = sum((t for kind, t in totals.items() if kind.startswith("tool:")), Counter())
    totals["tool:ALL"] = tools
    report = {kind: {"n": t["n"], **{k: round(v / t["n"], 4) for k, v in t.items() if k != "n"}}
              for kind, t in totals.items()}
    if a.table:
        report["table"] = table(runner)
    for kind, line in report.items():
        print(f"{kind:12}", *(f"{k}={v}" for k, v in line.items()))
    for item in sorted(wrong, key=lambda w: hash(w[1]))[:a.show]:
        print("WRONG", *map(repr, item), sep="\n   ")
    for item in wrong:
        if item[0] == "showcase":
            print("SHOWCASE", *map(repr, item), sep="\n   ")
    if a.json:
        a.json.write_text(json.dumps({"prompts": len(cases), **report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
