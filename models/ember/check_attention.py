"""Compares amx_attention with PyTorch in float64, forward and backward: python3 check_attention.py"""

import torch

from attention import attention, reference_attention

LIMIT = .01         # root mean square of the error, relative; bfloat16 rounds by up to 1/256, sharp attention cancels


def relative_error(got, expected):
    return ((got.double() - expected).square().mean() / expected.square().mean()).sqrt().item()


def sights(batch, length, kind):
    """[batch, 3, length]: plain causal, or prefixes and turns of random lengths."""
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


def check(batch, length, heads, kv_heads, sharpness, kind):
    shapes = [(batch, length, count, 64) for count in (heads, kv_heads, kv_heads)]
    inputs = [torch.randn(s).mul(sharpness if i == 0 else 1).bfloat16().requires_grad_() for i, s in enumerate(shapes)]
    exact = [t.detach().double().requires_grad_() for t in inputs]
    grad = torch.randn(shapes[0]).bfloat16()
    sight = sights(batch, length, kind)
    out, expected = attention(*inputs, sight), reference_attention(*exact, sight)
    out.backward(grad)
    expected.backward(grad.double())
    pairs = [(out.detach(), expected.detach())] + [(a.grad, b.grad) for a, b in zip(inputs, exact)]
    errors = [relative_error(*pair) for pair in pairs]
    print(f"{batch} x {length}, {heads} heads, {kv_heads} K/V heads, sharpness {sharpness}, {kind}: relative errors of "
          "result, dq, dk, dv",
          *(f"{e:.4f}" for e in errors))
    return max(errors) < LIMIT


def main():
    torch.manual_seed(1)
    cases = ((2, 32, 4, 2, 1), (3, 96, 4, 4, 1), (1, 512, 4, 2, 1), (2, 1024, 4, 2, 4), (1, 256, 6, 2, 40))
    if not all([check(*case, kind) for case in cases for kind in ("causal", "turns")]):
        raise SystemExit(f"an error is larger than {LIMIT}")


if __name__ == "__main__":
    main()
