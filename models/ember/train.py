"""Trains Ember on a CPU.

    python3 train.py WORK --minutes 45          trains; WORK holds merges.json, gets the checkpoints and curves.json
    python3 train.py WORK --minutes 20 --resume --peak 0.5      goes on from the checkpoint

The budget is wall clock.  A short curriculum (256-token rows, much copying) comes first, then rows of 512 and 1024
tokens.  The learning rate falls to zero over the last part, and in the end the forward pass sees int4-rounded weights
(straight-through, output matrix included).  Matrices are trained with Muon, the embedding and the norms with AdamW,
weight decay 0.01.  Every few minutes the held-out suite is scored; three scores in a row without a better loss end
the training (patience 3), and the averaged weights with the best score are kept as best.pt.
"""

import argparse
import json
import multiprocessing
import signal
import time
from pathlib import Path

import torch

import amx_step
import data
import suite
from grammar import Source
from model import Config, Ember, rounded4
from safetensors_file import read_safetensors
from tokenizer import Tokenizer

# rows and their length for each kind of batch, and the largest share of positions that may carry a target
SHAPES = {"short": (32, 256), "middle": (16, 512), "long": (8, 1024)}
TARGET_SHARE = .4
# how often exchanges follow one another as in a long conversation; else each one sees the system message alone, so that
# every call has to be read from the definitions, and one system message serves many of them
JOINED = .2
# a conversation is only begun where there is room for its opening and this many times as much for its exchanges
WORTHWHILE = .6
SHORTEST = 16       # tokens of the shortest exchange, about
# the first tokens of an answer decide what kind it is; those of a call hold the tool's name
CALL_OPENING, ANSWER_OPENING, OPENING_WEIGHT = 7, 2, 3.


class Encoder:
    """Segments as tokens with what each is worth as a target."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.digits = {tokenizer.encode(d)[0] for d in "0123456789"}
        self.equals = {tokenizer.encode("=")[-1], tokenizer.encode(" =")[-1]}

    def __call__(self, segments):
        line, worth = [], []
        for text, weight in segments:
            ids = self.tokenizer.encode(text)
            line += ids
            worth += self._worth(text, ids, weight)
        return line, worth

    def _worth(self, text, ids, weight):
        if weight == 2:
            return self._solution(ids)
        opening = min(len(ids), CALL_OPENING if text.startswith("<|tool_call|>") else ANSWER_OPENING)
        return [weight * OPENING_WEIGHT] * opening + [float(weight)] * (len(ids) - opening)

    def _solution(self, ids):
        """Digits behind an equals sign, with one token between at most, count double."""
        worth, solved, before = [], False, None
        for token in ids:
            solved = token in self.equals or solved and (token in self.digits or before in self.equals)
            worth.append(2. if solved and token in self.digits else 1.)
            before = token
        return worth


class Row:
    """One row of a batch, filled with conversations that do not see each other."""

    def __init__(self, length, filler):
        self.length, self.at = length, 0
        self.ids, self.weights = torch.full((length,), filler), torch.zeros(length)
        self.places, self.sight = torch.zeros(length, dtype=torch.long), torch.zeros(3, length, dtype=torch.int32)
        self.sight[:] = torch.arange(length, dtype=torch.int32)     # what is not filled sees itself

    def add(self, opening, exchanges):
        """Adds an encoded conversation; exchanges that do not fit are left out, and none is asked for that cannot.

        False if nothing was added, at once where the room is not worth the opening.
        """
        first, prefix = self.at, len(opening[0])
        if first + prefix * (1 + WORTHWHILE) > self.length:
            return False
        for exchange in exchanges:
            begin = self.at if self.at > first else first + prefix
            if begin + len(exchange[0]) <= self.length:
                if self.at == first:
                    self._put(opening, 0, (first, first, first))
                self._put(exchange, prefix, (first, first + prefix, self.at))
            if self.length - self.at < SHORTEST:
                break
        return self.at > first

    def _put(self, encoded, place, sight):
        line, worth = encoded
        here = slice(self.at, self.at + len(line))
        self.ids[here], self.weights[here] = torch.tensor(line, dtype=torch.long), torch.tensor(worth)
        self.places[here] = torch.arange(place, place + len(line))
        self.sight[:, here] = torch.tensor(sight, dtype=torch.int32)[:, None]
        self.at += len(line)


def fill(row, source, encode, stage):
    """Conversations until nothing more fits."""
    misses = 0
    while misses < 6:
        opening, exchanges = (data.short_conversation(source) if stage == "short" or source.chance(.12) else
                              data.conversation(source, stage == "long"))
        encoded = map(encode, exchanges)
        if source.chance(JOINED):
            encoded = [joined(encoded, row.length // 2)]
        if not row.add(encode(opening), encoded):
            misses += 1


def joined(exchanges, most):
    """The first of these encoded exchanges as one, with at most `most` tokens if they are several."""
    line, worth = [], []
    for more, its_worth in exchanges:
        if line and len(line) + len(more) > most:
            break
        line, worth = line + more, worth + its_worth
    return line, worth


def produce(queue, merges, stage, seed):
    """Fills `queue` with batches of one stage: (ids, places, sight, positions of targets, targets, weights)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    tokenizer, source = Tokenizer.load(merges), Source("train", seed)
    encode, end = Encoder(tokenizer), tokenizer.added["<|endoftext|>"]
    count, length = SHAPES[stage]
    limit = int(count * length * TARGET_SHARE)
    while True:
        rows = [Row(length + 1, end) for _ in range(count)]
        for row in rows:
            fill(row, source, encode, stage)
        ids, weights = torch.stack([row.ids for row in rows]), torch.stack([row.weights for row in rows])
        flat = weights[:, 1:].reshape(-1)
        positions = flat.nonzero()[:, 0][:limit]
        padded = torch.cat([positions, torch.zeros(limit - len(positions), dtype=torch.long)])
        share = torch.zeros(limit)
        share[:len(positions)] = flat[positions]
        queue.put((ids[:, :-1].contiguous(), torch.stack([row.places[:-1] for row in rows]),
                   torch.stack([row.sight[:, :-1] for row in rows]), padded, ids[:, 1:].reshape(-1)[padded], share))


