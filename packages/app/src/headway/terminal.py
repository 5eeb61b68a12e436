"""Where people read: a terminal, or a file that it was sent to."""

import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 1_000
"""Columns of what is no terminal: nothing is cut or folded there."""

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
"""Categories of what a terminal obeys, shows otherwise than it stands, or can't be sent: control characters,
directions and what has no width, halves of surrogate pairs, what is no character, separators of lines.
"""

_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
"""Letters and marks that show nothing."""


class _Shown(dict[int, str]):
    """What stands for a character, by its number; found when one is met first."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = unicodedata.category(character) in _OBEYED or character in _UNSEEN
        self[code] = " " if hidden and character not in "\n\t" else character
        return self[code]


_SHOWN = _Shown()


def terminal(*, stderr: bool = False) -> "Console":
    """Standard output, or standard error; text is text: no markup, no colours that nobody asked for."""
    from rich.console import Console  # noqa: PLC0415  programs do not wait for what draws tables

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, markup=False, highlight=False)


def visible(text: str) -> str:
    """Text from outside without the characters that a terminal obeys, or that hide or reorder others."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def one_line(text: str) -> str:
    """The same in one line."""
    return visible(text).replace("\n", " ").replace("\t", " ")


def tell(text: str, *, style: str = "") -> None:
    """A word for people, on standard error."""
    from rich.text import Text  # noqa: PLC0415  as above

    terminal(stderr=True).print(Text(visible(text), style=style), soft_wrap=True)
