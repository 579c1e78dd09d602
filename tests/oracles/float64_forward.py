#!/usr/bin/python3
"""A float64 forward pass of published models, straight from their safetensors, against logits of the built ones.

Written from the papers' formulas and the published configurations, with nothing of Hearth's.

Usage: float64_forward.py MODEL_FOLDER prompts                         prints prompts, {"ids": [...]} a line
       float64_forward.py MODEL_FOLDER compare LOGITS.jsonl BOUND      each line {"ids": [...], "logits": [[...] per id]}
The comparison is made a second time with rotary angles that are wrong by one part in a hundred, and has to notice.
"""
import json
import math
import pathlib
import sys

import numpy

from random_models import read_safetensors


def frequencies(config: dict, dim: int, tokens: int) -> tuple[numpy.ndarray, float]:
    """Radians a position for each pair, and the factor on cosine and sine."""
    plain = 1.0 / config.get("rope_theta", 10000.0) ** (numpy.arange(0, dim, 2) / dim)
    scaling = config.get("rope_scaling")
    if scaling is None:
        return plain, 1.0
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "linear":
        return plain / scaling["factor"], 1.0
    if kind == "longrope":
        original, most = config["original_max_position_embeddings"], config["max_position_embeddings"]
        factors = scaling["long_factor" if tokens > original else "short_factor"]
        return plain / numpy.array(factors), math.sqrt(1 + math.log(most / original) / math.log(original))
    assert kind == "llama3", kind
    original, result = scaling["original_max_position_embeddings"], []
    for frequency in plain:
        length = 2 * math.pi / frequency
        if length < original / scaling["high_freq_factor"]:
            result.append(frequency)
        elif length > original / scaling["low_freq_factor"]:
            result.append(frequency / scaling["factor"])
        else:
            smooth = (original / length - scaling["low_freq_factor"]) / (scaling["high_freq_factor"] - scaling["low_freq_factor"])
            result.append((1 - smooth) * frequency / scaling["factor"] + smooth * frequency)
    return numpy.array(result), 1.0


def norm(x: numpy.ndarray, weight: numpy.ndarray, epsilon: float) -> numpy.ndarray:
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def rotate(x: numpy.ndarray, cosine: numpy.ndarray, sine: numpy.ndarray) -> numpy.ndarray:
    """x [heads, tokens, head_dim]: the first dimensions in pairs (j, j + half), the others as they are."""
    half = cosine.shape[-1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return numpy.concatenate([a * cosine - b * sine, b * cosine + a * sine, rest], -1)


def logits_of(config: dict, weights: dict[str, numpy.ndarray], ids: list[int]) -> numpy.ndarray:
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    dim = config.get("head_dim") or config["hidden_size"] // heads
    epsilon, tokens = config["rms_norm_eps"], len(ids)
    rotary = int(dim * config.get("partial_rotary_factor", 1.0))
    angles, magnitude = frequencies(config, rotary, tokens)
    turns = numpy.outer(numpy.arange(tokens), angles)
    cosine, sine = numpy.cos(turns) * magnitude, numpy.sin(turns) * magnitude
    hidden = numpy.triu(numpy.full((tokens, tokens), -numpy.inf), 1)
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    # A row sees `window` tokens, itself included.
    narrow = hidden + numpy.tril(numpy.full((tokens, tokens), -numpy.inf), -window) if window else hidden
    x = weights["model.embed_tokens.weight"][ids]

    def split(rows: numpy.ndarray, count: int) -> numpy.ndarray:
        return rows.reshape(tokens, count, dim).transpose(1, 0, 2)

    for layer in range(config["num_hidden_layers"]):
        mask = hidden if layer < config.get("max_window_layers", 28 if "qwen" in config["model_type"] else 0) else narrow
        own = {name.removeprefix(f"model.layers.{layer}."): value for name, value in weights.items()
               if name.startswith(f"model.layers.{layer}.")}
        y = norm(x, own["input_layernorm.weight"], epsilon)
        if "self_attn.qkv_proj.weight" in own:
            q, k, v = numpy.split(y @ own["self_attn.qkv_proj.weight"].T, [heads * dim, (heads + kv_heads) * dim], -1)
        else:
            q, k, v = (y @ own[f"self_attn.{part}_proj.weight"].T + own.get(f"self_attn.{part}_proj.bias", 0.0) for part in "qkv")
        q, k, v = split(q, heads), split(k, kv_heads), split(v, kv_heads)
        if "self_attn.q_norm.weight" in own:
            q, k = norm(q, own["self_attn.q_norm.weight"], epsilon), norm(k, own["self_attn.k_norm.weight"], epsilon)
        q, k = rotate(q, cosine, sine), rotate(k, cosine, sine)
        k, v = numpy.repeat(k, heads // kv_heads, 0), numpy.repeat(v, heads // kv_heads, 0)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(dim) + mask
        scores = numpy.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ v
        x = x + seen.transpose(1, 0, 2).reshape(tokens, heads * dim) @ own["self_attn.o_proj.weight"].T
        y = norm(x, own["post_attention_layernorm.weight"], epsilon)
        if "mlp.gate_up_proj.weight" in own:
            gate, up = numpy.split(y @ own["mlp.gate_up_proj.weight"].T, 2, -1)
        else:
            gate, up = y @ own["mlp.gate_proj.weight"].T, y @ own["mlp.up_proj.weight"].T
        x = x + (gate / (1 + numpy.exp(-gate)) * up) @ own["mlp.down_proj.weight"].T
    head = weights["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
    return norm(x, weights["model.norm.weight"], epsilon) @ head.T


def difference(config: dict, weights: dict[str, numpy.ndarray], found: list[dict]) -> float:
    """The largest difference in a row of logits, relative to the row's largest value."""
    worst = 0.0
    for entry in found:
        expected, given = logits_of(config, weights, entry["ids"]), numpy.array(entry["logits"])
        assert given.shape == expected.shape, (given.shape, expected.shape)
        worst = max(worst, float((numpy.abs(given - expected).max(-1) / numpy.abs(expected).max(-1)).max()))
    return worst


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    if sys.argv[2] == "prompts":
        random = numpy.random.default_rng(7)
        # On both sides of 32 tokens, where the longest tables of the models change.
        for length in (1, 2, 7, 32, 33, 100):
            print(json.dumps({"ids": random.integers(0, 2000, length).tolist()}))
        return 0
    weights, bound = read_safetensors(folder), float(sys.argv[4])
    found = [json.loads(line) for line in pathlib.Path(sys.argv[3]).read_text().splitlines()]
    worst = difference(config, weights, found)
    mistaken = difference({**config, "rope_theta": config.get("rope_theta", 10000.0) * 1.01}, weights, found)
    rows = sum(len(entry["ids"]) for entry in found)
    print(f"{folder.name}: {rows} rows of logits, relative difference {worst:.1e}, {bound} allowed; {mistaken:.1e} with wrong angles")
    return 0 if rows >= 100 and worst <= bound < mistaken else 1


if __name__ == "__main__":
    sys.exit(main())
