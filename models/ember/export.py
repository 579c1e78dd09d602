"""Writes the trained Ember as an int4 ONNX folder in the layout of Phi-4-mini's release.

    python3 export.py WORK/best.pt WORK/merges.json int4

Linear maps and the output matrix become MatMulNBits (int4, symmetric round-to-nearest, blocks of 32); the embedding
stays float32.  Names, inputs, outputs and order of the nodes follow the onnxruntime-genai builder for CPU.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper

from model import Config, Ember, quantize4
from tokenizer import ADDED, SPLIT, Tokenizer

ALIGNMENT = 4096
MICROSOFT = "com.microsoft"
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not "
    "none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + "
    "'<|end|>' }}{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}")


class Graph:
    """Collects nodes and initializers; tensors go to one external file."""

    def __init__(self, data_path):
        self.nodes, self.initializers, self.constants = [], [], set()
        self.data, self.location = open(data_path, "wb"), data_path.name

    def tensor(self, name, array):
        """Stores `array` in the external file, aligned."""
        self.data.write(b"\0" * (-self.data.tell() % ALIGNMENT))
        raw = np.ascontiguousarray(array).tobytes()
        proto = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), dims=array.shape,
                            data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self.location), ("offset", self.data.tell()), ("length", len(raw))):
            proto.external_data.add(key=key, value=str(value))
        self.data.write(raw)
        self.initializers.append(proto)
        return name

    def constant(self, dims):
        """An int64 one, as a scalar (dims 0) or with one element (dims 1), under the builder's name."""
        name = f"/model/constants/TensorProto.INT64/{dims}D/1"
        if name not in self.constants:
            self.constants.add(name)
            value = numpy_helper.from_array(np.array([1] if dims else 1, dtype=np.int64))
            self.node("Constant", [], [name], name.replace("constants", "constant_nodes"), value=value)
        return name

    def node(self, kind, inputs, outputs, name, domain="", **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def simple(self, kind, inputs, name, **attributes):
        return self.node(kind, inputs, [name + "/output_0"], name, **attributes)

    def matmul(self, source, weight, path, output=None):
        """MatMulNBits; `path` is like /model/layers.0/attn/qkv_proj."""
        rows, columns = weight.shape
        q, scales = quantize4(weight)
        q = q.numpy().astype(np.uint8)
        tensor = path.strip("/").replace("/", ".") + ".MatMul.weight"
        packed = self.tensor(tensor + "_Q4", q[..., 0::2] | q[..., 1::2] << 4)
        factors = self.tensor(tensor + "_scales", scales.numpy().reshape(-1))
        return self.node("MatMulNBits", [source, packed, factors], [output or path + "/MatMul/output_0"],
                         path + "/MatMul_Q4", MICROSOFT, K=columns, N=rows, bits=4, block_size=32, accuracy_level=4)


def build_graph(model, folder):
    c, g = model.config, Graph(folder / "model.onnx.data")
    numpy = {name: value.float().numpy() for name, value in model.state_dict().items()}
    x = g.simple("Gather", [g.tensor("model.embed_tokens.weight", numpy["embedding"]), "input_ids"],
                 "/model/embed_tokens/Gather")
    mask = "/model/attn_mask_reformat/attn_mask_subgraph"
    total = g.simple("ReduceSum", ["attention_mask", g.constant(1)], mask + "/ReduceSum")
    last = g.simple("Sub", [total, g.constant(1)], mask + "/Sub")
    seqlens = g.simple("Cast", [last], mask + "/Sub/Cast", to=TensorProto.INT32)
    shape = g.simple("Shape", ["attention_mask"], mask + "/Shape")
    length = g.simple("Gather", [shape, g.constant(0)], mask + "/Gather", axis=0)
    total_length = g.simple("Cast", [length], mask + "/Gather/Cast", to=TensorProto.INT32)
    tables = [g.tensor("cos_cache", model.cos.numpy()), g.tensor("sin_cache", model.sin.numpy())]
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
              helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT,
                                             ["batch_size", "sequence_length", c.vocabulary])]
    residual = x

    def skip_norm(added, weight, path, last=False):
        names = [path + "/output_0"] + ([] if last else ["", "", path + "/output_3"])
        g.node("SkipSimplifiedLayerNormalization", [residual, added, weight], names, path, MICROSOFT, epsilon=c.epsilon)
        return names[0], names[-1]

    for i, block in enumerate(model.blocks):
        layer, tensor, saved = f"/model/layers.{i}", f"model.layers.{i}", f"blocks.{i}."
        weight = g.tensor(tensor + ".input_layernorm.weight", numpy[saved + "input_norm.weight"])
        if i == 0:
            normed = g.simple("SimplifiedLayerNormalization", [x, weight], layer + "/input_layernorm/LayerNorm",
                              axis=-1, epsilon=c.epsilon, stash_type=1)
        else:
            normed, residual = skip_norm(x, weight, layer + "/input_layernorm/SkipLayerNorm")
        packed = g.matmul(normed, block.qkv.weight.detach(), layer + "/attn/qkv_proj")
        attention, cache = layer + "/attn/GroupQueryAttention", []
        for part in ("key", "value"):
            cache.append(f"past_key_values.{i}.{part}")
            for target, name, size in ((inputs, cache[-1], "past_sequence_length"),
                                       (outputs, f"present.{i}.{part}", "total_sequence_length")):
                target.append(helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                                            ["batch_size", c.kv_heads, size, c.head_size]))
        g.node("GroupQueryAttention", [packed, "", "", *cache, seqlens, total_length, *tables],
               [attention + "/output_0", f"present.{i}.key", f"present.{i}.value"], attention, MICROSOFT,
               num_heads=c.heads, kv_num_heads=c.kv_heads, scale=c.head_size ** -.5, softcap=0.0, do_rotary=1,
               rotary_interleaved=0)
        x = g.matmul(attention + "/output_0", block.out.weight.detach(), layer + "/attn/o_proj")
        weight = g.tensor(tensor + ".post_attention_layernorm.weight", numpy[saved + "post_norm.weight"])
        normed, residual = skip_norm(x, weight, layer + "/post_attention_layernorm/SkipLayerNorm")
        gate_weight, up_weight = block.gate_up.weight.detach().chunk(2)
        gate = g.matmul(normed, gate_weight, layer + "/mlp/gate_proj")
        up = g.matmul(normed, up_weight, layer + "/mlp/up_proj")
        sigmoid = g.simple("Sigmoid", [gate], layer + "/mlp/act_fn/Sigmoid")
        active = g.simple("Mul", [gate, sigmoid], layer + "/mlp/act_fn/Mul")
        x = g.matmul(g.simple("Mul", [active, up], layer + "/mlp/Mul"), block.down.weight.detach(),
                     layer + "/mlp/down_proj")
    weight = g.tensor(f"model.layers.{c.layers}.final_norm_layernorm.weight", numpy["final_norm.weight"])
    normed, _ = skip_norm(x, weight, f"/model/layers.{c.layers}/final_norm_layernorm/SkipLayerNorm", last=True)
    g.matmul(normed, model.embedding.detach(), "/lm_head", "logits")
    g.data.close()
    graph = helper.make_graph(g.nodes, "main_graph", inputs, outputs, g.initializers)
    proto = helper.make_model(graph, producer_name="onnxruntime-genai", ir_version=7,
                              opset_imports=[helper.make_opsetid("", 14), helper.make_opsetid(MICROSOFT, 1)])
    (folder / "model.onnx").write_bytes(proto.SerializeToString())


