"""Which comments of a conversation ask Headway for something: pure, whatever the forge."""

import re
from collections.abc import Iterable

_LINE_END = re.compile(r"\r\n|\n|\r")
"""Markdown's own. At no other separator a quote ends: a stranger who is quoted would speak for who quotes."""
_QUOTE = re.compile(r" {0,3}>")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_COMMAND = re.compile(r" {0,3}/[fF][iI][xX](?![\w/-])")
_TICKS = re.compile(r"`+")
_MENTION = re.compile(r"(?<![\w@/.-])@(\w[\w-]*+)(?![/\w])(?!\.\w)", re.ASCII)
_BOT = "[bot]"


def is_command(text: str) -> bool:
    """Whether it begins with `/fix`, what it quotes (as an answer by e-mail does) left out."""
    first = next((line for line in _own_lines(text) if line.strip()), "")
    return _COMMAND.match(first) is not None


def mentioned(text: str) -> frozenset[str]:
    """The accounts that it addresses, `@login`, in lower case; not those in quotes and in code."""
    found: set[str] = set()
    for line in _outside_code(_own_lines(text)):
        found.update(name.casefold() for name in _MENTION.findall(line))
    return frozenset(found)


def is_request(text: str, account: str | None) -> bool:
    """Whether it asks Headway for something: it begins with `/fix`, or addresses this account.

    `account` is a login, of an app with or without `[bot]`; None when it is not known.
    """
    return is_command(text) or (
        account is not None and account.casefold().removesuffix(_BOT) in mentioned(text)
    )


def _own_lines(text: str) -> Iterable[str]:
    return (line for line in _LINE_END.split(text) if not _QUOTE.match(line))


def _outside_code(lines: Iterable[str]) -> Iterable[str]:
    fence: str | None = None
    for line in lines:
        found = _FENCE.match(line)
        if found is not None and fence in (None, found[1]):
            fence = found[1] if fence is None else None
        elif fence is None:
            parts = _TICKS.sub("`", line).split("`")  # code is what stands between two of them
            yield " ".join(parts[::2] if len(parts) % 2 else [*parts[::2], parts[-1]])
