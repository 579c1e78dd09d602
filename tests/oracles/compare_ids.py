#!/usr/bin/env python3
"""Compares two files of token ids, one {"ids": [...]} a line, and says where they part.

Usage: compare_ids.py OURS.jsonl THEIRS.jsonl MIN_LINES MIN_TOKENS
Fails when any line differs, and also when there is too little to compare for the agreement to mean something.
"""
import json
import pathlib
import sys


def read(name: str) -> list[list[int]]:
    return [json.loads(line)["ids"] for line in pathlib.Path(name).read_text(encoding="utf-8").splitlines()]


def main() -> int:
    ours, theirs = read(sys.argv[1]), read(sys.argv[2])
    lines_min, tokens_min = int(sys.argv[3]), int(sys.argv[4])
    failed = 0
    if len(ours) != len(theirs):
        print(f"{len(ours)} lines against {len(theirs)}")
        failed += 1
    for number, (a, b) in enumerate(zip(ours, theirs), 1):
        if a != b:
            failed += 1
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            print(f"line {number}: they part at token {at}: ours {a[at:at + 5]}, theirs {b[at:at + 5]}")
    tokens = sum(len(ids) for ids in theirs)
    different = len({tuple(ids) for ids in theirs})
    print(f"{len(theirs)} prompts, {tokens} tokens, {different} different continuations, {failed} differences")
    if len(theirs) < lines_min or tokens < tokens_min:
        print(f"too little to compare: at least {lines_min} prompts and {tokens_min} tokens wanted")
        failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
