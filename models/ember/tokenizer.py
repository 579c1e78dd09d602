"""Ember's byte-level BPE tokenizer.

Merges are learned on a fine split (letters | one digit | structural punctuation | spaces), so no token joins a space
or a quote to a word: an argument has the same tokens in the request and in the JSON of the call, which makes copying
easy.  Encoding uses what a runtime uses: the o200k split and BPE over each whole piece, and role tokens that swallow
the white space behind them.

    python3 tokenizer.py learn WORK/merges.json     learns the merges
    python3 tokenizer.py dump WORK/merges.json N    prints N conversations with their ids, to compare with others
"""

import collections
import json
import re
import sys
from pathlib import Path

import regex

import data
from grammar import Source

VOCABULARY = 2048
SPLIT = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
FINE_SPLIT = re.compile(r"""[A-Z]*[a-z]+|[A-Z]+|[0-9]| ?["{}\[\]:,]+|\n+| +|.""", re.S)

# (text, special, rstrip), in the order and with the flags of Phi-4-mini
ADDED = (("<|endoftext|>", True, False), ("<|endofprompt|>", True, False), ("<|assistant|>", True, True),
         ("<|end|>", True, True), ("<|user|>", True, True), ("<|system|>", True, True), ("<|tool|>", False, True),
         ("<|/tool|>", False, True), ("<|tool_call|>", False, True), ("<|/tool_call|>", False, True),
         ("<|tool_response|>", False, True), ("<|tag|>", True, True))
ADDED_SPLIT = re.compile("(" + "|".join(re.escape(text) for text, _, _ in ADDED) + ")")
RSTRIP = {text for text, _, rstrip in ADDED if rstrip}


def byte_alphabet():
    """The printable stand-ins for the 256 bytes, in the order of GPT-2's vocabulary."""
    keep = [*range(ord("!"), ord("~") + 1), *range(ord("\u00a1"), ord("\u00ac") + 1), *range(ord("\u00ae"), ord("\u00ff") + 1)]
    table, extra = {b: chr(b) for b in keep}, 0
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


class Tokenizer:
    """Encodes and decodes as the exported tokenizer.json does."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        alphabet = byte_alphabet()
        order = sorted(range(256), key=lambda b: alphabet[b])
        self.bytes = [bytes([b]) for b in order]
        self._byte_id = {b: i for i, b in enumerate(order)}
        self._rank = {pair: i for i, pair in enumerate(self.merges)}
        for left, right in self.merges:
            self.bytes.append(self.bytes[left] + self.bytes[right])
        self.tokens = ["".join(alphabet[b] for b in token) for token in self.bytes]
        self.added = {text: len(self.bytes) + i for i, (text, _, _) in enumerate(ADDED)}
        self.size = len(self.bytes) + len(ADDED)
        self._split, self._cache = regex.compile(SPLIT), {}

    @classmethod
    def load(cls, path):
        return cls(json.loads(Path(path).read_text()))

    def _piece(self, piece):
        ids = self._cache.get(piece)
        if ids is None:
            ids = [self._byte_id[b] for b in piece.encode()]
            while len(ids) > 1:
                best, at = min((self._rank.get(pair, 1 << 30), i) for i, pair in enumerate(zip(ids, ids[1:])))
                if best == 1 << 30:
                    break
                ids[at:at + 2] = [256 + best]
            if len(self._cache) < 500000:
                self._cache[piece] = ids
        return ids

    def encode(self, text):
        ids, strip = [], False
        for part in ADDED_SPLIT.split(text):
            if part in self.added:
                ids.append(self.added[part])
                strip = part in RSTRIP
            elif part:
                for piece in self._split.findall(part.lstrip() if strip else part):
                    ids += self._piece(piece)
        return ids

    def decode(self, ids):
        added = {i: text for text, i in self.added.items()}
        return b"".join(added[i].encode() if i in added else self.bytes[i] for i in ids).decode("utf8", "replace")


def learn_merges(counts, wanted):
    """Plain BPE over weighted words; tokens are numbered from 256 on, bytes as in `Tokenizer`."""
    alphabet = byte_alphabet()
    byte_id = {b: i for i, b in enumerate(sorted(range(256), key=lambda b: alphabet[b]))}
    words = [([byte_id[b] for b in word.encode()], count) for word, count in counts.items()]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for k, (ids, count) in enumerate(words):
        for pair in zip(ids, ids[1:]):
            pairs[pair] += count
            where[pair].add(k)
    merges = []
    while len(merges) < wanted:
        best = max(pairs, key=lambda p: (pairs[p], p))
        for k in list(where[best]):
            ids, count = words[k]
            for pair in zip(ids, ids[1:]):
                pairs[pair] -= count
            joined, i = [], 0
            while i < len(ids):
                hit = tuple(ids[i:i + 2]) == best
                joined.append(256 + len(merges) if hit else ids[i])
                i += 2 if hit else 1
            words[k] = joined, count
            for pair in zip(joined, joined[1:]):
                pairs[pair] += count
                where[pair].add(k)
        merges.append(best)
        del pairs[best]
    return merges


def learn(path, conversations=5000):
    source, counts = Source("train", 123), collections.Counter()
    for _ in range(conversations):
        for part in ADDED_SPLIT.split(data.plain(data.conversation(source))):
            if not ADDED_SPLIT.fullmatch(part):
                counts.update(FINE_SPLIT.findall(part))
    damped = {word: max(1, int(count ** .75)) for word, count in counts.items()}
    merges = learn_merges(damped, VOCABULARY - 256 - len(ADDED))
    Path(path).write_text(json.dumps(merges))


def dump(path, count):
    """One JSON line per conversation, [text, ids]; the text has white space behind some role tokens on purpose."""
    tokenizer = Tokenizer.load(path)
    for split in ("train", "test"):
        source = Source(split, 4242)
        for i in range(count // 2):
            text = data.plain(data.conversation(source, i % 4 == 0))
            if i % 10 == 0:
                text = text.replace("<|user|>", "<|user|>\n ")
            print(json.dumps([text, tokenizer.encode(text)]))


if __name__ == "__main__":
    if sys.argv[1] == "learn":
        learn(sys.argv[2])
    else:
        dump(sys.argv[2], int(sys.argv[3]))
