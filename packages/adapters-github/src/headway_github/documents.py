"""The GraphQL documents, read from the files beside this one; each has only the fragments it spreads."""

import re
from collections.abc import Collection
from functools import cache
from importlib import resources

import attrs

_SPREAD = re.compile(r"\.\.\.(?!\s*on\b)\s*(\w+)")
_FRAGMENT = re.compile(
    r"^fragment (\w+) on [^{]*\{.*?^\}$|^fragment (\w+) on [^{\n]*\{[^\n]*\}$", re.DOTALL | re.MULTILINE
)
_OPERATION = re.compile(r"^(query|mutation) (\w+)", re.MULTILINE)
_OPTIONAL = re.compile(r"^.*\S  # optional: (.*)$\n?", re.MULTILINE)
_BRANCH = re.compile(r"^ *of: pullRequests\(.*$", re.MULTILINE)

BRANCHES_A_CALL = 50


@attrs.frozen
class Document:
    """One operation with its fragments, as it is sent."""

    name: str
    text: str = attrs.field(repr=False)
    writes: bool = False
    """It is a mutation: sent once, never again by itself."""
    source: str = attrs.field(default="", repr=False)
    """Its operation, without fragments."""

    @property
    def optional(self) -> frozenset[str]:
        """The things of GitHub's schema without which it can be asked: `Type.field`, or a type."""
        return frozenset(name for names in _OPTIONAL.findall(self.text) for name in names.split())

    def without(self, lacking: Collection[str]) -> "Document":
        """The document for a server that lacks these things, as far as it can be asked without them."""
        lacks = frozenset(lacking) & self.optional
        return _complete(self.source, lacks) if lacks else self


def _file(name: str) -> str:
    return (resources.files("headway_github") / "graphql" / f"{name}.graphql").read_text(encoding="utf-8")


@cache
def _fragments() -> dict[str, str]:
    return {found[1] or found[2]: found[0] for found in _FRAGMENT.finditer(_file("fragments"))}


@cache
def _complete(source: str, lacking: frozenset[str] = frozenset()) -> Document:
    """The document with every fragment that it spreads, directly or not, in the order of first use.

    Lines that need what is lacking are left out, and so are fragments that only they spread: GitHub
    refuses a fragment that is not used.
    """

    def kept(text: str) -> str:
        return _OPTIONAL.sub(lambda line: "" if lacking & {*line[1].split()} else line[0], text)

    needed: dict[str, str] = {}
    text = kept(source)
    pending = _SPREAD.findall(text)
    while pending:
        name = pending.pop(0)
        if name not in needed:
            needed[name] = kept(_fragments()[name])
            pending += _SPREAD.findall(needed[name])
    operation = _OPERATION.search(text)
    assert operation is not None
    return Document(operation[2], "\n".join([text, *needed.values()]), operation[1] == "mutation", source)


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
    "suites",
    "head_suites",
    "group_checks",
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
