"""Text from outside (refs, titles, paths, logins, what people write) as data that nothing obeys. Pure.

What is plain is a list of what is allowed, by Unicode's categories: a character that this Python does not
know yet is not plain. Nor is any space but the common one, a separator of lines, a direction, or what has no
width.
"""

import json
import unicodedata

_PLAIN = frozenset("LMNPS")
"""Major categories of what people see: letters, marks, numbers, punctuation, symbols."""

_UNSEEN = frozenset(
    {
        0x034F,
        *range(0x115F, 0x1161),
        *range(0x17B4, 0x17B6),
        *range(0x180B, 0x1810),
        0x2800,
        0x3164,
        *range(0xFE00, 0xFE10),
        0xFFA0,
        0xFFFC,
        *range(0xE0100, 0xE01F0),
    }
)
"""Letters, marks and symbols that show nothing: fillers, selectors of variants, the braille blank."""

_FENCE_ENDS = "`<>"
"""What could end a fence, or open a tag or one of a model's own words."""


def is_plain(character: str) -> bool:
    """Whether a character can stand in a line as what it looks like."""
    if character == " ":
        return True
    return character != "`" and unicodedata.category(character)[0] in _PLAIN and ord(character) not in _UNSEEN


def plain(text: str, cap: int) -> str:
    """One line of plain characters, at most `cap` of them: the others are written as `[U+00A0]`, so that
    nothing hides, and what was cut ends in `…`.
    """
    line = "".join(c if is_plain(c) else f"[U+{ord(c):04X}]" for c in text[: cap + 1])
    return line if len(line) <= cap and len(text) <= cap else line[: cap - 1] + "…"


def inert_json(data: object, *, indent: int | None = None) -> str:
    """JSON in ASCII that can't end its fence, and holds no character that is invisible."""
    text = json.dumps(data, indent=indent, ensure_ascii=True)
    for character in _FENCE_ENDS:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def json_size(data: object, *, depth: int = 0) -> int:
    """The bytes that data take within a document of `inert_json` that is indented by one, at that depth, with
    what separates them from the next.
    """
    text = inert_json(data, indent=1)
    return len(text) + depth * (text.count("\n") + 1) + len(",\n")


def beginning(text: str, *, characters: int, size: int) -> str:
    """The longest beginning of a text with at most `characters`, whose JSON has at most `size` bytes."""
    if len(text) <= characters and len(inert_json(text)) <= size:
        return text
    fits, too_long = 0, min(len(text), characters) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(inert_json(text[:middle])) <= size:
            fits = middle
        else:
            too_long = middle
    return text[:fits]


def unstorable(text: str) -> str | None:
    """What no database and no forge takes of a text, in words; None for text that is fine."""
    if "\0" in text:
        return "has a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "has half of a surrogate pair, which is no Unicode"
    return None
