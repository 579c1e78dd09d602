"""Where settings come from, which ones win, and what is refused."""
import json
import re
import unittest

from hearth_cli import EMBER, MODEL, OK, USAGE, Case

LATER_VARIABLES = {"PROVIDER": "anthropic"}
LATER_KEYS = {"lengthPenalty": 1.5, "earlyStopping": True, "enableProfiling": True,
              "localInference": False, "useLocalONNX": False}


class Settings(Case):
    def configure(self, **onnx) -> None:
        (self.folder / "router.config.json").write_text(json.dumps({"version": "1.0", "providers": {"onnx": onnx}}))

    def setting(self, name: str, *arguments: str, **options) -> dict:
        report = json.loads(self.ok("doctor", "--json", *arguments, **options))
        return next(row for row in report["settings"] if row["name"] == name)

    def test_a_path_beside_the_file_is_no_name(self):
        (self.folder / "ember").mkdir()     # as the model in the box is called
        (self.folder / "c.json").write_text(json.dumps({"providers": {"onnx": {"modelPath": "./ember"}}}))
        for named in ("c.json", "./c.json", str(self.folder / "c.json")):
            self.refused(MODEL, "run", "--config", named, "--task", "hi", says=[str(self.folder / "ember")])

    def test_flags_over_environment_over_file_over_agent_over_model(self):
        def temperature(*arguments, **options):
            row = self.setting("temperature", *arguments, **options)
            return row["value"], row["from"]

        environment = {"ONNX_TEMPERATURE": "0.5"}
        agent, origin = temperature("--agent", "coder")
        self.assertIn("coder", origin)
        self.configure(temperature=0.25)
        self.assertNotEqual(agent, 0.25)
        value, origin = temperature("--agent", "coder")
        self.assertEqual(value, 0.25)
        self.assertIn("router.config.json", origin)
        value, origin = temperature("--agent", "coder", env=environment)
        self.assertEqual(value, 0.5)
        self.assertIn("ONNX_TEMPERATURE", origin)
        value, origin = temperature("--agent", "coder", "--temperature", "0.75", env=environment)
        self.assertEqual(value, 0.75)
        self.assertIn("--temperature", origin)

    def test_a_setting_of_each_kind_has_its_effect(self):
        def tokens(**options):
            return json.loads(self.ok("run", "--task", "Tell me about the sea.", "--json", **options))["usage"]
        self.assertEqual(tokens(env={"ONNX_MAX_TOKENS": "2"})["output_tokens"], 2)
        self.configure(maxTokens=4)
        self.assertEqual(tokens()["output_tokens"], 4)
        plain = tokens()["input_tokens"]
        self.assertGreater(tokens(env={"ONNX_PROMPT_PREFIX": "Please be very brief."})["input_tokens"], plain)
        self.configure(modelPath=str(EMBER), enableKVCache=False, maxTokens=4)
        self.assertEqual(tokens()["output_tokens"], 4)

    def test_the_type_of_keys_and_values(self):
        def kept(*arguments, **options):
            done = self.hearth("run", "--task", "What is 17 + 25?", "--max-tokens", "12", "--json", *arguments, **options)
            self.assertEqual(done.returncode, OK, done.stderr)
            reply = json.loads(done.stdout)
            self.assertIn("42", reply["text"])
            return reply["executor"].get("kv_cache"), done.stderr
        self.assertEqual(kept(), ("bf16", ""))
        self.assertEqual(kept("--kv-cache-type", "int8"), ("int8", ""))
        self.assertEqual(kept(env={"HEARTH_KV_CACHE_TYPE": "fp32"}), ("fp32", ""))
        self.configure(kvCacheType="int8")
        self.assertEqual(kept(), ("int8", ""))
        self.assertEqual(kept("--kv-cache-type", "int8", "--recipe", "fast")[0], "int8")
        kind, notes = kept("--executor", "stock")
        self.assertIsNone(kind)
        for words in ("kvCacheType int8", "router.config.json", "no effect", "stock executor"):
            self.assertIn(words, notes)
        notes = kept("--executor", "stock", "--recipe", "fast", env={"HEARTH_ISA": "avx2"})[1]
        for words in ("recipe fast (flag --recipe) has no effect: the stock executor", "isa avx2 (environment variable HEARTH_ISA)"):
            self.assertIn(words, notes)
        self.refused(USAGE, "run", "--task", "x", "--kv-cache-type", "int4",
                     says=["--kv-cache-type", "int4", "bf16, fp32, int8"])

    def test_what_is_kept_between_prompts(self):
        def at_hand(**options) -> int:
            done = self.hearth("chat", "--system", "Be brief.", stdin=b"Hello!\nThanks!\n/stats\n", **options)
            self.assertEqual(done.returncode, OK, done.stderr)
            line = next(line for line in done.stderr.splitlines() if line.startswith("in all"))
            return int(re.search(r"([\d,]+) of them at hand", line)[1].replace(",", ""))
        self.assertGreater(at_hand(), 10)
        self.assertEqual(at_hand(env={"ONNX_CACHE_SYSTEM_PROMPTS": "false"}), 0)
        self.configure(enableKVCache=False)
        self.assertEqual(at_hand(), 0)

    def test_performance_goes_to_standard_error(self):
        done = self.hearth("run", "--task", "What is 17 + 25?", env={"ONNX_LOG_PERFORMANCE": "true"})
        self.assertEqual(done.returncode, OK)
        self.assertIn("tokens/s", done.stderr)
        self.assertNotIn("tokens/s", done.stdout)

    def test_answers_do_not_depend_on_the_cache(self):
        arguments = ["run", "--task", "What is 17 + 25?", "--temperature", "0", "--max-tokens", "12"]
        cached = self.ok(*arguments)
        self.configure(enableKVCache=False)
        self.assertEqual(cached, self.ok(*arguments))

    def test_what_is_not_there_yet_says_so(self):
        for name, value in LATER_VARIABLES.items():
            with self.subTest(name):
                self.refused(USAGE, "run", "--task", "x", env={name: value}, says=[name, "not available yet"])
        for name, value in LATER_KEYS.items():
            with self.subTest(name):
                self.configure(**{name: value})
                self.refused(USAGE, "run", "--task", "x", says=["router.config.json", name, "not available yet"])

    def test_unknown_keys_are_refused_with_the_likely_one(self):
        self.configure(temprature=0.5)
        self.refused(USAGE, "run", "--task", "x", says=["router.config.json", "temprature", "temperature"])

    def test_values_out_of_range_name_file_key_and_range(self):
        for name, value, says in (("temperature", 1e9, "100"), ("topP", 0, "0"), ("maxTokens", 1.5, "maxTokens"),
                                  ("graphOptimizationLevel", "most", "basic"), ("executionProviders", ["abacus"], "cpu"),
                                  ("enableKVCache", "perhaps", "enableKVCache")):
            with self.subTest(name):
                self.configure(**{name: value})
                self.refused(USAGE, "run", "--task", "x", says=["router.config.json", name, says])
        (self.folder / "router.config.json").unlink()
        self.refused(USAGE, "run", "--task", "x", env={"ONNX_TOP_P": "7"}, says=["ONNX_TOP_P", "1"])

    def test_a_configuration_that_is_no_json(self):
        (self.folder / "router.config.json").write_text('{"providers": ')
        self.refused(USAGE, "run", "--task", "x", says=["router.config.json"])

    def test_execution_providers_fall_back(self):
        done = self.hearth("run", "--task", "What is 17 + 25?", "--json", env={"ONNX_EXECUTION_PROVIDERS": "cuda,cpu"})
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual([name.lower() for name in json.loads(done.stdout)["execution_providers"]], ["cpu"])
        self.assertIn("cuda", done.stderr.lower())


if __name__ == "__main__":
    unittest.main()