def write_json(path, value, **options):
    path.write_text(json.dumps(value, ensure_ascii=False, **({"indent": 2} | options)) + "\n")


def write_tokenizer(tokenizer, folder, context):
    vocabulary = {token: i for i, token in enumerate(tokenizer.tokens)}
    merges = [[tokenizer.tokens[left], tokenizer.tokens[right]] for left, right in tokenizer.merges]
    flags = {tokenizer.added[text]: {"content": text, "lstrip": False, "normalized": False, "rstrip": rstrip,
                                     "single_word": False, "special": special} for text, special, rstrip in ADDED}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    write_json(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, **flag} for i, flag in flags.items()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Removed", "invert": True}, byte_level]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocabulary, "merges": merges}})
    write_json(folder / "vocab.json", vocabulary, indent=None, separators=(",", ":"))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write_json(folder / "added_tokens.json", dict(sorted(tokenizer.added.items())))
    end = {"content": "<|endoftext|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    write_json(folder / "special_tokens_map.json", {k + "_token": end for k in ("bos", "eos", "pad", "unk")})
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(i): flag for i, flag in flags.items()},
        "bos_token": "<|endoftext|>", "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False,
        "eos_token": "<|endoftext|>", "extra_special_tokens": {}, "model_max_length": context,
        "pad_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer", "unk_token": "<|endoftext|>"})


