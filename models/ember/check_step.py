"""Compares amx_step with PyTorch's gradients in float32, which errors of its own bfloat16 are told beside: python3 check_step.py"""

import torch

import amx_step
from model import Config, Ember

# root mean square of the error, relative: bfloat16 rounds each value by up to 1/256; more is allowed where PyTorch's own
# bfloat16 errs by more
LIMIT = .02


def relative_error(got, expected):
    return ((got.double() - expected.double()).square().mean() / expected.double().square().mean()).sqrt().item()


def sights(batch, length, kind):
    """[batch, 3, length]: plain causal, or prefixes and turns of random lengths; and the places."""
    sight = torch.zeros(batch, 3, length, dtype=torch.int32)
    at = [0] * batch
    for b in range(batch if kind == "turns" else 0):
        while at[b] < length:
            first, end = at[b], min(length, at[b] + int(torch.randint(0, 90, ())))
            sight[b, :, first:end] = first
            starts = [end + int(n) for n in torch.randint(1, 60, (4,)).cumsum(0)]
            for start, after in zip([end] + starts, starts):
                sight[b, 0, start:after], sight[b, 1, start:after], sight[b, 2, start:after] = first, end, start
            at[b] = starts[-1]
    return sight


def batch_of(config, rows, length, kind):
    ids = torch.randint(0, config.vocabulary, (rows, length))
    places = torch.randint(0, config.context, (rows, length))
    count = rows * length // 3
    positions = torch.randperm(rows * length)[:count].sort().values
    weights = torch.rand(count) + .5
    weights[-3:] = 0
    return ids, places, sights(rows, length, kind), positions, torch.randint(0, config.vocabulary, (count,)), weights


def model_of(config, sharpness):
    model = Ember(config)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(1 + .2 * torch.randn_like(p) if p.dim() == 1 else torch.randn_like(p) * p.shape[1] ** -.5)
        for block in model.blocks:
            block.qkv.weight[:sum(config.qkv[:2])] *= sharpness ** .5
        model.head_rounding.copy_(torch.randn_like(model.embedding) * .01)
    return model


def torch_gradients(model, batch, dtype):
    loss, right = model(*batch, dtype=dtype)
    model.zero_grad()
    loss.backward()
    return loss.item(), right.item(), [p.grad for p in model.parameters()]


def check(config, rows, length, kind, sharpness):
    model, batch = model_of(config, sharpness), batch_of(config, rows, length, kind)
    expected_loss, expected_right, expected = torch_gradients(model, batch, torch.float32)
    others = [relative_error(*pair) for pair in zip(torch_gradients(model, batch, torch.bfloat16)[2], expected)]
    passed, most = True, 0
    for _ in range(2):      # the second time memory is used again
        model.zero_grad()
        loss, right = amx_step.gradients(model, *batch)
        errors = [relative_error(p.grad, e) for p, e in zip(model.parameters(), expected)]
        passed &= all(mine < max(LIMIT, other) for mine, other in zip(errors, others))
        most = max(most, *errors)
    print(f"{rows} x {length}, {config.layers} layers of {config.hidden}, {kind}, sharpness {sharpness}: loss {loss:.4f} "
          f"({expected_loss:.4f}), right {right:.4f} ({expected_right:.4f}), errors of gradients up to {most:.4f}, "
          f"PyTorch's in bfloat16 {max(others):.4f}", flush=True)
    return passed and abs(loss - expected_loss) < .01 * abs(expected_loss)


def main():
    if not amx_step.available():
        raise SystemExit("this CPU has no AMX")
    torch.manual_seed(1)
    small = Config(vocabulary=96, hidden=64, layers=2, heads=2, kv_heads=1, intermediate=96)
    cases = ((small, 1, 32, "causal", 1), (small, 5, 96, "turns", 1), (small, 3, 544, "turns", 4),
             (Config(layers=3), 3, 512, "turns", 1), (Config(layers=1, heads=6, hidden=384), 2, 1024, "causal", 1))
    if not all([check(*case) for case in cases]):
        raise SystemExit(f"an error is larger than {LIMIT}")


if __name__ == "__main__":
    main()
