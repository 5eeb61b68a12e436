"""The examples of the documentation, taken out of it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def text(name: str) -> str:
    """A file of the repository."""
    return (ROOT / name).read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    """Its fenced blocks of one language, in order."""
    return [block["text"] for block in _BLOCK.finditer(text(name)) if block["language"] == language]


def commands(name: str, *, mentioning: str) -> list[str]:
    """The lines after a prompt in the one console block that mentions something."""
    (block,) = [block for block in blocks(name, "console") if mentioning in block]
    lines = block.splitlines()
    assert all(line.startswith("$ ") for line in lines), lines
    return [line.removeprefix("$ ") for line in lines]
