"""Models that are cut off, damaged or contradict themselves are refused with a name and numbers, never run."""
import json
import os
import subprocess
import unittest

from hearth_cli import LIMIT_S, MODEL, Case


class BrokenModels(Case):
    def refuse(self, model, *says: str) -> str:
        return self.refused(MODEL, "run", "--task", "What is 17 + 25?", "--model", str(model), says=list(says))

    def edit(self, model, name: str, change) -> None:
        value = json.loads((model / name).read_text())
        change(value)
        (model / name).write_text(json.dumps(value))

    def test_truncated_weights_name_expected_and_found_bytes(self):
        model = self.copy_of_ember()
        data = model / "model.onnx.data"
        whole = data.stat().st_size
        for size in (whole - 1, whole // 2, 0):
            with self.subTest(size):
                with data.open("r+b") as file:
                    file.truncate(size)
                said = self.refuse(model, "model.onnx.data").replace(",", "")
                self.assertIn(str(size), said)

    def test_a_file_of_zeros_is_no_model(self):
        model = self.copy_of_ember()
        data = model / "model.onnx.data"
        size = data.stat().st_size
        with data.open("r+b") as file:
            file.truncate(0)
            file.truncate(size)
        self.refuse(model, "zero", "download")

    def test_a_file_that_is_cut_off_while_it_is_in_use(self):
        model = self.copy_of_ember()
        process = self.start("chat", "--model", str(model), stdin=subprocess.PIPE)
        process.stdin.write(b"What is 17 + 25?\n")
        process.stdin.flush()
        self.assertIn(b"42", process.stdout.readline())
        for path in model.glob("**/*"):
            if path.suffix in (".data", ".packed"):
                os.truncate(path, 0)
        _, err = process.communicate(b"Who are you?\n", timeout=LIMIT_S)
        self.assertEqual(process.returncode, MODEL, err)
        self.assertIn(b"changed or cut off while it was in use", err)

    def test_missing_files_are_named(self):
        for name in ("model.onnx", "model.onnx.data", "genai_config.json", "tokenizer.json"):
            with self.subTest(name):
                model = self.copy_of_ember()
                (model / name).unlink()
                self.refuse(model, name)
                self.doCleanups()
                self.setUp()

    def test_a_folder_without_anything(self):
        (self.folder / "empty").mkdir()
        self.refuse(self.folder / "empty", "genai_config.json")

    def test_damaged_protobuf(self):
        model = self.copy_of_ember()
        graph = (model / "model.onnx").read_bytes()
        for what, damaged in {"cut": graph[: len(graph) // 2], "empty": b"", "text": b"not a model at all, sorry",
                              "zeros": bytes(len(graph))}.items():
            with self.subTest(what):
                (model / "model.onnx").write_bytes(damaged)
                self.refuse(model, "model.onnx")

    def test_configuration_that_contradicts_the_graph(self):
        def decoder(key, value):
            return lambda config: config["model"]["decoder"].__setitem__(key, value)
        changes = {
            "num_hidden_layers": decoder("num_hidden_layers", 7),
            "num_key_value_heads": decoder("num_key_value_heads", 3),
            "head_size": decoder("head_size", 65),
            "vocab_size": lambda config: config["model"].__setitem__("vocab_size", 12),
            "filename": decoder("filename", "../model.onnx"),
        }
        for key, change in changes.items():
            with self.subTest(key):
                model = self.copy_of_ember()
                self.edit(model, "genai_config.json", change)
                self.refuse(model, str(model))
                self.doCleanups()
                self.setUp()

    def test_configuration_that_is_no_json(self):
        model = self.copy_of_ember()
        for name in ("genai_config.json", "tokenizer.json"):
            with self.subTest(name):
                text = (model / name).read_text()
                (model / name).write_text(text[: len(text) // 2])
                self.refuse(model, name)
                (model / name).write_text(text)

    def test_an_empty_vocabulary(self):
        model = self.copy_of_ember()
        self.edit(model, "tokenizer.json", lambda t: t["model"].update(vocab={}, merges=[]))
        self.refuse(model, "tokenizer.json")

    def test_the_whole_copy_works(self):
        # The cases above would all pass if every copy were refused.
        model = self.copy_of_ember()
        self.assertRegex(self.ok("run", "--task", "What is 17 + 25?", "--model", str(model)), r"\b42\b")


if __name__ == "__main__":
    unittest.main()
