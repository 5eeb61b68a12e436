"""What the command logs for people: a line a failure, with what to do."""

import logging
import sys

from headway.terminal import visible

_WHAT_TO_DO = (
    (("disk is full", "No space left on device", "Disk quota exceeded"), "free some space: it goes on then"),
    (("git: cannot run",), "if the repository was moved, run headway init where it is now"),
    (
        ("no server is there", "no connection", "can't be reached", "is starting, stopping"),
        "it goes on when that is back",
    ),
    (("while it committed",), "what was stored is looked at again; it goes on when that is back"),
)
"""Words of an error, and what a person can do about it."""


class OneLine(logging.Formatter):
    """A line, and what to do where something can be done. Whoever logs decides on a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.levelname} {record.getMessage()}"
        hints = [hint for words, hint in _WHAT_TO_DO if any(word in text for word in words)]
        text = "; ".join([" ".join(text.splitlines()), *hints])
        return visible(f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text)


def set_up(level: str) -> None:
    """Log to standard error from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler])
