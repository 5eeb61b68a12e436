"""Where people read: a terminal, or a file that it was sent to."""

import sys

from rich.console import Console

_WIDE = 1_000
"""Columns of what is no terminal: nothing is cut or folded there."""

_OBEYED = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def terminal(*, stderr: bool = False) -> Console:
    """Standard output, or standard error; text is text: no markup, no colours that nobody asked for."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, markup=False, highlight=False)


def visible(text: str) -> str:
    """Text from outside without the characters that a terminal obeys."""
    return text.translate(_OBEYED)
