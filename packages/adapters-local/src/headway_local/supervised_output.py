"""What a supervised program prints, kept in files of a bounded size; of the standard library."""

# Importing pathlib would double the time of the start.
# ruff: noqa: PTH108
import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from headway_local.supervised_files import create
else:  # the program is run by its path, and this lies beside it
    from supervised_files import create

CHUNK = 65_536
"""Bytes that are read of the program's output at a time."""
REST_OF_OUTPUT = 1_048_576
"""What a pipe holds at most (without privileges): what is still read when all have ended."""


class Output:
    """Files that keep the beginning and the end of what the program prints, `limit` bytes at most.

    `output` is the beginning, the first half of the limit. What follows is in files of a quarter, of which
    the newest two are kept: `output.NUMBER`, NUMBER being how many bytes were printed before it. So what was
    left out is where one file ends before the next begins, and a chunk costs the same however many came
    before.
    """

    def __init__(self, limit: int) -> None:
        self.source, self.sink = os.pipe()
        os.set_blocking(self.source, False)
        self._begin, self._later = limit // 2, limit // 4
        self._printed = 0
        self._later_files: list[str] = []
        self._file = -1
        self._room = 0

    def take(self) -> bool:
        """Keep a chunk of what was printed, if any is there; False when no more will ever come."""
        try:
            chunk = memoryview(os.read(self.source, CHUNK))
        except BlockingIOError:
            return True
        if not chunk:
            return False
        while chunk:
            try:
                if self._room == 0:
                    self._next_file()
                written = os.write(self._file, chunk[: self._room])
            except OSError:  # no space: the program goes on, and the next file tells the gap
                self._printed += len(chunk)
                self._give_up_file()
                return True
            self._printed += written
            self._room -= written
            chunk = chunk[written:]
        return True

    def take_rest(self) -> None:
        """When all have ended: what is still in the pipe, and no more, should another write to it."""
        for _ in range(REST_OF_OUTPUT // CHUNK):
            if not self.take():
                return

    def _next_file(self) -> None:
        name, room = "output", self._begin
        if self._printed:
            name, room = f"output.{self._printed}", self._later
            while len(self._later_files) > 1:
                with contextlib.suppress(OSError):  # it is gone, or something else has its name
                    os.unlink(self._later_files.pop(0))
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._file = create(name)
        self._room = room
        if self._printed:
            self._later_files.append(name)

    def _give_up_file(self) -> None:
        """Write nothing more to this file, and do not let an empty one take the place of one with words."""
        self._room = 0
        if self._file >= 0 and self._later_files and os.fstat(self._file).st_size == 0:
            with contextlib.suppress(OSError):
                os.unlink(self._later_files.pop())
