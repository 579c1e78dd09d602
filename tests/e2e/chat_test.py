"""hearth chat on a terminal and in a pipe: editing, history, commands, interruption, files, failures."""
import json
import os
import resource
import signal
import stat
import time
import unittest

from hearth_cli import BROKEN_PIPE, EMBER, HEARTH, LIMIT_S, MODEL, OK, TERMINATED, USAGE, Case
from terminal import BACKSPACE, CTRL_C, CTRL_D, PROMPT, TAB, UP, Terminal, killed

LONG = ("--min-tokens", "1500", "--max-tokens", "1500")


class Piped(Case):
    def test_each_line_is_a_message_and_only_answers_are_printed(self):
        done = self.hearth("chat", stdin=b"Hello!\n\nWhat is 17 + 25?")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertIn("42", done.stdout.splitlines()[1])
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")

    def test_the_same_answers_as_run_gives(self):
        once = self.ok("run", "--task", "What is the capital of France?", "--system", "Be brief.")
        self.assertEqual(self.ok("chat", "--system", "Be brief.", stdin=b"What is the capital of France?\n"), once)
        (self.folder / "system.txt").write_text("Be brief.\n")
        self.assertEqual(self.ok("chat", "--system-file", "system.txt", stdin=b"What is the capital of France?\n"), once)

    def test_lines_that_go_on(self):
        self.ok("chat", stdin=b'"""\nfirst\n\nsecond\n"""\nthird\\\nfourth\n//slash\nlast\\\nline\\\n/save x.json\n')
        self.ok("chat", stdin=b'"""\nfirst\n\nsecond\n"""\nthird\\\nfourth\n//slash\n/save x.json\n"""unfinished')
        asked = [m["content"] for m in json.loads((self.folder / "x.json").read_text())["messages"][::2]]
        self.assertEqual(asked, ["first\n\nsecond", "third\nfourth", "/slash"])

    def test_commands_work_and_failures_are_told_by_the_exit_code(self):
        done = self.hearth("chat", stdin=b"/system Be brief.\n/system\n/sabe x\nHello!\n/stats\n/quit\nnever asked\n")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("did you mean /save?", done.stderr)
        self.assertIn("Be brief.\n", done.stderr)
        self.assertIn("tokens read", done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 1)

    def test_what_is_not_utf8_is_refused_and_the_rest_goes_on(self):
        done = self.hearth("chat", stdin=b"\xff\xfe\nHello!\n")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("not UTF-8 at byte 0", done.stderr)
        self.assertTrue(done.stdout.strip())

    def test_a_message_that_is_too_long_leaves_the_conversation(self):
        long = b"word " * 5000
        done = self.hearth("chat", stdin=b"Hello!\n" + long + b"\nWhat is 17 + 25?\n/save x.json\n")
        self.assertIn("needs", done.stderr)
        self.assertEqual(len(json.loads((self.folder / "x.json").read_text())["messages"]), 4)
        self.assertEqual(done.returncode, 4)

    def test_the_window_that_slides_says_so(self):
        done = self.hearth("chat", stdin=b"Tell me about the sea.\n" * 8,
                           env={"ONNX_MAX_CONTEXT": "90", "ONNX_MAX_TOKENS": "20"})
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("oldest messages", done.stderr)

    def test_wrong_flags_and_models(self):
        self.refused(USAGE, "chat", "--system", "a", "--system-file", "b", says=["exclude each other"], stdin=b"")
        self.refused(USAGE, "chat", "--load", "none.json", says=["none.json"], stdin=b"")
        self.refused(MODEL, "chat", "--model", "./none", says=["none"], stdin=b"Hello!\n")

    def test_the_reader_went_away(self):
        process, pipe = self.start_narrow("chat", *LONG, stdin=-1)
        pipe.file.close()
        self.assertEqual(process.wait(LIMIT_S), BROKEN_PIPE)
        process.stdin.close()
        process.stderr.close()


