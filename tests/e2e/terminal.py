"""A program on a terminal: a real pty, and what it showed."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import attrs

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@attrs.define(kw_only=True)
class OnTerminal:
    """A running program and everything that it has written to its terminal."""

    process: subprocess.Popen[bytes]
    written: bytearray = attrs.field(factory=bytearray)

    @property
    def raw(self) -> str:
        return self.written.decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        """Every line that was ever shown, without what only moves the cursor or colours."""
        plain = _SEQUENCE.sub("", self.raw).replace("\r", "\n")
        return [line.rstrip() for line in plain.split("\n") if line.strip()]


@contextmanager
def on_terminal(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], columns: int
) -> Iterator[OnTerminal]:
    """Run with a terminal of its own as output; it is ended with the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = OnTerminal(process=process)

    def read() -> None:
        with suppress(OSError):  # the other side is closed: the program has ended
            while part := os.read(ours, 65_536):
                shown.written += part

    reader = Thread(target=read)
    reader.start()
    try:
        yield shown
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(ours)
