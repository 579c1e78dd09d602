"""Runs ./hearth as a user would, and keeps the user's own settings out of it."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEARTH = ROOT / "hearth"
EMBER = ROOT / "models" / "ember" / "int4"
LIMIT_S = 60

# Exit codes, as docs/cli.md gives them.
OK, FAILURE, USAGE, MODEL, CONTEXT, RESOURCES = 0, 1, 2, 3, 4, 5
INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143

# What the program may see of the caller's environment; settings are given by each test. The set-up's downloads stay where
# they are although each test has a home of its own.
KEPT = ("PATH", "LANG", "ONNXRUNTIME_ROOT")
CACHE = os.environ.get("HEARTH_CACHE_DIR") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "hearth")


class Case(unittest.TestCase):
    """One folder per test: it is home and working folder, and gone afterwards."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "HOME": str(self.folder), "HEARTH_CACHE_DIR": CACHE, **variables}

    def start(self, *arguments: str, env: dict[str, str] | None = None, program=HEARTH, **options) -> subprocess.Popen:
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.folder)
        return subprocess.Popen([str(program), *arguments], env=self.environment(**(env or {})), **options)

    def until_interruptible(self, process: subprocess.Popen) -> None:
        """Waits until the program itself, not the script that starts it, has a handler for Ctrl-C, however slow the machine."""
        end = time.monotonic() + LIMIT_S
        while process.poll() is None and time.monotonic() < end:
            caught = re.search(r"^SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"), re.MULTILINE)
            is_program = not os.readlink(f"/proc/{process.pid}/exe").endswith("sh")
            if is_program and int(caught[1], 16) >> (signal.SIGINT - 1) & 1:
                return
            time.sleep(0.02)
        self.fail("the program never became ready for Ctrl-C")

    def hearth(self, *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None,
               limit_s: int = LIMIT_S, **options) -> subprocess.CompletedProcess:
        """Runs to the end; standard output and error are text in `stdout` and `stderr`."""
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, env=env, **options)
        try:
            out, err = process.communicate(stdin, timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.fail(f"hearth {' '.join(arguments)} took longer than {limit_s} s")
        return subprocess.CompletedProcess(arguments, process.returncode, (out or b"").decode(), (err or b"").decode())

    def ok(self, *arguments: str, **options) -> str:
        """Standard output of a command that has to succeed."""
        done = self.hearth(*arguments, **options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout

    def refused(self, code: int, *arguments: str, says: list[str], **options) -> str:
        """A command that has to fail: exit code, words on standard error, nothing on standard output."""
        done = self.hearth(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def copy_of_ember(self) -> pathlib.Path:
        copy = self.folder / "model"
        shutil.copytree(EMBER, copy)
        return copy
