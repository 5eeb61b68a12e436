"""Renew what the documentation takes from the code: `python docs/generate.py`.

A page of reference has a head that is written by hand, down to a line that begins with MARK; what is below
is made of enums, records and their docstrings. In every page a block of code below a comment with a file,
`<!-- examples/embed.py -->`, is that file, and one below `<!-- examples/embed.py: work -->` the function or
class of this name in it. With `--check` nothing is written, and the pages that differ are named.
"""

import ast
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pages.api import reference
from pages.errors import errors
from pages.events import events
from pages.glossary import glossary
from pages.settings import settings
from pages.suites import suites

DOCS = Path(__file__).parent
MARK = "<!-- What follows is made by"
RENEW = "python docs/generate.py"
EXCERPT = re.compile(r"(^<!-- ([\w/]+\.\w+)(?:: (\w+))? -->\n```\w+\n).*?^```$", re.MULTILINE | re.DOTALL)

PAGES: Mapping[str, Callable[[], str]] = {
    "adapters.md": suites,
    "api.md": reference,
    "glossary.md": glossary,
    "settings.md": settings,
    "events.md": events,
    "errors.md": errors,
}


def excerpt(path: Path, name: str | None) -> str:
    """A file, or the definition of one name in it."""
    text = path.read_text("utf-8")
    if name is None:
        return text
    (found,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    return "".join(text.splitlines(keepends=True)[first - 1 : found.end_lineno])


def _with_excerpts(page: str) -> str:
    return EXCERPT.sub(lambda found: f"{found[1]}{excerpt(DOCS.parent / found[2], found[3])}```", page)


def renewed(name: str) -> str:
    """A page as it should be: what is written by hand as it is, the rest made anew."""
    page = _with_excerpts((DOCS / name).read_text("utf-8"))
    if name not in PAGES:
        return page
    head, _, _ = page.partition(MARK)
    return f"{head}{MARK} `{RENEW}`. -->\n\n{PAGES[name]()}\n"


def pages() -> list[str]:
    """Every page of the documentation."""
    return sorted(path.name for path in DOCS.glob("*.md"))


def drifted() -> list[str]:
    """The pages that are not what the code says."""
    return [name for name in pages() if (DOCS / name).read_text("utf-8") != renewed(name)]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which of them differ."""
    names = drifted()
    for name in names:
        if "--check" not in arguments:
            (DOCS / name).write_text(renewed(name), "utf-8")
        print(f"docs/{name} {'differs' if '--check' in arguments else 'renewed'}")
    return 1 if names and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
