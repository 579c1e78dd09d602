"""hearth eval: one model, its variants, and what is refused. Also --variant."""
import json
import pathlib
import shutil
import signal
import time
import unittest

from hearth_cli import EMBER, FAILURE, INTERRUPTED, LIMIT_S, MODEL, OK, USAGE, Case

TOOLS = [{"name": "read", "description": "Read a file.", "parameters": {"path": {"description": "File", "type": "str"}}}]
CASES = [
    {"id": "sum", "kind": "arithmetic", "messages": [{"role": "user", "content": "What is 17 + 25?"}],
     "expect": {"text_contains": ["42"]}},
    {"id": "call", "kind": "tool", "tools": TOOLS, "messages": [{"role": "user", "content": "show me src/main.py"}],
     "expect": {"tool": "read", "arguments": {"path": "src/main.py"}}},
    {"id": "never", "kind": "question", "messages": [{"role": "user", "content": "hi"}],
     "expect": {"text": "no model says this 8127"}},
]


def processes() -> list[int]:
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def parent_of(pid: int) -> int | None:
    """None when it has ended, waited for or not."""
    try:
        state, parent = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


class EvalCase(Case):
    def write_set(self, *cases: dict) -> str:
        path = self.folder / "set.jsonl"
        path.write_text("".join(json.dumps(case) + "\n" for case in cases))
        return str(path)

    def write_text(self) -> str:
        path = self.folder / "text.txt"
        path.write_text("The program reads a file and writes another one. " * 6)
        return str(path)

    def family(self, *variants: str):
        """A model of the user's with these variants, all of them Ember."""
        for variant in variants:
            shutil.copytree(EMBER, self.folder / "mine" / "toy" / variant)
        return {"HEARTH_MODELS_DIR": str(self.folder / "mine")}