class OnATerminal(Case):
    def open(self, *arguments: str, **options) -> Terminal:
        terminal = Terminal(self.start, HEARTH, "chat", *arguments, **options)
        self.addCleanup(terminal.close)
        terminal.until("\x1b[?2004h" + PROMPT)
        return terminal

    def test_editing_and_leaving(self):
        terminal = self.open()
        terminal.type(b"What is 17 - 25?" + BACKSPACE * 5 + b"+ 25?")  # "- 25?" becomes "+ 25?"
        self.assertIn("42", terminal.ask(""))
        terminal.type(CTRL_D)
        self.assertEqual(terminal.ends(), OK)
        self.assertTrue(terminal.modes_are_restored())

    def test_history_is_kept_for_the_owner_and_comes_back(self):
        terminal = self.open()
        terminal.ask("Hello!")
        terminal.type("/quit\r")
        self.assertEqual(terminal.ends(), OK)
        file = self.folder / ".local/state/hearth/chat_history"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        terminal = self.open()
        terminal.type(UP + UP)
        terminal.until("Hello!")
        self.assertTrue(terminal.ask("").strip())
        self.assertEqual(file.read_text().splitlines(), ["Hello!", "/quit", "Hello!"])

    def test_history_can_be_left_out(self):
        for options in ({"env": {"HEARTH_CHAT_HISTORY": "off"}}, {}):
            terminal = self.open(*(() if options else ("--no-history",)), **options)
            terminal.ask("Hello!")
            terminal.type("/quit\r")
            self.assertEqual(terminal.ends(), OK)
        self.assertFalse((self.folder / ".local").exists())

    def test_tab_completes_commands(self):
        terminal = self.open()
        terminal.type(b"/sta" + TAB)
        terminal.until("ts ")
        self.assertIn("ember", terminal.ask(""))

    def test_pasted_lines_are_one_message(self):
        terminal = self.open()
        terminal.type(b"\x1b[200~first\rsecond\r\x1b[201~")
        terminal.ask("")
        terminal.ask("/save x.json")
        self.assertEqual(self.messages()[0]["content"], "first\nsecond")

    def messages(self) -> list:
        return json.loads((self.folder / "x.json").read_text())["messages"]

    def interrupt_answer(self, terminal: Terminal) -> None:
        """Asks for a long answer and stops it. On a machine that stalls it may have ended before: then once more."""
        for _ in range(5):
            terminal.type("Tell me a long story.\r")
            terminal.until("tokens/s")
            terminal.type(CTRL_C)
            shown = terminal.until("\x1b[?2004h" + PROMPT)
            if "what was said stays" in shown:
                return
            terminal.ask("/reset")
        self.fail("no answer could be interrupted")

    def test_ctrl_c_stops_the_answer_and_keeps_what_was_said(self):
        terminal = self.open(*LONG)
        self.interrupt_answer(terminal)
        terminal.ask("/save x.json")
        self.assertEqual([m["role"] for m in self.messages()], ["user", "assistant"])
        self.assertTrue(self.messages()[1]["content"])
        terminal.type("/quit\r")
        self.assertEqual(terminal.ends(), OK)

    def test_ctrl_c_at_the_prompt_clears_the_line(self):
        terminal = self.open()
        terminal.type(b"not this" + CTRL_C)
        terminal.until(PROMPT)
        self.assertIn("42", terminal.ask("What is 17 + 25?"))
        terminal.type(b"half a line\\\r")
        terminal.until("... ")
        terminal.type(CTRL_C)
        terminal.until("\x1b[?2004h" + PROMPT)
        terminal.ask("/save x.json")
        self.assertEqual(len(self.messages()), 2)

    def test_the_status_line_comes_and_goes(self):
        terminal = self.open("--min-tokens", "300", "--max-tokens", "300")
        terminal.type("Tell me a long story.\r")
        shown = terminal.until("\x1b[?2004h" + PROMPT)
        self.assertIn("tokens/s", shown)
        self.assertIn("\x1b[J", shown[shown.rindex("tokens/s"):])

    def test_a_dumb_terminal_gets_no_sequences(self):
        terminal = Terminal(self.start, HEARTH, "chat", env={"TERM": "dumb"})
        self.addCleanup(terminal.close)
        terminal.until(PROMPT)
        terminal.type("Hello!\r")
        terminal.until(PROMPT)
        self.assertNotIn("\x1bD", terminal.raw)
        self.assertNotIn("\x1b[2m", terminal.raw)

    def test_the_window_changes(self):
        terminal = self.open("--min-tokens", "400", "--max-tokens", "400")
        terminal.type("Tell me a long story.\r")
        terminal.until("tokens/s")
        for columns in (20, 200, 3, 1, 80):
            terminal.resize(columns)
            time.sleep(0.03)
        terminal.until("\x1b[?2004h" + PROMPT)
        terminal.type("/sta")
        terminal.until("/sta")
        terminal.resize(30)
        terminal.until("/sta")
        self.assertIn("ember", terminal.ask("ts"))

    def test_only_answers_go_to_a_file(self):
        with open(self.folder / "out", "wb") as out:
            terminal = Terminal(lambda *a, **o: self.start(*a, **{**o, "stdout": out}), HEARTH, "chat")
            self.addCleanup(terminal.close)
            terminal.until(PROMPT)
            terminal.ask("What is 17 + 25?")
            terminal.type(CTRL_D)
            self.assertEqual(terminal.ends(), OK)
        self.assertIn("42", (self.folder / "out").read_text())
        self.assertNotIn("\x1b", (self.folder / "out").read_text())

    def test_sigterm_at_the_prompt_and_in_an_answer(self):
        for keys, words in ((b"", ""), (b"Tell me a long story.\r", "tokens/s")):
            terminal = self.open(*LONG)
            terminal.type(keys)
            terminal.until(words)
            killed(terminal.process, signal.SIGTERM)
            self.assertEqual(terminal.ends(), TERMINATED)
            self.assertTrue(terminal.modes_are_restored())

    def test_killed_in_the_middle_nothing_saved_is_lost(self):
        terminal = self.open(*LONG)
        self.interrupt_answer(terminal)
        terminal.ask("/save x.json")
        before = self.messages()
        terminal.type("Go on.\r")
        terminal.until("tokens/s")
        killed(terminal.process, signal.SIGKILL)
        terminal.ends()
        self.assertEqual(self.messages(), before)
        history = (self.folder / ".local/state/hearth/chat_history").read_text().splitlines()
        self.assertEqual(history[-1], "Go on.")
        terminal = self.open("--load", "x.json")
        terminal.type("/quit\r")
        self.assertEqual(terminal.ends(), OK)

    def test_models_change_and_the_conversation_goes_on(self):
        copy = self.copy_of_ember()
        terminal = self.open()
        terminal.ask("Hello!")
        self.assertIn("./none is neither", terminal.ask("/model ./none"))
        (self.folder / "empty").mkdir()
        self.assertIn("genai_config.json", terminal.ask("/model ./empty"))
        self.assertIn(str(EMBER), terminal.ask("/model"))
        self.assertIn("now answering", terminal.ask(f"/model {copy}"))
        self.assertTrue(terminal.ask("Thanks!").strip())
        terminal.ask("/save x.json")
        self.assertEqual(len(self.messages()), 4)


