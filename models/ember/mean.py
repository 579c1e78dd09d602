"""The mean of the weights of several stages of training, rounded to bfloat16 as the published ones are.

    python3 mean.py WORK/mean.pt WORK/average-1.pt WORK/average-2.pt

What else the last file holds (configuration, tokens, minutes, log) goes with them.
"""

import sys

import torch


def main():
    target, *sources = sys.argv[1:]
    if not sources:
        sys.exit(__doc__)
    states = [torch.load(path, weights_only=False) for path in sources]
    made = states[-1]
    made["model"] = {name: sum(state["model"][name] for state in states).div(len(states)).bfloat16().float()
                     for name in made["model"]}
    torch.save(made, target)


if __name__ == "__main__":
    main()
