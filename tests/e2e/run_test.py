"""hearth run: answers, streams, JSON, seeds, stop strings, standard input."""
import json
import os
import re
import shutil
import subprocess
import unittest

from hearth_cli import BROKEN_PIPE, CONTEXT, EMBER, LIMIT_S, MODEL, OK, RESOURCES, ROOT, USAGE, Case

# The object of --json: issue and docs/cli.md promise these keys with these types.
SCHEMA = {
    "text": str, "tool_calls": list, "stop_reason": str, "model": str, "provider": str,
    "usage": {"input_tokens": int, "output_tokens": int, "cached_tokens": int},
    "timings": {"load_ms": float, "ttft_ms": float, "prefill_tokens_per_s": float, "decode_tokens_per_s": float,
                "ms_per_token": float},
    "memory_bytes": int, "execution_providers": list, "executor": dict, "cost_usd": float,
    "context": {"dropped_messages": int, "dropped_tokens": int},
}
TOOLS = {
    "openai": [{"type": "function", "function": {
        "name": "read", "description": "Read a file", "parameters": {
            "type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}],
    "anthropic": [{"name": "read", "description": "Read a file", "input_schema": {
        "type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}],
}


class Answers(Case):
    def test_the_answer_is_alone_on_standard_output(self):
        done = self.hearth("run", "--task", "What is 17 + 25?")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertRegex(done.stdout, r"\b42\b")
        self.assertTrue(done.stdout.endswith("\n"))
        self.assertNotIn("<|", done.stdout)

    def test_onnx_runtime_keeps_no_record_to_send(self):
        self.ok("run", "--task", "What is 17 + 25?")
        self.assertEqual([str(path) for path in self.folder.rglob("*") if path.name in ("Microsoft", "deviceid")], [])

    def test_json_has_every_promised_key(self):
        reply = json.loads(self.ok("run", "--task", "What is 17 + 25?", "--json"))
        self.check_types(reply, SCHEMA, "reply")
        self.assertIn("42", reply["text"])
        self.assertEqual(reply["provider"], "onnx")
        self.assertEqual(reply["cost_usd"], 0)
        self.assertIn("cpu", [name.lower() for name in reply["execution_providers"]])
        self.assertGreater(reply["usage"]["input_tokens"], 0)
        self.assertGreater(reply["usage"]["output_tokens"], 0)
        self.assertGreater(reply["memory_bytes"], 1_000_000)
        self.assertEqual(reply["context"]["dropped_messages"], 0)

    def check_types(self, value, schema, where):
        for key, expected in schema.items():
            self.assertIn(key, value, where)
            if isinstance(expected, dict):
                self.check_types(value[key], expected, f"{where}.{key}")
            elif expected is float:
                self.assertIsInstance(value[key], (int, float), f"{where}.{key}")
            else:
                self.assertIsInstance(value[key], expected, f"{where}.{key}")

    def test_json_reports_input_tokens_that_grow_with_the_task(self):
        short = json.loads(self.ok("run", "--task", "Hi", "--json", "--max-tokens", "1"))
        longer = json.loads(self.ok("run", "--task", "Hi " * 50, "--json", "--max-tokens", "1"))
        self.assertGreaterEqual(longer["usage"]["input_tokens"], short["usage"]["input_tokens"] + 49)

    def test_streamed_and_whole_answers_are_the_same(self):
        arguments = ["run", "--task", "Tell me about the sea.", "--seed", "5", "--temperature", "0.9", "--max-tokens", "40"]
        self.assertEqual(self.ok(*arguments), self.ok(*arguments, "--no-stream"))

    def test_the_answer_is_streamed(self):
        # More than fits into the pipe is still to come when the first words are there.
        process, pipe = self.start_narrow("run", "--task", "Tell me a long story.", "--min-tokens", "300", "--max-tokens", "300")
        self.assertIsNone(process.poll())
        self.assertGreater(len(pipe.rest()), 4 * pipe.ROOM)
        _, err = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, OK, err)

    def test_max_and_min_tokens(self):
        cut = json.loads(self.ok("run", "--task", "Tell me about the sea.", "--max-tokens", "3", "--json"))
        self.assertEqual(cut["usage"]["output_tokens"], 3)
        forced = json.loads(self.ok("run", "--task", "What is 17 + 25?", "--min-tokens", "60", "--max-tokens", "60", "--json"))
        self.assertEqual(forced["usage"]["output_tokens"], 60)
        free = json.loads(self.ok("run", "--task", "What is 17 + 25?", "--json"))
        self.assertLess(free["usage"]["output_tokens"], 60)
        self.assertNotEqual(cut["stop_reason"], free["stop_reason"])

    def test_a_cut_answer_is_said_to_be_cut(self):
        done = self.hearth("run", "--task", "What is 17 + 25?", "--max-tokens", "2")
        plain = self.hearth("run", "--task", "What is 17 + 25?")
        self.assertEqual(done.returncode, OK)
        self.assertLess(len(done.stdout), len(plain.stdout))

    def test_a_seed_fixes_the_answer_and_seeds_differ(self):
        def answer(seed):
            return self.ok("run", "--task", "Tell me about the sea.", "--temperature", "1.5", "--seed", str(seed),
                           "--max-tokens", "30")
        answers = [answer(seed) for seed in range(4)]
        self.assertEqual(answers[2], answer(2))
        self.assertGreater(len(set(answers)), 1)

    def test_top_k_of_one_is_greedy_at_any_temperature(self):
        greedy = self.ok("run", "--task", "Hello!", "--temperature", "0", "--max-tokens", "20")
        self.assertEqual(greedy, self.ok("run", "--task", "Hello!", "--temperature", "2", "--top-k", "1", "--seed", "9",
                                         "--max-tokens", "20"))

    def test_a_stop_string_ends_the_answer_before_it(self):
        whole = json.loads(self.ok("run", "--task", "What is 17 + 25?", "--temperature", "0", "--json"))
        stopped = json.loads(self.ok("run", "--task", "What is 17 + 25?", "--temperature", "0", "--stop", "nowhere",
                                     "--stop", "42", "--json"))
        self.assertEqual(stopped["text"], whole["text"].split("42")[0])
        self.assertNotEqual(stopped["stop_reason"], whole["stop_reason"])

    def test_repetition_penalty_changes_a_repetitive_answer(self):
        arguments = ["run", "--task", "Say yes yes yes yes.", "--temperature", "0", "--min-tokens", "40", "--max-tokens", "40"]
        self.assertNotEqual(self.ok(*arguments), self.ok(*arguments, "--repetition-penalty", "5"))

    def test_system_and_agent_change_the_prompt(self):
        def tokens(*more):
            reply = json.loads(self.ok("run", "--task", "Hi", "--json", "--max-tokens", "1", *more))
            return reply["usage"]["input_tokens"]
        self.assertGreater(tokens("--system", "You are a very short-spoken helper."), tokens())
        self.assertGreater(tokens("--agent", "coder"), tokens())


class Input(Case):
    def test_standard_input_is_the_task(self):
        self.assertRegex(self.ok("run", stdin=b"What is 17 + 25?\n"), r"\b42\b")

    def test_standard_input_is_an_attachment(self):
        alone = json.loads(self.ok("run", "--task", "Hello!", "--json", "--max-tokens", "1"))
        both = json.loads(self.ok("run", "--task", "Hello!", "--json", "--max-tokens", "1", stdin=b"some lines\nto read\n"))
        self.assertGreater(both["usage"]["input_tokens"], alone["usage"]["input_tokens"])

    def test_nothing_to_do(self):
        self.refused(USAGE, "run", says=["task"])
        self.refused(USAGE, "run", "--task", "  ", says=["task"])

    def test_input_that_is_no_text(self):
        self.refused(USAGE, "run", stdin=b"\xff\xfe\x00 no", says=["UTF-8"])

    def test_a_task_with_every_kind_of_character(self):
        self.ok("run", "--task", "ünï 東京 🙂 <|end|> \t \" ' \\ $HOME `x`", "--max-tokens", "5")

    def check_both_numbers(self, said: str, needed_min: int, fit_max: int) -> None:
        needed, fit = (int(number) for number in re.findall(r"\d+", said.replace(",", ""))[:2])
        self.assertGreater(needed, needed_min)
        self.assertLessEqual(fit, fit_max)

    def test_a_task_longer_than_the_context(self):
        said = self.refused(CONTEXT, "run", stdin=b"word " * 20_000, says=["tokens"])
        self.check_both_numbers(said, 20_000, 2048)

    def test_a_task_longer_than_the_context_asked_for(self):
        said = self.refused(CONTEXT, "run", "--task", "word " * 100, env={"ONNX_MAX_CONTEXT": "50"}, says=["tokens"])
        self.check_both_numbers(said, 100, 50)


class Output(Case):
    def test_a_reader_that_goes_away(self):
        process, pipe = self.start_narrow("run", "--task", "Tell me a story.", "--min-tokens", "500", "--max-tokens", "500")
        pipe.file.close()
        process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, BROKEN_PIPE)

    def test_a_full_disk_below_the_answer(self):
        for arguments in (("run", "--task", "What is 17 + 25?"), ("--help",), ("models", "--help")):
            with open("/dev/full", "wb", buffering=0) as full:
                done = self.hearth(*arguments, stdout=full)
            self.assertEqual(done.returncode, RESOURCES, done.stderr)
            self.assertNotEqual(done.stderr, "")

    def test_closed_standard_output(self):
        done = self.hearth("-c", f"{ROOT}/hearth run --task 'What is 17 + 25?' >&-", program="/bin/bash")
        self.assertNotEqual(done.returncode, OK)
        self.assertNotEqual(done.stderr, "")

    def test_it_needs_no_network(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for a namespace without network")
        if subprocess.run(["/usr/bin/unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("this container may not make a namespace without network")
        done = self.hearth("--net", str(ROOT / "hearth"), "run", "--task", "What is 17 + 25?", program="/usr/bin/unshare")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertRegex(done.stdout, r"\b42\b")


class Tools(Case):
    def call(self, tools, *more):
        file = self.folder / "tools.json"
        file.write_text(json.dumps(tools))
        return self.hearth("run", "--task", "read src/main.cc", "--tools", str(file), "--temperature", "0", *more)

    def test_both_forms_give_the_same_parsed_call(self):
        calls = []
        for form, tools in TOOLS.items():
            done = self.call(tools, "--json")
            self.assertEqual(done.returncode, OK, done.stderr)
            reply = json.loads(done.stdout)
            self.assertEqual([call["name"] for call in reply["tool_calls"]], ["read"], (form, reply["text"]))
            self.assertIn("path", reply["tool_calls"][0]["arguments"])
            self.assertNotIn("tool_call", reply["text"])
            calls.append(reply["tool_calls"])
        self.assertEqual(calls[0], calls[1])

    def test_without_json_a_call_is_one_line_of_json(self):
        done = self.call(TOOLS["openai"])
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(json.loads(done.stdout.strip().splitlines()[-1])["name"], "read")

    def test_calls_keep_to_definitions_that_no_model_has_seen(self):
        tools = [{"name": "zq_unroll_7", "description": "Read a file", "input_schema": {
                    "type": "object", "required": ["whence", "up_to"],
                    "properties": {"whence": {"type": "string"}, "up_to": {"type": "integer"}, "how": {"enum": ["raw", "neat"]}}}},
                 {"name": "zq_unroll_all", "description": "Run a shell command", "input_schema": {
                    "type": "object", "required": ["line"], "properties": {"line": {"type": "string"}}}}]
        calls = 0
        for task in ("read src/main.cc", "show me notes.txt", "run ls -la", "open the file a_b.py", "what is in x/y.md?"):
            file = self.folder / "tools.json"
            file.write_text(json.dumps(tools))
            reply = json.loads(self.ok("run", "--task", task, "--tools", str(file), "--max-tokens", "120", "--json"))
            for call in reply["tool_calls"]:
                calls += 1
                schema = next(tool["input_schema"] for tool in tools if tool["name"] == call["name"])
                self.assertLessEqual(set(schema["required"]), set(call["arguments"]))
                self.assertLessEqual(set(call["arguments"]), set(schema["properties"]))
                self.assertIsInstance(call["arguments"].get("up_to", 0), int)
                self.assertIn(call["arguments"].get("how", "raw"), ("raw", "neat"))
        self.assertGreater(calls, 0)

    def test_calls_may_be_free(self):
        for arguments, env in ((("--tool-calls", "free"), {}), ((), {"HEARTH_TOOL_CALLS": "free"})):
            file = self.folder / "tools.json"
            file.write_text(json.dumps(TOOLS["openai"]))
            done = self.hearth("run", "--task", "read src/main.cc", "--tools", str(file), "--json", *arguments, env=env)
            self.assertEqual(done.returncode, OK, done.stderr)
            self.assertEqual(json.loads(done.stdout)["tool_calls"][0]["name"], "read")
        self.refused(USAGE, "run", "--task", "x", "--tool-calls", "loose", says=["--tool-calls", "loose", "strict, free"])

    def test_strict_calls_where_no_token_marks_them(self):
        model = self.folder / "model"
        shutil.copytree(EMBER, model)
        tokenizer = model / "tokenizer.json"
        tokenizer.write_text(tokenizer.read_text().replace("<|tool_call|>", "<|tool_cull|>"))
        file = self.folder / "tools.json"
        file.write_text(json.dumps(TOOLS["openai"]))
        done = self.hearth("run", "--model", str(model), "--task", "Hello", "--tool-calls", "strict", "--tools", str(file))
        self.assertEqual(done.returncode, OK, done.stderr)
        for words in ("toolCalls strict", "--tool-calls", "no effect", "mark a call"):
            self.assertIn(words, done.stderr)
        self.assertEqual(self.hearth("run", "--model", str(model), "--task", "Hello").stderr, "")
        done = self.hearth("run", "--task", "Hello", "--tool-calls", "free")
        self.assertIn("no tools are offered", done.stderr)

    def test_bad_tools_are_refused(self):
        missing = str(self.folder / "none.json")
        self.refused(USAGE, "run", "--task", "x", "--tools", missing, says=["none.json"])
        for text in ("{", "{}", "[1]", '[{"description": "no name"}]'):
            file = self.folder / "bad.json"
            file.write_text(text)
            self.refused(USAGE, "run", "--task", "x", "--tools", str(file), says=["bad.json"])


class Usage(Case):
    def test_wrong_usage(self):
        for arguments in ([], ["nonsense"], ["run", "--nonsense"], ["run", "--task"], ["models"], ["tokenize", "--nonsense"]):
            with self.subTest(arguments):
                self.refused(USAGE, *arguments, says=["hearth"])

    def test_values_out_of_range_name_flag_and_range(self):
        for flag, value, says in (("--temperature", "-1", "0"), ("--top-p", "1.5", "1"), ("--top-k", "-3", "0"),
                                  ("--max-tokens", "0", "1"), ("--max-tokens", "many", "--max-tokens"),
                                  ("--repetition-penalty", "0", "0"), ("--seed", "x", "--seed"),
                                  ("--temperature", "nan", "--temperature")):
            with self.subTest(f"{flag} {value}"):
                self.refused(USAGE, "run", "--task", "x", flag, value, says=[flag, says])

    def test_unknown_models_and_agents(self):
        self.refused(MODEL, "run", "--task", "x", "--model", "no-such-model", says=["no-such-model", "ember"])
        self.refused(MODEL, "run", "--task", "x", "--model", "/no/such/folder", says=["/no/such/folder"])
        self.refused(USAGE, "run", "--task", "x", "--agent", "pirate", says=["pirate", "coder"])

    def test_help_lists_the_exit_codes(self):
        text = self.ok("--help")
        for code in ("0", "1", "2", "3", "4", "5", "130", "141", "143"):
            self.assertRegex(text, rf"(?m)^\s+{code}\s+\w")
        self.assertIn("--repetition-penalty", self.ok("run", "--help"))
        self.assertRegex(self.ok("--version"), r"^hearth \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
