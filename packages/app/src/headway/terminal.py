"""Where people read: a terminal, or a file that it was sent to."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 1_000
"""Columns of what is no terminal: nothing is cut or folded there."""

_OBEYED = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def terminal(*, stderr: bool = False) -> "Console":
    """Standard output, or standard error; text is text: no markup, no colours that nobody asked for."""
    from rich.console import Console  # noqa: PLC0415  programs do not wait for what draws tables

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, markup=False, highlight=False)


def visible(text: str) -> str:
    """Text from outside without the characters that a terminal obeys."""
    return text.translate(_OBEYED)


def tell(text: str, *, style: str = "") -> None:
    """A word for people, on standard error."""
    from rich.text import Text  # noqa: PLC0415  as above

    terminal(stderr=True).print(Text(visible(text), style=style), soft_wrap=True)
