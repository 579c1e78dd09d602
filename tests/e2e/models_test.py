"""hearth models, tokenize and doctor."""
import json
import unittest

from hearth_cli import EMBER, MODEL, OK, USAGE, Case

TEXTS = ["Hello, world!", "  two  spaces\n\tand a tab\n", "ünïcödé 東京 🙂👩‍👩‍👧", "int main() { return 0; }", "12345678901", "'s 'S don't",
         "<|user|>special<|end|>", "e\u0301 \u00a0 \u200b"]


class Models(Case):
    def test_the_model_in_the_box_is_listed(self):
        self.assertIn("ember", self.ok("models", "list"))
        entry = next(e for e in json.loads(self.ok("models", "list", "--json")) if e["folder"] == str(EMBER))
        self.assertRegex(entry["name"], r"^ember(/int4)?$")
        self.assertTrue(entry["usable"])
        self.assertEqual(entry["size_bytes"], sum(f.stat().st_size for f in EMBER.rglob("*") if f.is_file()))

    def test_info_agrees_with_the_configuration(self):
        config = json.loads((EMBER / "genai_config.json").read_text())["model"]
        text = self.ok("models", "info", "--model", "ember", "--json")
        info = json.loads(text)
        for number in (config["decoder"]["num_hidden_layers"], config["context_length"], config["vocab_size"]):
            self.assertIn(str(number), text)
        self.assertTrue(info)
        self.assertIn(str(config["context_length"]), self.ok("models", "info", "--model", str(EMBER)).replace(",", ""))

    def test_models_of_the_user_are_found_by_name(self):
        model = self.copy_of_ember()
        home = model.parent / "mine" / "toy"
        home.mkdir(parents=True)
        model.rename(home / "int4")
        environment = {"HEARTH_MODELS_DIR": str(model.parent / "mine")}
        self.assertIn("toy", self.ok("models", "list", env=environment))
        self.assertRegex(self.ok("run", "--model", "toy", "--task", "What is 17 + 25?", env=environment), r"\b42\b")

    def test_a_broken_model_is_listed_as_such(self):
        model = self.copy_of_ember()
        (model / "model.onnx").unlink()
        home = model.parent / "mine"
        home.mkdir()
        model.rename(home / "toy")
        self.assertIn("cannot be used", self.ok("models", "list", env={"HEARTH_MODELS_DIR": str(home)}))

    def test_unknown_model(self):
        self.refused(MODEL, "models", "info", "--model", "embre", says=["embre", "ember"])


class Tokenize(Case):
    def test_text_comes_back_as_it_was(self):
        for text in TEXTS:
            with self.subTest(text):
                encoded = json.loads(self.ok("tokenize", "--json", text))
                self.assertEqual(encoded["count"], len(encoded["ids"]))
                self.assertEqual(len(encoded["pieces"]), len(encoded["ids"]))
                ids = " ".join(str(i) for i in encoded["ids"])
                self.assertEqual(json.loads(self.ok("tokenize", "--json", "--decode", ids))["text"], text)
                self.assertEqual(self.ok("tokenize", "--count", text), f"{encoded['count']}\n")

    def test_ids_are_shown_one_a_line(self):
        lines = self.ok("tokenize", "17 + 25").splitlines()
        ids = json.loads(self.ok("tokenize", "--json", "17 + 25"))["ids"]
        self.assertEqual([int(line.split()[0]) for line in lines[:-1]], ids)
        self.assertEqual(lines[-1], f"{len(ids)} tokens")

    def test_standard_input(self):
        self.assertEqual(self.ok("tokenize", "--count", stdin=b"17 + 25"), self.ok("tokenize", "--count", "17 + 25"))

    def test_what_cannot_be_decoded(self):
        self.refused(USAGE, "tokenize", "--decode", "abc", says=["abc"])
        done = self.hearth("tokenize", "--decode", "99999999")
        self.assertNotEqual(done.returncode, OK)
        self.assertIn("99999999", done.stderr)
        self.refused(USAGE, "tokenize", says=["tokenize"])


class Doctor(Case):
    def test_it_reports_machine_library_model_and_settings(self):
        report = json.loads(self.ok("doctor", "--json"))
        text = json.dumps(report)
        self.assertGreater(report["machine"]["cores"], 0)
        self.assertIn("avx2", text.lower())
        self.assertIn("1.30.0", text)
        self.assertIn(str(EMBER), text)
        self.assertIn("bytes_per_second", text)
        self.assertIn("temperature", {row["name"] for row in report["settings"]})

    def test_it_says_what_is_wrong_and_goes_on(self):
        done = self.hearth("doctor", "--model", "/no/such/model")
        self.assertEqual(done.returncode, MODEL, done.stderr)
        self.assertIn("/no/such/model", done.stdout + done.stderr)
        self.assertIn("GB/s", done.stdout)


if __name__ == "__main__":
    unittest.main()
