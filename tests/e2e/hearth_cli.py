"""Runs ./hearth as a user would, and keeps the user's own settings out of it."""
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import termios
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


class NarrowPipe:
    """Standard output with room for a few words: a long answer cannot end before somebody reads it, however slow the test."""

    ROOM = 64

    def __init__(self, test: unittest.TestCase):
        self.reader, self.writer = os.pipe()
        self.filled = fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096) - self.ROOM
        os.write(self.writer, b"." * self.filled)
        self.file = os.fdopen(self.reader, "rb", buffering=0)
        test.addCleanup(self.file.close)

    def given_away(self) -> None:
        """To be called when the program has been started with `writer`."""
        os.close(self.writer)

    def has_output(self) -> bool:
        waiting = struct.unpack("i", fcntl.ioctl(self.reader, termios.FIONREAD, b"\0\0\0\0"))[0]
        return waiting > self.filled

    def rest(self) -> bytes:
        """All of the output, to its end."""
        return self.file.readall()[self.filled:]


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
        process = subprocess.Popen([str(program), *arguments], env=self.environment(**(env or {})), **options)
        self.addCleanup(process.kill)
        return process

    def start_narrow(self, *arguments: str, **options) -> tuple[subprocess.Popen, NarrowPipe]:
        """Starts a program that cannot write more than the first words of its answer yet; these have come."""
        pipe = NarrowPipe(self)
        process = self.start(*arguments, stdout=pipe.writer, **options)
        pipe.given_away()
        if process.stdin:
            process.stdin.write(b"Tell me a long story.\n")
            process.stdin.flush()
        self.until(pipe.has_output, process, "the answer begins")
        return process, pipe

    def until_the_model_is_open(self, process: subprocess.Popen) -> None:
        """Waits until the program, or one that it started, has a model's weights mapped, however slow the machine."""
        def open_in(pid: int) -> bool:
            try:
                if ".packed" in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace"):
                    return True
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
            except (FileNotFoundError, ProcessLookupError):
                return False
            return any(open_in(int(child)) for child in children)
        self.until(lambda: open_in(process.pid), process, "a model is open")

    def until(self, condition, process: subprocess.Popen, what: str) -> None:
        """Waits for a condition as long as the program runs."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                out, err = process.communicate()
                self.fail(f"waited until {what}; exit code {process.returncode}: {out} {err}")
            time.sleep(0.01)

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
