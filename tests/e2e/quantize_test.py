"""hearth quantize: from a folder of floats to one of four or eight bits."""
import json
import shlex
import signal
import unittest

from hearth_cli import INTERRUPTED, LIMIT_S, MODEL, OK, USAGE, Case

CONFIG = {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_size": 64, "intermediate_size": 96,
          "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1000,
          "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "bos_token_id": 1,
          "eos_token_id": 2, "pad_token_id": 1}


class Quantize(Case):
    def synth(self, precision: str, **changes):
        sizes = self.folder / "config.json"
        sizes.write_text(json.dumps(CONFIG | changes))
        folder = self.folder / f"made-{precision}"
        self.ok("models", "synth", "--like", str(sizes), "--precision", precision, "--seed", "4", "--out", str(folder))
        return folder

    def quantize(self, source, *arguments: str) -> dict:
        if "--text" not in arguments:
            arguments += ("--no-text",)
        return json.loads(self.ok("quantize", "--model", str(source), "--json", *arguments))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("out"))

    def test_the_bytes_are_those_of_the_builder(self):
        source = self.synth("fp32")
        for precision in ("int4", "int8"):
            with self.subTest(precision):
                expected, out = self.synth(precision), self.folder / f"out-{precision}"
                told = self.quantize(source, "--precision", precision, "--out", str(out))
                for name in ("model.onnx", "model.onnx.data", "genai_config.json", "tokenizer.json"):
                    self.assertEqual((out / name).read_bytes(), (expected / name).read_bytes(), name)
                self.assertEqual(told["after"]["size_bytes"], sum(f.stat().st_size for f in out.iterdir()))
                self.assertLess(told["after"]["bytes_read_per_token"], told["before"]["bytes_read_per_token"])
                self.assertEqual({layer["bits"] for layer in told["layers"]}, {int(precision[3:])})

    def test_quality_is_measured_before_and_after(self):
        source = self.synth("fp32")
        text = self.folder / "some text.txt"
        text.write_text("one two three four five " * 20)
        told = self.quantize(source, "--precision", "int4", "--out", str(self.folder / "out int4"), "--text", str(text))
        quality = told["quality"]
        self.assertGreater(quality["against"]["kl_mean_nats"], 0)
        self.assertNotEqual(quality["perplexity"], quality["against"]["perplexity"])
        # The advised command gives the same figures.
        again = self.ok(*shlex.split(told["compare"])[1:])
        self.assertIn(f"{quality['perplexity']:.4f}", again)
        self.assertIn(f"{quality['against']['perplexity']:.4f}", again)

    def test_a_quality_that_cannot_be_measured_costs_nothing_else(self):
        long = self.folder / "long.jsonl"
        long.write_text(json.dumps({"messages": [{"role": "user", "content": "one two " * 500},
                                                 {"role": "assistant", "content": "three"}]}))
        done = self.hearth("quantize", "--model", str(self.synth("fp32")), "--out", str(self.folder / "out"), "--text", str(long))
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("no conversation can be scored with this model", done.stderr)
        self.assertIn("its quality was not measured", done.stderr)
        self.assertIn("hearth eval --no-set --model", done.stdout)
        self.assertTrue((self.folder / "out" / "model.onnx").exists())

    def test_every_way_gives_a_folder_that_answers(self):
        text = self.folder / "text.txt"
        text.write_text("one two three four five " * 200)
        for number, (source, arguments) in enumerate((
                ("fp32", ("--method", "gptq", "--calibration", str(text))),
                ("fp16", ("--method", "gptq", "--calibration", str(text), "--mixed")),
                ("fp32", ("--method", "kquant", "--asymmetric", "--block-size", "64")),
                ("fp16", ("--precision", "int8", "--layout", "dynamic")))):
            with self.subTest(arguments):
                folder = self.folder / f"made-{source}"
                if not folder.exists():
                    self.synth(source)
                out = self.folder / f"out{number}"
                told = self.quantize(folder, *arguments, "--out", str(out))
                self.assertEqual("output_error" in told["layers"][0], "--calibration" in arguments)
                self.assertEqual(8 in {layer["bits"] for layer in told["layers"]},
                                 "--mixed" in arguments or "dynamic" in arguments)
                self.assertIn("uint8 dynamic" if "dynamic" in arguments else "int4 block",
                              self.ok("models", "info", "--model", str(out)))
                tokens = self.ok("run", "--model", str(out), "--task", "one two", "--max-tokens", "3", "--json")
                self.assertEqual(json.loads(tokens)["usage"]["output_tokens"], 3)

    def test_what_cannot_be_is_refused_and_leaves_nothing(self):
        source, quantised, out = self.synth("fp32"), self.synth("int4"), str(self.folder / "out")
        empty = self.folder / "empty.txt"
        empty.write_text("")
        text = self.folder / "text.txt"
        text.write_text("one two three")
        for code, arguments, says in (
                (USAGE, ("--precision", "int5"), ["int5", "int4 or int8"]),
                (USAGE, ("--method", "best"), ["best", "kquant"]),
                (USAGE, ("--block-size", "48"), ["48"]),
                (USAGE, ("--method", "gptq"), ["--calibration"]),
                (USAGE, ("--method", "gptq", "--calibration", "nowhere.txt"), ["nowhere.txt"]),
                (USAGE, ("--method", "gptq", "--calibration", str(empty)), ["no text"]),
                (USAGE, ("--precision", "int8", "--mixed"), ["--mixed"]),
                (USAGE, ("--layout", "dynamic"), ["eight bits", "--precision int8"]),
                (USAGE, ("--precision", "int8", "--layout", "dynamic", "--calibration", str(text)), ["--calibration", "nbits"]),
                (USAGE, ("--precision", "int8", "--layout", "dynamic", "--block-size", "32"), ["--block-size", "nbits"]),
                (USAGE, ("--text", str(text), "--no-text"), ["--no-text and --text"]),
                (USAGE, ("--text", "nowhere.txt"), ["nowhere.txt"]),
                (USAGE, ("--calibration-tokens", "100"), ["--calibration FILE"])):
            with self.subTest(arguments):
                self.refused(code, "quantize", "--model", str(source), "--out", out, *arguments, says=says)
        self.refused(USAGE, "quantize", "--model", str(quantised), "--out", out, says=["quantised already"])
        self.refused(USAGE, "quantize", "--model", str(source), "--out", str(quantised), says=["not empty"])
        self.refused(MODEL, "quantize", "--model", str(self.folder / "none"), "--out", out, says=["none"])
        here = self.folder / "here"
        here.mkdir()
        self.refused(USAGE, "quantize", "--model", str(source), "--out", ".", cwd=here,
                     says=["working folder", "name a folder inside it"])
        self.assertEqual(self.names(), [])

    def test_a_short_calibration_is_warned_of(self):
        text = self.folder / "text.txt"
        text.write_text("one")
        done = self.hearth("quantize", "--model", str(self.synth("fp32")), "--method", "gptq", "--calibration", str(text),
                           "--out", str(self.folder / "out"))
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("give a longer text", done.stderr)

    def test_a_folder_that_holds_no_model_itself_says_what_it_holds(self):
        source = self.synth("fp32")
        (self.folder / "published").mkdir()
        (self.folder / "published" / "model.safetensors").write_bytes(b"")
        out = str(self.folder / "out")
        self.refused(MODEL, "quantize", "--model", str(self.folder), "--out", out, says=["model folders", source.name])
        self.refused(MODEL, "quantize", "--model", str(self.folder / "published"), "--out", out,
                     says=["hearth models build --from"])

    def test_the_record_is_the_results_own_and_other_files_come_over(self):
        source, out = self.synth("fp32"), self.folder / "out"
        (source / "hearth_build.json").write_text(json.dumps({"version": 1, "precision": "fp32", "source": []}))
        (source / "large.bin").write_bytes(bytes(range(256)) * 10000)
        self.quantize(source, "--precision", "int8", "--out", str(out))
        self.assertFalse((out / "hearth_build.json").exists())
        record = json.loads((out / "hearth_quantize.json").read_text())
        self.assertEqual((record["precision"], record["block_size"], record["source"]["precision"]), ("int8", 32, "fp32"))
        self.assertEqual((out / "large.bin").read_bytes(), (source / "large.bin").read_bytes())

    def test_an_interrupt_leaves_nothing(self):
        source = self.synth("fp32", hidden_size=512, intermediate_size=1024)
        text = self.folder / "text.txt"
        text.write_text("one two three four five " * 100000)
        process = self.start("quantize", "--model", str(source), "--method", "gptq", "--calibration", str(text),
                             "--calibration-tokens", "10000000", "--out", str(self.folder / "out"))
        self.until(lambda: "out.partial" in self.names(), process, "the result is begun")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertEqual(self.names(), [])


if __name__ == "__main__":
    unittest.main()
