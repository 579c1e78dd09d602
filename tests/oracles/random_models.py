"""Small models with random weights in the form in which models are published: config.json, safetensors, tokenizer.

The weights are written by hand from the format's description, and numpy is all that is needed.

Usage: random_models.py EMBER_FOLDER OUT_FOLDER     makes OUT_FOLDER/NAME for every name of MODELS
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy

SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 2048, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "hidden_act": "silu",
         "eos_token_id": 2036, "bos_token_id": 2036}
LONG_ROPE = {"type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
             "long_factor": [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0]}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}

# What differs from SIZES; how weights are stored; in how many files.
MODELS = {
    "phi3": ({"model_type": "phi3", "tie_word_embeddings": True, "head_dim": 32, "partial_rotary_factor": 0.5,
              "original_max_position_embeddings": 32, "rope_scaling": LONG_ROPE, "sliding_window": 262144}, "BF16", 1),
    "phi3-plain": ({"model_type": "phi3", "tie_word_embeddings": False, "rope_scaling": None, "sliding_window": None}, "F16", 3),
    "llama": ({"model_type": "llama", "tie_word_embeddings": False, "rope_theta": 500000.0, "rope_scaling": LLAMA3}, "BF16", 2),
    "llama-linear": ({"model_type": "llama", "tie_word_embeddings": True, "rope_scaling": {"type": "linear", "factor": 2.0}}, "F32", 1),
    "mistral": ({"model_type": "mistral", "tie_word_embeddings": False, "head_dim": 32, "sliding_window": None}, "BF16", 1),
    "phi3-window": ({"model_type": "phi3", "tie_word_embeddings": True, "rope_scaling": None, "sliding_window": 20}, "BF16", 1),
    "mistral-window": ({"model_type": "mistral", "tie_word_embeddings": False, "sliding_window": 7}, "BF16", 1),
    "qwen2-window": ({"model_type": "qwen2", "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 16,
                      "max_window_layers": 1}, "F32", 1),
    "qwen3-late-window": ({"model_type": "qwen3", "tie_word_embeddings": True, "head_dim": 32, "use_sliding_window": True, "sliding_window": 16},
                          "F32", 1),     # from the 29th layer on
    "qwen2": ({"model_type": "qwen2", "tie_word_embeddings": True, "rope_theta": 1000000.0, "use_sliding_window": False,
               "sliding_window": 32, "num_key_value_heads": 1}, "BF16", 2),
    "qwen3": ({"model_type": "qwen3", "tie_word_embeddings": True, "head_dim": 32, "rms_norm_eps": 1e-6}, "F32", 1),
}
ARCHITECTURES = {"phi3": "Phi3ForCausalLM", "llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM",
                 "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
                   "merges.txt")


def config_of(name: str) -> dict:
    own = MODELS[name][0]
    return {"architectures": [ARCHITECTURES[own["model_type"]]], **SIZES, **own}


def shapes_of(config: dict) -> dict[str, tuple[int, ...]]:
    """Names and shapes as Hugging Face's code has them."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    dim = config.get("head_dim") or hidden // config["num_attention_heads"]
    query, key = config["num_attention_heads"] * dim, config["num_key_value_heads"] * dim
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config["vocab_size"], hidden),
                                          "model.norm.weight": (hidden,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        own: dict[str, tuple[int, ...]] = {"input_layernorm.weight": (hidden,), "post_attention_layernorm.weight": (hidden,),
                                           "self_attn.o_proj.weight": (hidden, query), "mlp.down_proj.weight": (hidden, inner)}
        if config["model_type"] == "phi3":
            own |= {"self_attn.qkv_proj.weight": (query + 2 * key, hidden), "mlp.gate_up_proj.weight": (2 * inner, hidden)}
        else:
            own |= {"self_attn.q_proj.weight": (query, hidden), "self_attn.k_proj.weight": (key, hidden),
                    "self_attn.v_proj.weight": (key, hidden), "mlp.gate_proj.weight": (inner, hidden),
                    "mlp.up_proj.weight": (inner, hidden)}
        if config["model_type"] == "qwen2":
            own |= {"self_attn.q_proj.bias": (query,), "self_attn.k_proj.bias": (key,), "self_attn.v_proj.bias": (key,)}
        if config["model_type"] == "qwen3":
            own |= {"self_attn.q_norm.weight": (dim,), "self_attn.k_norm.weight": (dim,)}
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in own.items()}
    return shapes


def random_tensor(random: numpy.random.Generator, name: str, shape: tuple[int, ...]) -> numpy.ndarray:
    if len(shape) == 1:
        return random.normal(0.0 if name.endswith("bias") else 1.0, 0.2, shape).astype(numpy.float32)
    return (random.normal(size=shape) / numpy.sqrt(shape[-1])).astype(numpy.float32)


def to_bytes(values: numpy.ndarray, kind: str) -> bytes:
    if kind == "F32":
        return values.astype("<f4").tobytes()
    if kind == "F16":
        return values.astype("<f2").tobytes()
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()  # cut off: any bfloat16 will do


def write_safetensors(path: pathlib.Path, tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> None:
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def read_safetensors(folder: pathlib.Path) -> dict[str, numpy.ndarray]:
    """All tensors of a folder as float64."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        raw = path.read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        for name, entry in json.loads(raw[8:8 + length]).items():
            if name == "__metadata__":
                continue
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            data = raw[begin:end]
            if entry["dtype"] == "BF16":
                values = (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
            else:
                values = numpy.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
            found[name] = values.astype(numpy.float64).reshape(entry["shape"])
    return found


def write_model(name: str, ember: pathlib.Path, folder: pathlib.Path) -> None:
    config, (_, kind, count) = config_of(name), MODELS[name]
    random = numpy.random.default_rng(sum(name.encode()))
    tensors = {key: (kind, shape, to_bytes(random_tensor(random, key, shape), kind)) for key, shape in shapes_of(config).items()}
    folder.mkdir(parents=True)
    if count == 1:
        write_safetensors(folder / "model.safetensors", tensors)
    else:
        files: dict[str, dict] = {f"model-{i + 1:05}-of-{count:05}.safetensors": {} for i in range(count)}
        for i, (key, value) in enumerate(tensors.items()):
            list(files.values())[i % count][key] = value
        for file, part in files.items():
            write_safetensors(folder / file, part)
        index = {"metadata": {"total_size": sum(len(data) for _, _, data in tensors.values())},
                 "weight_map": {key: file for file, part in files.items() for key in part}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(config))
    for file in TOKENIZER_FILES:
        shutil.copy(ember / file, folder / file)


if __name__ == "__main__":
    for model in MODELS:
        write_model(model, pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / model)