def write_configs(c, tokenizer, folder):
    text, end = tokenizer.added["<|endoftext|>"], tokenizer.added["<|end|>"]
    write_json(folder / "config.json", {
        "architectures": ["Phi3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": text,
        "embd_pdrop": 0.0, "eos_token_id": text, "hidden_act": "silu", "hidden_size": c.hidden,
        "initializer_range": 0.02, "intermediate_size": c.intermediate, "lm_head_bias": False,
        "max_position_embeddings": c.context, "mlp_bias": False, "model_type": "phi3",
        "num_attention_heads": c.heads, "num_hidden_layers": c.layers, "num_key_value_heads": c.kv_heads,
        "original_max_position_embeddings": c.context, "pad_token_id": text,
        "partial_rotary_factor": c.rotary / c.head_size, "resid_pdrop": 0.0, "rms_norm_eps": c.epsilon,
        "rope_scaling": None, "rope_theta": c.theta, "sliding_window": None, "tie_word_embeddings": True,
        "torch_dtype": "float32", "use_cache": True, "vocab_size": c.vocabulary})
    write_json(folder / "generation_config.json", {
        "_from_model_config": True, "bos_token_id": text, "eos_token_id": [end, text], "pad_token_id": text})
    names = {"past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value"}
    present = {"present_key_names": "present.%d.key", "present_value_names": "present.%d.value"}
    write_json(folder / "genai_config.json", {
        "model": {
            "bos_token_id": text, "context_length": c.context,
            "decoder": {
                "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
                "filename": "model.onnx", "head_size": c.head_size, "hidden_size": c.hidden,
                "inputs": {"input_ids": "input_ids", "attention_mask": "attention_mask", **names},
                "outputs": {"logits": "logits", **present},
                "num_attention_heads": c.heads, "num_hidden_layers": c.layers, "num_key_value_heads": c.kv_heads},
            "eos_token_id": [end, text], "pad_token_id": text, "type": "phi3", "vocab_size": c.vocabulary},
        "search": {
            "diversity_penalty": 0.0, "do_sample": False, "early_stopping": True, "length_penalty": 1.0,
            "max_length": c.context, "min_length": 0, "no_repeat_ngram_size": 0, "num_beams": 1,
            "num_return_sequences": 1, "past_present_share_buffer": True, "repetition_penalty": 1.0,
            "temperature": 1.0, "top_k": 1, "top_p": 1.0}}, indent=4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("merges", type=Path)
    parser.add_argument("folder", type=Path)
    a = parser.parse_args()
    state = torch.load(a.checkpoint, weights_only=False, map_location="cpu")
    model = Ember(Config(**state["config"]))
    # As they are published: int4/ holds the same weights as the variants that are made of weights/.
    model.load_state_dict({name: value.bfloat16().float() for name, value in state["model"].items()})
    tokenizer = Tokenizer.load(a.merges)
    a.folder.mkdir(parents=True, exist_ok=True)
    build_graph(model, a.folder)
    write_tokenizer(tokenizer, a.folder, model.config.context)
    write_configs(model.config, tokenizer, a.folder)
    print("exported", sum(f.stat().st_size for f in a.folder.iterdir()), "bytes after", state["tokens"], "tokens")


if __name__ == "__main__":
    main()
