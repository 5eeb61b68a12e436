"""Text for people: whatever it says and wherever it is from, a terminal only shows it."""

from typing import Any

from rich import text

from headway.terminal import one_line, visible


class Text(text.Text):
    """Rich's text in one line, without the characters that a terminal obeys, or that hide or reorder others.

    `lines`: what is printed has lines of its own.
    """

    def __init__(self, plain: str = "", style: str = "", *, lines: bool = False, **options: Any) -> None:
        super().__init__(visible(plain) if lines else one_line(plain), style, **options)
