"""A pseudo-terminal with a program on it, driven as a person would: wait for words, type keys."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from hearth_cli import LIMIT_S

PROMPT = "> "
CTRL_C, CTRL_D, UP, BACKSPACE, TAB = b"\x03", b"\x04", b"\x1b[A", b"\x7f", b"\t"
SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[DM78])")


class Terminal:
    """`start` is Case.start; the process gets the terminal as its controlling one."""

    def __init__(self, start, program, *arguments: str, columns: int = 80, env: dict[str, str] | None = None, **options):
        self.controller, terminal = pty.openpty()
        self.raw = ""
        self.resize(columns)
        self.modes = termios.tcgetattr(terminal)
        self.process = start("--ctty", "--wait", str(program), *arguments, program="/usr/bin/setsid", stdin=terminal,
                             stdout=terminal, stderr=terminal, env={"TERM": "xterm", **(env or {})}, **options)
        self.terminal = terminal
        self.seen = 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.controller)
        os.close(self.terminal)

    def resize(self, columns: int, rows: int = 24) -> None:
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes | str) -> None:
        os.write(self.controller, keys.encode() if isinstance(keys, str) else keys)

    def until(self, words: str, limit_s: float = LIMIT_S) -> str:
        """What came since the last call, up to and with `words`; an AssertionError when they do not come."""
        end = time.monotonic() + limit_s
        while words not in self.raw[self.seen:]:
            if time.monotonic() > end or not self._read(0.2):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError(f"waited for {words!r}, came: {self.raw[self.seen:]!r}")
        stop = self.raw.index(words, self.seen) + len(words)
        came, self.seen = self.raw[self.seen:stop], stop
        return came

    def ask(self, line: str, limit_s: float = LIMIT_S) -> str:
        """Types a line and returns what is shown until the next prompt, without the terminal's sequences."""
        self.type(line + "\r")
        self.until("\x1b[?2004l", limit_s)
        shown = self.until("\x1b[?2004h" + PROMPT, limit_s)
        return SEQUENCE.sub("", shown).replace("\r", "").removesuffix(PROMPT)

    def ends(self, limit_s: float = LIMIT_S) -> int:
        """The exit code of a program that is about to leave."""
        end = time.monotonic() + limit_s
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.1)
        return self.process.wait(0.1)

    def modes_are_restored(self) -> bool:
        return termios.tcgetattr(self.terminal)[:4] == self.modes[:4]

    def _read(self, wait_s: float) -> bool:
        if not select.select([self.controller], [], [], wait_s)[0]:
            return False
        self.raw += os.read(self.controller, 65536).decode(errors="replace")
        return True


def killed(process: subprocess.Popen, number: int) -> None:
    """Sends a signal to the program itself, which is the child of setsid."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        for child in file.read().split() or [process.pid]:
            os.kill(int(child), number)
