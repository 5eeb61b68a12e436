"""The GraphQL documents, read from the files beside this one; each has only the fragments it spreads."""

import re
from functools import cache
from importlib import resources

import attrs

_SPREAD = re.compile(r"\.\.\.(?!\s*on\b)\s*(\w+)")
_FRAGMENT = re.compile(
    r"^fragment (\w+) on [^{]*\{.*?^\}$|^fragment (\w+) on [^{\n]*\{[^\n]*\}$", re.DOTALL | re.MULTILINE
)
_OPERATION = re.compile(r"^(query|mutation) (\w+)", re.MULTILINE)
_BRANCH = re.compile(r"^ *of: pullRequests\(.*$", re.MULTILINE)

BRANCHES_A_CALL = 50


@attrs.frozen
class Document:
    """One operation with its fragments, as it is sent."""

    name: str
    text: str = attrs.field(repr=False)
    writes: bool = False
    """It is a mutation: sent once, never again by itself."""


def _file(name: str) -> str:
    return (resources.files("headway_github") / "graphql" / f"{name}.graphql").read_text(encoding="utf-8")


@cache
def _fragments() -> dict[str, str]:
    return {found[1] or found[2]: found[0] for found in _FRAGMENT.finditer(_file("fragments"))}


def _complete(text: str) -> Document:
    """The document with every fragment that it spreads, directly or not, in the order of first use."""
    needed: list[str] = []
    pending = _SPREAD.findall(text)
    while pending:
        name = pending.pop(0)
        if name not in needed:
            needed.append(name)
            pending += _SPREAD.findall(_fragments()[name])
    operation = _OPERATION.search(text)
    assert operation is not None
    joined = "\n".join([text, *(_fragments()[name] for name in needed)])
    return Document(operation[2], joined, operation[1] == "mutation")


@cache
def document(name: str) -> Document:
    """The document in the file of this name."""
    return _complete(_file(name))


@cache
def branches(count: int) -> Document:
    """The document that looks for the pull requests of `count` branches, `$b0` … under `of0` …"""
    text = _file("branches")
    line = _BRANCH.search(text)
    assert line is not None
    lines = [line[0].replace("of:", f"of{n}:").replace("$branch", f"$b{n}") for n in range(count)]
    variables = ", ".join(f"$b{n}: String!" for n in range(count))
    return _complete(text.replace(line[0], "\n".join(lines)).replace("$branch: String!", variables))


NAMES = (
    "detail",
    "contexts",
    "reviews",
    "threads",
    "comments",
    "required",
    "resolve",
    "viewer",
    "account",
    "issue",
    "opened",
    "thread",
    "asked",
    "open_pull_request",
    "resolve_thread",
)
"""The documents that are sent as they stand in their files."""
