"""Ctrl-C and SIGTERM stop cleanly and keep what was generated."""
import json
import os
import pty
import signal
import time
import unittest

from hearth_cli import INTERRUPTED, LIMIT_S, ROOT, TERMINATED, Case

LONG = ("run", "--task", "Tell me a long story.", "--min-tokens", "1800", "--max-tokens", "1800")


class Interrupt(Case):
    def interrupted(self, number: int, *more: str, after_s: float = 0):
        """Starts a long answer, sends a signal after the first bytes (or a time, with --json), returns code and output."""
        process = self.start(*LONG, *more)
        begun = b""
        if after_s:
            time.sleep(after_s)
        else:
            begun = os.read(process.stdout.fileno(), 100_000)
        self.assertIsNone(process.poll(), "the answer was too short for this test")
        process.send_signal(number)
        sent = time.monotonic()
        out, err = process.communicate(timeout=LIMIT_S)
        self.assertLess(time.monotonic() - sent, 3)
        return process.returncode, (begun + out).decode(), err.decode()

    def test_ctrl_c_keeps_the_text(self):
        code, out, _ = self.interrupted(signal.SIGINT)
        self.assertEqual(code, INTERRUPTED)
        self.assertTrue(out.strip())
        self.assertTrue(out.endswith("\n"))

    def test_ctrl_c_still_prints_the_json(self):
        # Nothing shows when the answer has begun; all of it takes about a second.
        for after_s in (0.2, 0.4, 0.8, 1.6):
            code, out, _ = self.interrupted(signal.SIGINT, "--json", after_s=after_s)
            if code == INTERRUPTED and json.loads(out)["text"]:
                break
        self.assertEqual(code, INTERRUPTED)
        reply = json.loads(out)
        self.assertTrue(reply["text"])
        self.assertLess(reply["usage"]["output_tokens"], 1800)

    def test_sigterm(self):
        code, out, _ = self.interrupted(signal.SIGTERM)
        self.assertEqual(code, TERMINATED)
        self.assertTrue(out.strip())

    def test_ctrl_c_on_a_terminal(self):
        controller, terminal = pty.openpty()
        process = self.start("--ctty", "--wait", str(ROOT / "hearth"), *LONG, program="/usr/bin/setsid",
                             stdin=terminal, stdout=terminal, stderr=terminal, env={"TERM": "xterm"})
        os.close(terminal)
        try:
            shown = os.read(controller, 1000)
            os.write(controller, b"\x03")
            self.assertEqual(process.wait(LIMIT_S), INTERRUPTED)
            self.assertTrue(shown.strip())
        finally:
            os.close(controller)


if __name__ == "__main__":
    unittest.main()
