"""What agents print, on a terminal or for programs."""

import json
import sys

from headway.terminal import visible
from headway_core.api import OutputPart, record_data


class LogPrinter:
    """Prints the parts of one output as they come: for people without what a terminal would obey."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._in_line = False
        """The last line has not come to its end."""

    def show(self, part: OutputPart) -> None:
        """The next part."""
        if self._as_json:
            print(json.dumps(record_data(part)), flush=True)  # noqa: T201  the program's output
            return
        if part.left_out:
            self._write(self._end_of_line() + f"[headway: {part.left_out} bytes were left out here]\n")
        self._write(part.text)

    def end(self) -> None:
        """Nothing more comes: whatever is printed next begins a line."""
        self._write(self._end_of_line())

    def _end_of_line(self) -> str:
        return "\n" if self._in_line else ""

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(visible(text))
            sys.stdout.flush()
            self._in_line = not text.endswith("\n")