class Files(Case):
    def chat(self, *lines: str, **options):
        return self.hearth("chat", stdin="".join(line + "\n" for line in lines).encode(), **options)

    def test_saved_and_loaded(self):
        self.assertEqual(self.chat("/system Be brief.", "Hello!", "/save a.json").returncode, OK)
        first = json.loads((self.folder / "a.json").read_text())
        self.assertEqual((first["format"], first["version"]), ("hearth-chat", 1))
        self.assertEqual(stat.S_IMODE((self.folder / "a.json").stat().st_mode), 0o600)
        self.assertEqual(self.chat("/load a.json", "/save b.json").returncode, OK)
        self.assertEqual((self.folder / "a.json").read_bytes(), (self.folder / "b.json").read_bytes())
        self.assertEqual(self.chat("/save ~/c.json").returncode, OK)
        self.assertTrue((self.folder / "c.json").exists())

    def test_what_cannot_be_loaded_is_named(self):
        (self.folder / "bad.json").write_text('{"format": "hearth-chat", "version": 1, "messages": [{"role": "cat"}]}')
        (self.folder / "old.json").write_text('{"format": "hearth-chat", "version": 7, "messages": []}')
        os.mkfifo(self.folder / "pipe")
        for name, says in (("bad.json", 'messages[0].role is "cat"'), ("old.json", "version is 7"), ("none", "none"),
                           (".", "not a regular file"), ("pipe", "not a regular file")):
            done = self.chat("Hello!", f"/load {name}", "/save x.json")
            self.assertEqual(done.returncode, USAGE, name)
            self.assertIn(says, done.stderr)
            self.assertEqual(len(json.loads((self.folder / "x.json").read_text())["messages"]), 2)

    def test_a_full_disk_leaves_the_file_that_was_there(self):
        self.assertEqual(self.chat("Hello!", "/save x.json").returncode, OK)
        before = (self.folder / "x.json").read_bytes()
        process = self.start("chat", stdin=-1, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)))
        out, err = process.communicate(b"Hello!\nWhat is 17 + 25?\nThanks!\n/save x.json\nHello!\n", timeout=60)
        self.assertEqual(process.returncode, 5, err)
        self.assertIn("x.json", err.decode())
        self.assertEqual(len(out.decode().splitlines()), 4, "the conversation goes on")
        self.assertEqual((self.folder / "x.json").read_bytes(), before)
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith("x.json")], ["x.json"])


if __name__ == "__main__":
    unittest.main()
