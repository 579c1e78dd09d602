"""Ctrl-C and SIGTERM stop cleanly and keep what was generated."""
import json
import os
import pty
import signal
import time
import unittest

from hearth_cli import INTERRUPTED, LIMIT_S, OK, ROOT, TERMINATED, Case

LONG = ("run", "--task", "Tell me a long story.", "--min-tokens", "1800", "--max-tokens", "1800")


class Interrupt(Case):
    def interrupted(self, number: int):
        """Sends a signal when an answer has begun, that cannot end before; returns code and output."""
        process, pipe = self.start_narrow(*LONG)
        process.send_signal(number)
        out = pipe.rest()
        _, err = process.communicate(timeout=LIMIT_S)
        return process.returncode, out.decode(), err.decode()

    def check_begun(self, out: str) -> None:
        self.assertTrue(out.strip())
        self.assertTrue(out.endswith("\n"))
        self.assertLess(len(out), 1000, "it went on after the signal")

    def test_ctrl_c_keeps_the_text(self):
        code, out, _ = self.interrupted(signal.SIGINT)
        self.assertEqual(code, INTERRUPTED)
        self.check_begun(out)

    def test_ctrl_c_still_prints_the_json(self):
        # Nothing shows when the answer has begun; all of it takes about a second. A signal that comes before that ends the
        # program without a word, one that comes after is too late: the time between is searched for.
        early_s, late_s = 0.05, None
        for _ in range(30):
            after_s = (early_s + late_s) / 2 if late_s else early_s * 1.5
            process = self.start(*LONG, "--json")
            time.sleep(after_s)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=LIMIT_S)
            if process.returncode == OK:
                late_s = after_s
            elif out and json.loads(out)["text"]:
                break
            else:
                early_s, late_s = after_s, late_s if late_s and late_s > after_s * 1.05 else None
        self.assertEqual(process.returncode, INTERRUPTED)
        reply = json.loads(out)
        self.assertTrue(reply["text"])
        self.assertLess(reply["usage"]["output_tokens"], 1800)

    def test_sigterm(self):
        code, out, _ = self.interrupted(signal.SIGTERM)
        self.assertEqual(code, TERMINATED)
        self.check_begun(out)

    def test_ctrl_c_while_a_task_is_cut_into_tokens(self):
        long_task = self.folder / "task.txt"
        long_task.write_text("Words of a task that is far too long. " * 200_000)
        # A signal that comes while the model is still loaded ends the program at once, and shows nothing.
        for after_s in (0.1, 0.2, 0.4, 0.8, 1.6):
            with long_task.open("rb") as file:
                process = self.start("run", stdin=file)
            self.until_the_model_is_open(process)
            time.sleep(after_s)
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            went_on = process.poll() is None
            process.communicate(timeout=LIMIT_S)
            if went_on:
                break
        self.assertTrue(went_on, "no signal came while the task was cut into tokens")
        self.assertEqual(process.returncode, INTERRUPTED)

    def test_ctrl_c_on_a_terminal(self):
        for _ in range(5):  # the answer may have ended before the key is typed: then once more
            controller, terminal = pty.openpty()
            process = self.start("--ctty", "--wait", str(ROOT / "hearth"), *LONG, program="/usr/bin/setsid",
                                 stdin=terminal, stdout=terminal, stderr=terminal, env={"TERM": "xterm"})
            os.close(terminal)
            try:
                shown = os.read(controller, 1000)
                os.write(controller, b"\x03")
                code = process.wait(LIMIT_S)
            finally:
                os.close(controller)
            if code != OK:
                break
        self.assertEqual(code, INTERRUPTED)
        self.assertTrue(shown.strip())


if __name__ == "__main__":
    unittest.main()