class Eval(EvalCase):
    def test_json_has_the_documented_keys(self):
        out = json.loads(self.ok("eval", "--set", self.write_set(*CASES), "--text", self.write_text(), "--speed", "--json",
                                 "--answers", "answers.jsonl"))
        self.assertEqual(list(out), ["model", "text", "cases", "speed"])
        self.assertEqual(out["model"]["variant"], "int4")
        self.assertEqual(out["model"]["size_bytes"], sum(f.stat().st_size for f in EMBER.rglob("*") if f.is_file()))
        self.assertEqual(out["text"]["scored_tokens"], out["text"]["tokens"] - 1)
        self.assertGreater(out["text"]["perplexity"], 1)
        self.assertEqual(out["cases"]["right"]["of"], 3)
        self.assertEqual(out["cases"]["kinds"]["arithmetic"]["right"], 1)
        self.assertEqual(out["cases"]["kinds"]["question"]["right"], 0)
        read = out["cases"]["tool_calls"]["by_tool"]["read"]
        self.assertEqual(list(read), ["name", "arguments", "valid_json", "repaired", "confidence"])
        self.assertEqual(read["name"]["of"], 1)
        self.assertEqual(list(read["confidence"]), ["count", "mean", "accuracy", "expected_calibration_error"])
        self.assertEqual(len(out["cases"]["confidence"]["bins"]), 10)
        for times in ("request_ms", "first_token_ms", "step_ms"):
            self.assertLessEqual(out["speed"][times]["p50"], out["speed"][times]["p99"])
        self.assertGreater(out["speed"]["peak_memory_bytes"], 1_000_000)
        answers = [json.loads(line) for line in (self.folder / "answers.jsonl").read_text().splitlines()]
        self.assertEqual([answer["id"] for answer in answers], ["sum", "call", "never"])
        self.assertEqual([answer["right"] for answer in answers][::2], [True, False])
        self.assertIn("42", answers[0]["answer"])

    def test_a_model_agrees_with_itself(self):
        out = json.loads(self.ok("eval", "--no-set", "--text", self.write_text(), "--against", "ember/int4", "--json",
                                 "--context", "40", "--stride", "10"))
        self.assertIsNone(out["cases"])
        self.assertEqual(out["text"]["against"]["top1_agreement"], 1)
        self.assertLess(out["text"]["against"]["kl_mean_nats"], 1e-12)
        self.assertEqual(out["text"]["against"]["perplexity"], out["text"]["perplexity"])

    def test_conversations_are_scored_by_their_last_replies(self):
        turns = [{"role": "user", "content": "What is 17 + 25?"}, {"role": "assistant", "content": "17 + 25 = 42."}]
        path = self.folder / "talks.jsonl"
        def perplexity(*talks):
            path.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks))
            text = json.loads(self.ok("eval", "--no-set", "--text", str(path), "--json"))["text"]
            self.assertEqual((text["conversations"], text["context_tokens"]), (len(talks), None))
            self.assertLess(text["scored_tokens"], text["tokens"])
            return text["perplexity"]
        self.assertLess(perplexity(turns), 1.5)
        self.assertGreater(perplexity(turns, [turns[0], {"role": "assistant", "content": "zq zq zq"}]), 5)
        long = [{"role": "user", "content": "word " * 3000}, turns[1]]
        path.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in (long, turns)))
        text = json.loads(self.ok("eval", "--no-set", "--text", str(path), "--json"))["text"]
        self.assertEqual((text["conversations"], text["left_out"]), (1, 1))
        path.write_text(json.dumps({"messages": turns[:1]}))
        self.refused(USAGE, "eval", "--no-set", "--text", str(path), says=["talks.jsonl", "line 1", "assistant"])
        path.write_text(json.dumps({"messages": turns}))
        self.refused(USAGE, "eval", "--no-set", "--text", str(path), "--context", "50", says=["--context", "conversations"])

    def test_what_another_type_of_cache_costs(self):
        def against_itself(kind):
            out = json.loads(self.ok("eval", "--no-set", "--text", self.write_text(), "--against", "ember/int4", "--json",
                                     "--kv-cache-type", kind))
            self.assertEqual(out["model"]["executor"]["kv_cache"], kind)
            return out["text"]["against"]["kl_mean_nats"]
        self.assertLess(against_itself("bf16"), 1e-12)
        self.assertTrue(1e-9 < against_itself("int8") < 0.05)

    def test_the_shipped_set_and_text_can_be_read(self):
        text = self.ok("eval", "--limit", "2")
        for words in ("right in all", "perplexity", "typed.jsonl", "conversations.jsonl", "last replies of"):
            self.assertIn(words, text)

    def test_a_bad_set_is_refused_with_its_line(self):
        self.refused(USAGE, "eval", "--set", self.write_set(CASES[0], {"id": "x"}), says=["set.jsonl", "line 2", "kind"])
        (self.folder / "broken.jsonl").write_text('{"id": \n')
        self.refused(USAGE, "eval", "--set", "broken.jsonl", says=["broken.jsonl", "line 1"])
        self.refused(USAGE, "eval", "--set", "/no/such/file", says=["--set", "/no/such/file"])
        self.refused(USAGE, "eval", "--text", "/no/such/file", says=["--text", "/no/such/file"])
        (self.folder / "latin.txt").write_bytes(b"caf\xe9")
        self.refused(USAGE, "eval", "--no-set", "--text", "latin.txt", says=["latin.txt", "byte 3"])

    def test_flags_that_make_no_sense_are_refused(self):
        for flags in (("--no-set", "--no-text"), ("--stride", "0"), ("--context", "1"), ("--suite", "all"), ("--out", "x"),
                      ("--no-text", "--against", "ember"), ("--limit", "0"), ("--limit", "-1"), ("--no-set", "--context", "50"),
                      ("--no-text", "--stride", "5"), ("--no-text", "--context", "50"), ("--context", "-1"),
                      ("--suite", "variants", "--variant", "int4")):
            with self.subTest(flags):
                self.refused(USAGE, "eval", *flags, says=["hearth: error: "])
        for flags, says in ((("--context", "5000"), "model's context, 2048"), (("--context", "20", "--stride", "20"), "--stride 20")):
            self.refused(USAGE, "eval", "--no-set", "--text", self.write_text(), *flags, says=[says])

    def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(self):
        for flags in (("--answers", "nowhere/a.jsonl"), ("--suite", "variants", "--out", "nowhere/x.json"),
                      ("--answers", str(self.folder))):
            with self.subTest(flags):
                self.refused(USAGE, "eval", *flags, says=[flags[-2], flags[-1], "cannot write"])

    def test_ctrl_c_leaves_nothing_behind(self):
        case = {**CASES[0], "messages": [{"role": "user", "content": "Tell me a long story."}]}
        many = [{**case, "id": str(i)} for i in range(5000)]
        process = self.start("eval", "--set", self.write_set(*many), "--answers", "answers.jsonl")
        self.until_the_model_is_open(process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertEqual(out, b"")
        self.assertFalse((self.folder / "answers.jsonl").exists())


class Suite(EvalCase):
    def test_variants_side_by_side_and_what_is_missing(self):
        environment = self.family("int4", "int8")
        text = self.ok("eval", "--suite", "variants", "--model", "toy", "--set", self.write_set(*CASES[:2]), "--text",
                       self.write_text(), env=environment)
        self.assertRegex(text.splitlines()[0], r"toy +int4 +int8")
        for words in ("tokens/s", "P99", "perplexity", "peak memory", "fp16: not there", "hearth models build --from", "fp32"):
            self.assertIn(words, text)
        comparison = json.loads((self.folder / "optimization_comparison.json").read_text())
        self.assertEqual(list(comparison["variants"]), ["int4", "int8", "fp16", "fp32"])
        measured = comparison["variants"]["int8"]
        self.assertTrue(measured["available"])
        self.assertTrue(measured["model"]["folder"].endswith("/int8"))
        self.assertEqual(measured["cases"], comparison["variants"]["int4"]["cases"])
        self.assertGreater(measured["speed"]["tokens_per_s"], 0)
        self.assertIn("--precision fp16", comparison["variants"]["fp16"]["how_to_get_it"])

    def test_others_are_compared_with_fp32_where_it_can_be_run(self):
        environment = self.family("int4")
        exact = self.folder / "mine" / "toy" / "fp32"
        self.ok("models", "build", "--from", str(EMBER.parent / "weights"), "--precision", "fp32", "--out", str(exact))
        arguments = ("eval", "--suite", "variants", "--model", "toy", "--set", self.write_set(CASES[0]), "--text",
                     self.write_text())
        self.assertRegex(self.ok(*arguments, env=environment), r"KL from fp32 +0\.\d+ +-")
        variants = json.loads((self.folder / "optimization_comparison.json").read_text())["variants"]
        self.assertGreater(variants["int4"]["text"]["against"]["kl_mean_nats"], 0)
        self.assertNotIn("against", variants["fp32"]["text"])
        (exact / "model.onnx.data").unlink()
        done = self.hearth(*arguments, env=environment)
        self.assertEqual(done.returncode, FAILURE, done.stderr)     # fp32 itself
        self.assertIn("not compared with those of fp32", done.stderr)
        self.assertNotIn("KL from", done.stdout)
        variants = json.loads((self.folder / "optimization_comparison.json").read_text())["variants"]
        self.assertGreater(variants["int4"]["text"]["perplexity"], 1)

    def test_a_broken_variant_does_not_stop_the_others(self):
        environment = self.family("int4", "int8")
        (self.folder / "mine" / "toy" / "int4" / "model.onnx").unlink()
        done = self.hearth("eval", "--suite", "variants", "--model", "toy", "--set", self.write_set(CASES[0]), "--no-text",
                           "--out", "figures.json", env=environment)
        self.assertEqual(done.returncode, FAILURE, done.stderr)
        variants = json.loads((self.folder / "figures.json").read_text())["variants"]
        self.assertIn("exit code 3", variants["int4"]["error"])
        self.assertIn("speed", variants["int8"])

    def test_bad_input_is_refused_once_before_anything_runs(self):
        self.refused(USAGE, "eval", "--suite", "variants", "--set", self.write_set({"id": "x"}), says=["set.jsonl", "line 1"])
        (self.folder / "empty").mkdir()
        self.refused(MODEL, "eval", "--suite", "variants", "--model", "./empty", says=["no model", "empty"])
        self.assertFalse((self.folder / "optimization_comparison.json").exists())

    def test_ctrl_c_writes_no_comparison(self):
        many = [{**CASES[0], "id": str(i)} for i in range(5000)]
        process = self.start("eval", "--suite", "variants", "--set", self.write_set(*many))
        self.until_the_model_is_open(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertFalse((self.folder / "optimization_comparison.json").exists())

    def test_a_kill_ends_the_measurement_too(self):
        many = [{**CASES[0], "id": str(i)} for i in range(5000)]
        process = self.start("eval", "--suite", "variants", "--set", self.write_set(*many))
        self.until_the_model_is_open(process)
        children = [pid for pid in processes() if parent_of(pid) == process.pid]
        self.assertTrue(children)
        process.kill()
        process.wait()
        until = time.monotonic() + LIMIT_S
        while any(parent_of(child) is not None for child in children) and time.monotonic() < until:
            time.sleep(.05)
        self.assertEqual([parent_of(child) for child in children], [None] * len(children))


class Variant(EvalCase):
    def test_flag_and_variable_choose_among_siblings(self):
        environment = self.family("int4", "cpu_and_mobile/cpu-int8-x")
        folder = lambda *arguments, **more: json.loads(
            self.ok("models", "info", "--json", *arguments, env={**environment, **more}))["folder"]
        self.assertTrue(folder("--model", "toy/int4", "--variant", "int8").endswith("cpu-int8-x"))
        self.assertTrue(folder("--model", "toy", ONNX_MODEL_VARIANT="INT8").endswith("cpu-int8-x"))
        self.assertTrue(folder("--model", "toy", "--variant", "int4", ONNX_MODEL_VARIANT="int8").endswith("/int4"))
        path = str(self.folder / "mine" / "toy" / "int4")
        self.assertTrue(folder("--model", path, "--variant", "int8").endswith("cpu-int8-x"))
        self.assertEqual(self.ok("run", "--model", "toy", "--variant", "int8", "--task", "What is 17 + 25?", env=environment),
                         self.ok("run", "--task", "What is 17 + 25?"))
        self.ok("tokenize", "--model", "toy", "--variant", "int8", "x", env=environment)

    def test_a_missing_one_says_how_to_make_it(self):
        environment = self.family("int4")
        for variant in ("int8", "fp16", "fp32"):
            self.refused(MODEL, "run", "--model", "toy", "--task", "x", "--variant", variant, env=environment,
                         says=[f"no variant {variant}", f"--precision {variant}", f"toy/{variant}", "hearth ", "(there: int4)"])
        self.refused(USAGE, "run", "--task", "x", "--variant", "int2", says=["--variant", "int4, int8, fp16, fp32"])
        self.refused(USAGE, "run", "--task", "x", env={"ONNX_MODEL_VARIANT": "big"}, says=["ONNX_MODEL_VARIANT", "big"])

    def test_of_a_releases_folders_the_one_for_the_cpu_runs(self):
        environment = self.family("cpu_and_mobile/cpu-int4-rtn", "gpu/gpu-int4-rtn")
        folder = lambda *arguments: json.loads(self.ok("models", "info", "--json", *arguments, env=environment))["folder"]
        self.assertTrue(folder("--model", "toy", "--variant", "int4").endswith("cpu-int4-rtn"))
        self.assertTrue(folder("--model", "toy/gpu-int4-rtn", "--variant", "int4").endswith("gpu-int4-rtn"))

    def test_another_file_than_the_folders_model_is_refused(self):
        model = self.copy_of_ember()
        shutil.copy(model / "model.onnx", model / "other.onnx")
        for command in (("run", "--task", "x"), ("models", "info"), ("quantize", "--out", str(self.folder / "out"))):
            self.refused(MODEL, *command, "--model", str(model / "other.onnx"), says=["other.onnx is not the model"])
        self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    unittest.main()
