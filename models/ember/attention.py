"""Causal grouped-query attention in bfloat16, fast on a CPU with AMX: amx_attention, compiled when this is imported.

PyTorch 2.6's own backward pass takes about ten times as long as all the rest of a layer.  Other CPUs get that one.
"""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F

HEAD_SIZE, BLOCK = 64, 32       # what amx_attention is made for


def _library():
    """amx_attention, or None where the CPU cannot run it."""
    if " amx_bf16" not in Path("/proc/cpuinfo").read_text():
        return None
    source = Path(__file__).parent / "amx_attention" / "attention.cc"
    flags = ["-std=c++20", "-O3", "-fopenmp", "-shared", "-fPIC", "-march=sapphirerapids"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attention.so"
        subprocess.run([os.environ.get("CXX", "g++"), *flags, str(source), "-o", str(path)], check=True)
        library = ctypes.CDLL(str(path))
    library.ember_attention_ready.restype = ctypes.c_bool
    return library if library.ember_attention_ready() else None


_lib = _library()


def reference_attention(q, k, v, sight=None):
    """As `attention`, by PyTorch: any type, length and CPU; plain causal attention without `sight`."""
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    k, v = (t.repeat_interleave(q.shape[1] // k.shape[1], 1) for t in (k, v))
    if sight is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    begin, end, start = (sight[:, i, None, :, None] for i in range(3))
    key, query = torch.arange(q.shape[2]), torch.arange(q.shape[2])[:, None]
    mask = (key >= begin) & (key < end) | (key >= start) & (key <= query)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)


def _call(function, shapes, *tensors):
    batch, length, heads, size = shapes[0].shape
    if size != HEAD_SIZE or length % BLOCK:
        raise ValueError(f"heads of {HEAD_SIZE} and lengths that are multiples of {BLOCK} are needed, not {shapes[0].shape}")
    function(batch, length, heads, shapes[1].shape[2], *(ctypes.c_void_p(t.data_ptr()) for t in tensors))


@torch.library.custom_op("ember::attention", mutates_args=())
def _forward(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor,
             sight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The result, shaped as q, and the log-sum-exp [batch, heads, length]."""
    q, k, v, sight = (t.contiguous() for t in (q, k, v, sight))
    out, lse = torch.empty_like(q), torch.empty(q.shape[0], q.shape[2], q.shape[1])
    _call(_lib.ember_attention, (q, k), q, k, v, sight, out, lse)
    return out, lse


@_forward.register_fake
def _(q, k, v, sight):
    return q.new_empty(q.shape), q.new_empty(q.shape[0], q.shape[2], q.shape[1], dtype=torch.float32)


@torch.library.custom_op("ember::attention_backward", mutates_args=())
def _gradients(grad: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, sight: torch.Tensor,
               out: torch.Tensor, lse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradients of q, k and v."""
    inputs = [t.contiguous() for t in (q, k, v, sight, out, grad, lse)]
    gradients = [torch.empty_like(t) for t in inputs[:3]]
    _call(_lib.ember_attention_backward, (q, k), *inputs, *gradients)
    return tuple(gradients)


@_gradients.register_fake
def _(grad, q, k, v, sight, out, lse):
    return tuple(t.new_empty(t.shape) for t in (q, k, v))


def _setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs, *output)


def _backward(ctx, grad, _grad_lse):
    return *_gradients(grad, *ctx.saved_tensors), None


torch.library.register_autograd("ember::attention", _backward, setup_context=_setup)


def attention(q, k, v, sight):
    """softmax(q k^T / sqrt(d)) v: q [batch, length, heads, d], k and v [batch, length, kv_heads, d].

    sight [batch, 3, length], int32, is begin, end and start: a position sees [begin, end) and from start to itself.
    """
    return _forward(q, k, v, sight)[0] if _lib else reference_attention(q, k, v, sight)