def orthogonal(x):
    """Newton-Schulz iteration of Muon, in bfloat16: [matrices, rows, columns] with at most as many rows as columns."""
    x = x.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = torch.bmm(x, x.transpose(1, 2))
        x = 3.4445 * x + torch.bmm(-4.7750 * a + 2.0315 * torch.bmm(a, a), x)
    return x.float()


class Muon:
    """Muon for the matrices; packed projections are orthogonalised part by part, parts of one shape together."""

    def __init__(self, model, decay):
        self.decay = decay
        c = model.config
        self.parts = []
        for block in model.blocks:
            self.parts += [(block.qkv.weight, c.qkv), (block.out.weight, None),
                           (block.gate_up.weight, [c.intermediate] * 2), (block.down.weight, None)]
        self.momentum = [torch.zeros_like(w) for w, _ in self.parts]

    @torch.no_grad()
    def step(self, rate):
        shapes = {}     # of the part lying down: (its weights, its direction, whether it stands)
        for (weight, split), momentum in zip(self.parts, self.momentum):
            momentum.lerp_(weight.grad, .05)
            weight.mul_(1 - rate * self.decay)
            update = weight.grad.lerp(momentum, .95)
            for part, piece in zip(weight.split(split or weight.shape[0]), update.split(split or weight.shape[0])):
                stands = piece.shape[0] > piece.shape[1]
                piece = piece.t() if stands else piece
                shapes.setdefault(tuple(piece.shape), []).append((part, piece, stands))
        for members in shapes.values():
            for (part, _, stands), update in zip(members, orthogonal(torch.stack([piece for _, piece, _ in members]))):
                update = update.t() if stands else update
                part.add_(update, alpha=-rate * max(1, part.shape[0] / part.shape[1]) ** .5)


class Average:
    """Exponential moving average of the parameters."""

    def __init__(self, model):
        self.values, self.steps = [p.detach().clone() for p in model.parameters()], 0

    @torch.no_grad()
    def update(self, model, decay=.995):
        self.steps += 1
        keep = min(decay, self.steps / (self.steps + 10))
        for value, p in zip(self.values, model.parameters()):
            value.lerp_(p, 1 - keep)

    @torch.no_grad()
    def swap(self, model):
        for value, p in zip(self.values, model.parameters()):
            kept = p.detach().clone()
            p.copy_(value)
            value.copy_(kept)


class Rounded:
    """Within the block the matrices hold their int4-rounded values; afterwards the exact ones again."""

    def __init__(self, model, on):
        self.model, self.on = model, on

    @torch.no_grad()
    def __enter__(self):
        if self.on:
            self.exact = [w.detach().clone() for w in self.model.matrices()]
            for w in self.model.matrices():
                w.copy_(rounded4(w))
            self.model.round_head()

    @torch.no_grad()
    def __exit__(self, *_):
        if self.on:
            for w, exact in zip(self.model.matrices(), self.exact):
                w.copy_(exact)
            self.model.round_head(False)


def compiled_gradients():
    """As amx_step.gradients, by PyTorch on any CPU."""
    compiled = torch.compile(Ember.forward, dynamic=False)

    def gradients(model, *batch):
        loss, right = compiled(model, *batch)
        loss.backward()
        return loss.item(), right.item()
    return gradients


