"""Writes the trained Ember's weights as model.safetensors, in bfloat16 and under the names of Hugging Face's Phi-3.

    python3 safetensors_file.py WORK/best.pt weights

`hearth models build` makes the four ONNX variants from it; the folder needs config.json and the tokenizer's files beside it.
"""

import argparse
import json
import struct
from pathlib import Path

import torch

NAMES = {"input_norm": "input_layernorm", "post_norm": "post_attention_layernorm", "qkv": "self_attn.qkv_proj",
         "out": "self_attn.o_proj", "gate_up": "mlp.gate_up_proj", "down": "mlp.down_proj"}


def published_name(name):
    """`blocks.3.qkv.weight` is `model.layers.3.self_attn.qkv_proj.weight`."""
    if name == "embedding":
        return "model.embed_tokens.weight"
    if name == "final_norm.weight":
        return "model.norm.weight"
    blocks, layer, part, weight = name.split(".")
    assert (blocks, weight) == ("blocks", "weight"), name
    return f"model.layers.{layer}.{NAMES[part]}.weight"


def write_safetensors(state, path):
    """`state` is the model's state_dict(); one tensor after another, in its order."""
    header, parts, end = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in state.items():
        parts.append(tensor.detach().to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes())
        begin, end = end, end + len(parts[-1])
        header[published_name(name)] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(parts)


def grown_from(layer, before, after):
    """Which of `before` blocks the block `layer` of `after` comes from, and whether it only repeats the one below."""
    def source(i):
        return (2 * i * before + before - 1) // (2 * after)
    return source(layer), layer > 0 and source(layer - 1) == source(layer)


def source_of(name, before, after):
    """The published name of what parameter `name` of `after` blocks starts from, and whether it starts from zero."""
    blocks, _, rest = name.partition(".")
    if blocks != "blocks":
        return published_name(name), False
    layer, _, rest = rest.partition(".")
    layer, repeats = grown_from(int(layer), before, after)
    return published_name(f"blocks.{layer}.{rest}"), repeats and rest in ("out.weight", "down.weight")


def read_safetensors(path, model):
    """The state_dict() of `model` from a file that write_safetensors wrote.

    The file's model may have fewer blocks. What is new is spread evenly: it repeats the block below, except that its
    outputs are zero, so that the grown model computes what the small one did.
    """
    content = Path(path).read_bytes()
    length, = struct.unpack("<Q", content[:8])
    header, state, layers = json.loads(content[8:8 + length]), {}, model.config.layers
    before = sum(name.endswith("o_proj.weight") for name in header)
    assert before <= layers, f"{path}: {before} blocks are more than {layers}"
    for name, expected in model.state_dict().items():
        published, zero = source_of(name, before, layers)
        entry = header[published]
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(content[begin:end]), dtype=torch.bfloat16).float().reshape(entry["shape"])
        assert entry["dtype"] == "BF16" and values.shape == expected.shape, f"{path}: {name}: {entry}"
        state[name] = torch.zeros_like(values) if zero else values
    return state


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, weights_only=False, map_location="cpu")["model"]
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(state, folder / "model.safetensors")
    print(folder / "model.safetensors", (folder / "model.safetensors").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
