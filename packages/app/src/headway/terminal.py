"""Where people read: a terminal, or a file that it was sent to."""

import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 1_000
"""Columns of what is no terminal: nothing is cut or folded there."""

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of what a terminal obeys, shows otherwise than it stands, or can't be sent: control characters,
directions and what has no width, halves of surrogate pairs, separators of lines.
"""

_UNSEEN = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x2800, 0x3164, 0xFFA0}
    | {*range(0xFFF0, 0xFFF9), 0xFFFE, 0xFFFF, *range(0xE0000, 0xE1000)}
)
"""Letters and marks that show nothing, and numbers that are kept for such. Others that this Python does not
know may be letters of a newer Unicode.
"""


class _Shown(dict[int, str]):
    """What stands for a character, by its number; found when one is met first."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = code in _UNSEEN or unicodedata.category(character) in _OBEYED
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
