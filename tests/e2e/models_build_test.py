"""hearth models build: from safetensors to a folder that answers, and everything that is wrong with them."""
import json
import pathlib
import shutil
import signal
import struct
import time
import unittest

from hearth_cli import EMBER, INTERRUPTED, LIMIT_S, MODEL, OK, RESOURCES, USAGE, Case

CONFIG = {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_size": 32, "intermediate_size": 48,
          "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 2048,
          "max_position_embeddings": 512, "original_max_position_embeddings": 512, "rms_norm_eps": 1e-5,
          "tie_word_embeddings": True, "eos_token_id": 2036, "sliding_window": 262144}
SHAPES = {"model.embed_tokens.weight": [2048, 32], "model.norm.weight": [32],
          "model.layers.0.input_layernorm.weight": [32], "model.layers.0.post_attention_layernorm.weight": [32],
          "model.layers.0.self_attn.qkv_proj.weight": [64, 32], "model.layers.0.self_attn.o_proj.weight": [32, 32],
          "model.layers.0.mlp.gate_up_proj.weight": [96, 32], "model.layers.0.mlp.down_proj.weight": [32, 48]}


def safetensors(shapes: dict[str, list[int]], spoilt: str = "", type_name: str = "BF16") -> bytes:
    """All values are small bfloat16 numbers; element 3 of the tensor `spoilt` is a NaN."""
    header, data = {}, b""
    for name, shape in shapes.items():
        count = 1
        for dim in shape:
            count *= dim
        values = [0x3C00 + (i * 37 + len(name)) % 256 | (i % 2) << 15 for i in range(count)]
        if name == spoilt:
            values[3] = 0x7FC0
        header[name] = {"dtype": type_name, "shape": shape, "data_offsets": [len(data), len(data) + 2 * count]}
        data += struct.pack(f"<{count}H", *values)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Build(Case):
    def setUp(self) -> None:
        super().setUp()
        self.published = self.folder / "published"
        self.published.mkdir()
        for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copy(EMBER / file, self.published / file)
        self.write_config(CONFIG)
        self.weights = self.published / "model.safetensors"
        self.weights.write_bytes(safetensors(SHAPES))

    def write_config(self, config: dict) -> None:
        (self.published / "config.json").write_text(json.dumps(config))

    def build(self, *more: str) -> tuple[str, ...]:
        return ("models", "build", "--from", str(self.published), "--out", str(self.folder / "built"), *more)

    def refused_and_gone(self, code: int, *more: str, says: list[str]) -> None:
        self.refused(code, *self.build(*more), says=says)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["published"])

    def test_each_precision_answers(self):
        for precision in ("int4", "int8", "fp16", "fp32"):
            out = str(self.folder / precision)
            said = self.ok("models", "build", "--from", str(self.published), "--precision", precision, "--out", out)
            self.assertIn(f"{precision} written", said)
            self.ok("run", "--model", out, "--task", "Hello", "--max-tokens", "4")
            info = json.loads(self.ok("models", "info", "--model", out, "--json"))
            self.assertTrue(info)
            record = json.loads((pathlib.Path(out) / "hearth_build.json").read_text())
            self.assertEqual(record["precision"], precision)
            self.assertEqual(record["source"], [{"file": "model.safetensors", "bytes": self.weights.stat().st_size,
                                                 "tensors": {"BF16": len(SHAPES)}}])

    def test_what_was_left_out_is_said(self):
        done = self.hearth(*self.build())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sliding_window is 262144", done.stderr)

    def test_help_has_an_example(self):
        self.assertIn("hearth models build --from", self.ok("models", "build", "--help"))

    def test_usage(self):
        self.refused(USAGE, "models", "build", "--from", str(self.published), says=["--out"])
        self.refused_and_gone(USAGE, "--precision", "bf16", says=["bf16", "int4, int8, fp16 or fp32"])

    def test_a_folder_that_is_not_empty_is_left_alone(self):
        built = self.folder / "built"
        built.mkdir()
        (built / "letter.txt").write_text("precious")
        self.refused(USAGE, *self.build(), says=["built is not empty"])
        self.assertEqual([path.name for path in built.iterdir()], ["letter.txt"])

    def test_truncated_weights(self):
        whole = self.weights.read_bytes()
        for length, says in ((0, "fewer than the 8 bytes"), (20, "it is truncated"), (len(whole) - 1, "may be truncated")):
            self.weights.write_bytes(whole[:length])
            self.refused_and_gone(MODEL, says=["model.safetensors", says])

    def test_a_nan_is_named_with_its_place(self):
        self.weights.write_bytes(safetensors(SHAPES, spoilt="model.layers.0.mlp.down_proj.weight"))
        for precision in ("int4", "fp32"):
            self.refused_and_gone(MODEL, "--precision", precision,
                                  says=["'model.layers.0.mlp.down_proj.weight' holds a NaN at [0, 3]"])

    def test_missing_and_superfluous_tensors(self):
        shapes = dict(SHAPES)
        del shapes["model.layers.0.self_attn.qkv_proj.weight"]
        self.weights.write_bytes(safetensors(shapes))
        self.refused_and_gone(MODEL, says=["lack", "layers.0.self_attn"])
        self.weights.write_bytes(safetensors({**SHAPES, "model.layers.0.self_attn.o_proj.bias": [32]}))
        self.refused_and_gone(MODEL, says=["no use for: 'model.layers.0.self_attn.o_proj.bias'"])

    def test_wrong_shape_and_type(self):
        self.weights.write_bytes(safetensors({**SHAPES, "model.norm.weight": [31]}))
        self.refused_and_gone(MODEL, says=["'model.norm.weight' is BF16[31]; by config.json it must be [32]"])
        self.weights.write_bytes(safetensors(SHAPES, type_name="I16"))
        self.refused_and_gone(MODEL, says=["I16[", "F32, F16 and BF16 can be read"])

    def test_what_cannot_be_built_is_named(self):
        for change, says in (({"model_type": "gemma2"}, "gemma2"),
                             ({"rope_scaling": {"type": "yarn", "factor": 2}}, "yarn"), ({"hidden_act": "gelu"}, "gelu"),
                             ({"eos_token_id": None}, "eos_token_id"), ({"hidden_size": 0}, "hidden_size"),
                             ({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 1e6}}, "only one of them")):
            self.write_config({**CONFIG, **change})
            self.refused_and_gone(MODEL, says=["config.json", says])

    def test_missing_files(self):
        self.refused(MODEL, "models", "build", "--from", str(self.folder / "nowhere"), "--out", str(self.folder / "built"),
                     says=["nowhere"])
        (self.published / "tokenizer.json").unlink()
        self.refused_and_gone(MODEL, says=["tokenizer.json"])
        self.weights.unlink()
        self.refused_and_gone(MODEL, says=["published"])

    def test_a_tokenizer_that_cannot_be_read_is_refused_before_anything_is_written(self):
        self.weights.write_bytes(safetensors(SHAPES, spoilt="model.norm.weight"))  # which is met only later
        for text, says in (("{", "not valid JSON"), (json.dumps({"model": {"type": "Unigram", "vocab": []}}), "Unigram")):
            (self.published / "tokenizer.json").write_text(text)
            self.refused_and_gone(MODEL, says=["tokenizer.json", says])

    def test_a_tokenizer_of_another_model_is_refused_before_anything_is_written(self):
        self.write_config({**CONFIG, "vocab_size": 2040})
        self.refused_and_gone(MODEL, says=["tokenizer.json", "has ids up to 2047", "knows 2040 tokens"])

    def test_an_output_folder_whose_place_cannot_be_taken(self):
        here = self.folder / "here"
        here.mkdir()
        self.refused(USAGE, "models", "build", "--from", str(self.published), "--out", ".", cwd=here,
                     says=["working folder", "name a folder inside it"])
        (self.folder / "link").symlink_to(here)
        self.ok("models", "build", "--from", str(self.published), "--out", str(self.folder / "link"))
        self.assertTrue((here / "model.onnx").exists())

    def write_with_a_hole(self, config: dict, shapes: dict[str, list[int]]) -> None:
        """Weights that are all zero and take no space on the disk, however many they are."""
        header, end = {}, 0
        for name, shape in shapes.items():
            size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header).encode()
        with self.weights.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + end)
        self.write_config(config)

    def large(self) -> None:
        """A model of some gigabytes: long enough to be interrupted."""
        config = {**CONFIG, "hidden_size": 1024, "head_dim": 64, "num_attention_heads": 16, "num_key_value_heads": 16,
                  "intermediate_size": 4096, "num_hidden_layers": 64}
        shapes = {"model.embed_tokens.weight": [2048, 1024], "model.norm.weight": [1024]}
        for layer in range(64):
            own = {"input_layernorm.weight": [1024], "post_attention_layernorm.weight": [1024],
                   "self_attn.qkv_proj.weight": [3072, 1024], "self_attn.o_proj.weight": [1024, 1024],
                   "mlp.gate_up_proj.weight": [8192, 1024], "mlp.down_proj.weight": [1024, 4096]}
            shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in own.items()}
        self.write_with_a_hole(config, shapes)

    def test_ctrl_c_leaves_nothing(self):
        self.large()
        data = self.folder / "built.partial" / "model.onnx.data"
        for _ in range(5):  # the signal may come late, when all is written: then once more
            process = self.start(*self.build())
            end = time.monotonic() + LIMIT_S
            while process.poll() is None and not data.exists() and time.monotonic() < end:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=LIMIT_S)
            if process.returncode != OK:
                break
            shutil.rmtree(self.folder / "built")
        self.assertEqual(process.returncode, INTERRUPTED, err)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["published"])

    def test_a_disk_that_is_too_small_is_seen_beforehand(self):
        config = {**CONFIG, "hidden_size": 65536, "intermediate_size": 262144, "vocab_size": 16777216}
        shapes = {"model.embed_tokens.weight": [16777216, 65536], "model.norm.weight": [65536],
                  "model.layers.0.input_layernorm.weight": [65536],
                  "model.layers.0.post_attention_layernorm.weight": [65536],
                  "model.layers.0.self_attn.qkv_proj.weight": [64, 65536],
                  "model.layers.0.self_attn.o_proj.weight": [65536, 32],
                  "model.layers.0.mlp.gate_up_proj.weight": [524288, 65536],
                  "model.layers.0.mlp.down_proj.weight": [65536, 262144]}
        self.write_with_a_hole(config, shapes)
        # What a killed run left does not count as used.
        left = self.folder / "built.partial"
        left.mkdir()
        (left / ".lock").touch()
        (left / "model.onnx.data").write_bytes(b"x" * 1000)
        self.refused_and_gone(RESOURCES, says=["needs ", "free some space"])


if __name__ == "__main__":
    unittest.main()
