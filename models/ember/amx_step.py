"""The loss of a batch and its gradients on a CPU with AMX: amx/, compiled when this is imported."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import torch

HEAD_SIZE, BLOCK = 64, 32       # what amx/ is made for


class _Config(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in
                ("layers", "hidden", "heads", "kv_heads", "intermediate", "vocabulary", "rotary")] + [
                    ("epsilon", ctypes.c_float)]


class _Batch(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("rows", "length", "targets")] + [
        (name, ctypes.c_void_p) for name in ("ids", "places", "sight", "positions", "expected", "weights", "cos", "sin")]


class _Layer(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("input_norm", "post_norm", "qkv", "out", "gate_up", "down")]


def _library():
    """amx/step.cc, or None where the CPU cannot run it."""
    if " amx_bf16" not in Path("/proc/cpuinfo").read_text():
        return None
    source = Path(__file__).parent / "amx" / "step.cc"
    flags = ["-std=c++20", "-O3", "-fopenmp", "-shared", "-fPIC", "-march=sapphirerapids"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.so"
        subprocess.run([os.environ.get("CXX", "g++"), *flags, str(source), "-o", str(path)], check=True)
        library = ctypes.CDLL(str(path))
    library.ember_ready.restype = ctypes.c_bool
    return library if library.ember_ready() else None


_lib = _library()


def available():
    return _lib is not None


def _layers(model, part):
    """The addresses of `part` of each parameter, layer by layer."""
    rows = [[b.input_norm.weight, b.post_norm.weight, b.qkv.weight, b.out.weight, b.gate_up.weight, b.down.weight]
            for b in model.blocks]
    return (_Layer * len(rows))(*(_Layer(*(part(p).data_ptr() for p in row)) for row in rows))


@torch.no_grad()
def gradients(model, ids, places, sight, positions, targets, weights):
    """Adds the gradients of `model(...)`'s loss to those of the parameters: (loss, share of right tokens)."""
    c = model.config
    if c.head_size != HEAD_SIZE or any(n % BLOCK for n in (ids.shape[1], c.hidden, c.intermediate, c.vocabulary)):
        raise ValueError(f"heads of {HEAD_SIZE}, and lengths and sizes that are multiples of {BLOCK} are needed")
    for p in model.parameters():
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    kept = [t.contiguous() for t in (ids, places, sight, positions, targets, weights, model.cos, model.sin)]
    head = (model.embedding + model.head_rounding).contiguous()
    config = _Config(c.layers, c.hidden, c.heads, c.kv_heads, c.intermediate, c.vocabulary, c.rotary, c.epsilon)
    batch = _Batch(ids.shape[0], ids.shape[1], len(positions), *(t.data_ptr() for t in kept))
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in (
        model.embedding, head, model.final_norm.weight, model.embedding.grad, model.final_norm.weight.grad)]
    score = (ctypes.c_double * 2)()
    _lib.ember_gradients(ctypes.byref(config), ctypes.byref(batch), torch.get_num_threads(), *pointers[:3],
                         _layers(model, lambda p: p), *pointers[3:], _layers(model, lambda p: p.grad), score)
    return score[0], score[1]
