"""Ember: a Phi-3 style decoder (RMSNorm, grouped-query attention, partial rotary embedding, SwiGLU, tied embedding)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 64
    intermediate: int = 768
    rotary: int = 48            # 0.75 of the head size
    theta: float = 10000.0
    epsilon: float = 1e-5
    context: int = 2048

    @property
    def qkv(self):
        """Rows of the query, key and value part of the packed projection."""
        return [self.heads * self.head_size, self.kv_heads * self.head_size, self.kv_heads * self.head_size]


def quantize4(weight):
    """Symmetric round-to-nearest int4 in blocks of 32 along the last dimension.

    The scale is -m/8 for the element m of largest magnitude (the negative one of two equals) and may be negative;
    halves are rounded up: the released models' rule, see src/onnx/quantise.h.  Returns (q in 0..15, scales).
    """
    blocks = weight.float().reshape(weight.shape[0], -1, 32)
    high, low = blocks.amax(-1, keepdim=True), blocks.amin(-1, keepdim=True)
    scales = -torch.where(high > -low, high, low) / 8
    reciprocal = torch.where(scales == 0, torch.zeros_like(scales), 1 / scales)
    return torch.floor((blocks * reciprocal + 8).double() + .5).float().clamp(0, 15), scales


def rounded4(weight):
    """`weight` after a round trip through int4."""
    q, scales = quantize4(weight.detach())
    return ((q - 8) * scales).reshape(weight.shape)


def rotary_tables(config):
    frequency = config.theta ** (-torch.arange(0, config.rotary, 2).double() / config.rotary)
    angles = torch.outer(torch.arange(config.context).double(), frequency)
    return angles.cos().float(), angles.sin().float()


def rotate(x, cos, sin):
    """Rotates the first dimensions in half-split pairs; the rest passes through."""
    half = cos.shape[-1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)


def attention(q, k, v, sight=None):
    """softmax(q k^T / sqrt(d)) v: q [batch, length, heads, d], k and v [batch, length, kv_heads, d].

    sight [batch, 3, length], int32, is begin, end and start: a position sees [begin, end) and from start to itself.
    Without it attention is plainly causal.
    """
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    k, v = (t.repeat_interleave(q.shape[1] // k.shape[1], 1) for t in (k, v))
    if sight is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    begin, end, start = (sight[:, i, None, :, None] for i in range(3))
    key, query = torch.arange(q.shape[2]), torch.arange(q.shape[2])[:, None]
    mask = (key >= begin) & (key < end) | (key >= start) & (key <= query)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)


class Norm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(config.hidden)), config.epsilon

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight.float()).to(x.dtype)


class Matrix(nn.Module):
    """A linear map without bias whose weight is kept in float32 and used in the type of its input."""

    def __init__(self, inputs, outputs, scale):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * scale)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, scale = config, .6 * config.hidden ** -.5
        self.input_norm, self.post_norm = Norm(config), Norm(config)
        self.qkv = Matrix(config.hidden, sum(config.qkv), scale)
        self.out = Matrix(config.heads * config.head_size, config.hidden, 0.)
        self.gate_up = Matrix(config.hidden, 2 * config.intermediate, scale)
        self.down = Matrix(config.intermediate, config.hidden, 0.)

    def forward(self, x, cos, sin, sight=None):
        c = self.config
        batch, length, _ = x.shape
        packed = self.qkv(self.input_norm(x)).view(batch, length, -1, c.head_size)
        q, k, v = packed.split([c.heads, c.kv_heads, c.kv_heads], 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = attention(q, k, v, sight)
        x = x + self.out(mixed.reshape(batch, length, -1))
        gate, up = self.gate_up(self.post_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Ember(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.randn(config.vocabulary, config.hidden) * .02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = Norm(config)
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        # what int4 rounding would add to the output matrix; the embedding itself stays as it is
        self.register_buffer("head_rounding", torch.zeros(config.vocabulary, config.hidden), persistent=False)

    def matrices(self):
        return [m.weight for m in self.modules() if isinstance(m, Matrix)]

    def hidden(self, ids, places=None, sight=None, dtype=torch.bfloat16):
        """The normalised last hidden state of every position.

        `places` [batch, length] are the positions for the rotary embedding, `sight` is what `attention` wants; without
        them a row is one text.
        """
        x = self.embedding[ids].to(dtype)
        places = torch.arange(ids.shape[1])[None] if places is None else places
        cos, sin = (table[places][:, :, None].to(dtype) for table in (self.cos, self.sin))
        for block in self.blocks:
            x = block(x, cos, sin, sight)
        return self.final_norm(x)

    def logits(self, hidden):
        return (hidden @ (self.embedding + self.head_rounding).to(hidden.dtype).t()).float()

    def forward(self, ids, places, sight, positions, targets, weights, dtype=torch.bfloat16):
        """The weighted loss over `positions` of the flattened batch, and the share of right tokens."""
        hidden = self.hidden(ids, places, sight, dtype).reshape(-1, self.config.hidden)[positions]
        logits = self.logits(hidden)
        loss = F.cross_entropy(logits, targets, reduction="none")
        right = (logits.argmax(-1) == targets).float()
        total = weights.sum()
        return (loss * weights).sum() / total, (right * weights).sum() / total

    @torch.no_grad()
    def round_head(self, on=True):
        self.head_rounding.copy_(rounded4(self.embedding) - self.embedding if on else 0 * self.embedding)