def curves(log, points=60):
    """The log for people: all validations, and about `points` of the training entries."""
    validation = [e for e in log if "validation_loss" in e]
    training = [e for e in log if "loss" in e]
    keep = max(1, len(training) // points)
    return {"training": training[keep - 1::keep], "validation": validation}


def save(path, **state):
    temporary = path.with_suffix(".new")
    torch.save(state, temporary)
    temporary.rename(path)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--short-minutes", type=float, default=4)
    parser.add_argument("--decay", type=float, default=.4, help="last share of the time, with a falling rate")
    parser.add_argument("--rounding", type=float, default=.2, help="last share of the time, with int4 rounding")
    parser.add_argument("--muon-rate", type=float, default=.02)
    parser.add_argument("--adam-rate", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=.01)
    parser.add_argument("--peak", type=float, default=1., help="factor on both learning rates")
    parser.add_argument("--evaluate-every", type=float, default=4, help="minutes")
    parser.add_argument("--patience", type=int, default=3)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--from", dest="weights", type=Path, help="published model.safetensors to go on from, perhaps of fewer blocks")
    parser.add_argument("--published", default="0,0", help="tokens in millions and minutes that made --from's weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.set_flush_denormal(True)      # threads to come take it over
    merges = a.work / "merges.json"
    tokenizer = Tokenizer.load(merges)
    state = torch.load(a.work / "checkpoint.pt", weights_only=False) if a.resume else None
    config = Config(**state["config"]) if a.resume else Config(vocabulary=tokenizer.size)
    model = Ember(config)
    vectors = [p for p in model.parameters() if p.dim() == 1]
    adam = torch.optim.AdamW([{"params": [model.embedding], "weight_decay": a.weight_decay},
                              {"params": vectors, "weight_decay": 0.}], lr=a.adam_rate, betas=(.9, .95))
    muon = Muon(model, a.weight_decay)
    tokens, log, started_before = 0, [], 0.
    if a.resume:
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        for mine, saved in zip(muon.momentum, state["muon"]):
            mine.copy_(saved)
        tokens, log, started_before = state["tokens"], state["log"], state["minutes"]
    elif a.weights:     # the state of the optimisers begins anew
        model.load_state_dict(read_safetensors(a.weights, model))
        tokens, started_before = (float(number) for number in a.published.split(","))
        tokens = int(tokens * 1e6)
    average = Average(model)
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    held_out = suite.build(12)
    queues = {}
    for stage in (["middle", "long"] if a.resume or a.weights else list(SHAPES)):
        queues[stage] = multiprocessing.Queue(4)
        multiprocessing.Process(target=produce, args=(queues[stage], merges, stage, a.seed * 1000 + len(queues) +
                                                      int(started_before * 10)), daemon=True).start()
    gradients = amx_step.gradients if amx_step.available() else compiled_gradients()
    model.train()
    begin = last_score = last_print = time.time()
    asked = []      # to stop
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    step, best, waited, losses, rights = 0, float("inf"), 0, [], []

    def score():
        nonlocal best, waited, last_score
        state = {"config": vars(config), "tokens": tokens, "minutes": started_before + (time.time() - begin) / 60,
                 "log": log}
        average.swap(model)
        with Rounded(model, True):
            loss, scores = suite.teacher_forced(model, tokenizer, held_out)
        entry = {"minutes": round(state["minutes"], 1), "tokens": tokens, "validation_loss": round(loss, 4),
                 **suite.summary(scores)}
        log.append(entry)
        print(json.dumps(entry), flush=True)
        if loss < best:
            best, waited = loss, 0
            save(a.work / "best.pt", model=model.state_dict(), **state)
        else:
            waited += 1
        save(a.work / "average.pt", model=model.state_dict(), **state)
        average.swap(model)
        save(a.work / "checkpoint.pt", model=model.state_dict(), adam=adam.state_dict(), muon=muon.momentum, **state)
        lines = {k: ",\n  ".join(map(json.dumps, v)) for k, v in curves(log).items()}
        (a.work / "curves.json").write_text("{" + ",\n".join(f' "{k}": [\n  {v}]' for k, v in lines.items()) + "}\n")
        last_score = time.time()

    while True:     # until time, patience or a SIGTERM ends it; the last state is always saved
        share = (time.time() - begin) / (60 * a.minutes)
        short = "short" in queues and share * a.minutes < a.short_minutes
        stage = "short" if short else "middle" if step % 8 == 0 else "long"
        batch = queues[stage].get()
        rate = a.peak * min(1, (step + 1) / (8 if a.resume else 40)) * min(1, max(.01, (1 - share) / a.decay))
        with Rounded(model, share > 1 - a.rounding):
            loss, right = gradients(model, *batch)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
        for group in adam.param_groups:
            group["lr"] = a.adam_rate * rate
        adam.step()
        muon.step(a.muon_rate * rate)
        model.zero_grad(set_to_none=False)
        average.update(model)
        step, tokens = step + 1, tokens + batch[0].numel()
        losses.append(loss)
        rights.append(right)
        if time.time() - last_print > 30:
            entry = {"minutes": round(started_before + (time.time() - begin) / 60, 2), "tokens": tokens, "step": step,
                     "loss": round(sum(losses) / len(losses), 4), "right": round(sum(rights) / len(rights), 4),
                     "rate": round(rate, 3)}
            log.append(entry)
            print(json.dumps(entry), flush=True)
            losses, rights, last_print = [], [], time.time()
        if time.time() - last_score > 60 * a.evaluate_every or share >= 1 or asked:
            score()
        if share >= 1 or asked or waited >= a.patience:
            break


if __name__ == "__main__":
    main()
