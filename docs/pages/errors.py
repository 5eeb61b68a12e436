"""Every error, and how the command ends with it: docs/errors.md."""

import inspect
from collections.abc import Iterator

from headway_core.kernel.errors import HeadwayError, InvalidInput
from pages.docstrings import modules, sentence
from pages.markdown import code, table


def errors() -> str:
    """The generated part of the page."""
    for _ in modules():  # a class is known when its module was imported
        pass
    rows = []
    for depth, error in _tree(HeadwayError):
        exit_code = 2 if issubclass(error, InvalidInput) else 1
        name = f"{'· ' * depth}{code(error.__name__)}"
        rows.append([name, sentence(error), _attributes(error), str(exit_code)])
    return table(["error", "meaning", "attributes", "exit code"], rows)


def _tree(root: type[HeadwayError], depth: int = 0) -> Iterator[tuple[int, type[HeadwayError]]]:
    yield depth, root
    for child in sorted(root.__subclasses__(), key=lambda each: each.__name__):
        if child.__module__.startswith("headway_core."):
            yield from _tree(child, depth + 1)


def _attributes(error: type[HeadwayError]) -> str:
    if "__init__" not in vars(error):
        return "" if error is HeadwayError else "as above"
    return ", ".join(code(name) for name in inspect.signature(error).parameters)
