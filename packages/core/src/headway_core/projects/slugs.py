"""Slugs: names for folders, branches and addresses, `[a-z0-9-]`, at most 50 characters."""

import itertools
import re
from collections.abc import Callable

from anyascii import anyascii

SLUG_LENGTH = 50
_OTHER = re.compile(r"[^a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slug(text: str, *, otherwise: str) -> str:
    """The slug of a text in any script; `otherwise` (a slug) when nothing of it can be written so."""
    # Only a part is transliterated: a name is short, but a title from outside may not be.
    ascii_text = anyascii(text[: 4 * SLUG_LENGTH]).lower()
    return _OTHER.sub("-", ascii_text).strip("-")[:SLUG_LENGTH].strip("-") or otherwise


def is_slug(text: str) -> bool:
    """Whether the text is a slug as it stands."""
    return len(text) <= SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def first_free(base: str, taken: Callable[[str], bool]) -> str:
    """`base`, else `base-2`, `base-3`, … that is not taken; `base` is shortened to make room."""
    if not taken(base):
        return base
    for number in itertools.count(2):
        suffix = f"-{number}"
        candidate = base[: SLUG_LENGTH - len(suffix)].strip("-") + suffix
        if not taken(candidate):
            return candidate
    raise AssertionError  # pragma: no cover  count() does not end
