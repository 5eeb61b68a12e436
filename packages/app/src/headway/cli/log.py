"""What the command logs for people: a line a failure, with what to do; a traceback of what nobody expects."""

import logging
import sys
import traceback

from headway_core.api import HeadwayError

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
    """An error that is expected (ours, or the system's) is a line; its traceback is for HEADWAY_LOG=DEBUG."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        leaves = _leaves(error) if error is not None else []
        text = f"{record.levelname} {record.getMessage()}"
        if all(isinstance(each, HeadwayError | OSError) for each in leaves):
            text = "; ".join(dict.fromkeys([text, *(str(each) for each in leaves)]))
            shown = logging.getLogger().isEnabledFor(logging.DEBUG)
        else:
            shown = True
        hints = [hint for words, hint in _WHAT_TO_DO if any(word in text for word in words)]
        text = "; ".join([" ".join(text.splitlines()), *hints])
        if error is not None and shown:
            text = f"{text}\n{''.join(traceback.format_exception(error)).rstrip()}"
        return text


def set_up(level: str) -> None:
    """Log to standard error from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler])


def _leaves(raised: BaseException) -> list[BaseException]:
    if not isinstance(raised, BaseExceptionGroup):
        return [raised]
    return [leaf for each in raised.exceptions for leaf in _leaves(each)]
