"""How a command ends, whatever it is that ends it."""

import errno
import json
import sys
from pathlib import Path

import pytest

from headway.cli.runner import demo
from headway.cli.shell import ending
from headway_core.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable

INTERRUPT = BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError("by the way")])
GROUP = ExceptionGroup(
    "several", [ExceptionGroup("inner", [NotFound("project", "x")]), Conflict("a", "b", "c")]
)


@pytest.mark.parametrize(
    ("raised", "code", "next_step"),
    [
        (InvalidInput("name", "is none"), 2, ""),
        (Unavailable("github", "is away", retry_after_s=3.0), 1, "headway up tries it again"),
        (GROUP, 1, "headway project list"),
        (InvalidInput("base", "'nope' has no commit, here or on origin"), 2, "--base names another"),
        (InvalidInput("branch_prefix", "leaves no room"), 2, "headway settings set branch_prefix"),
        (InvalidInput("database", "is the database of another application"), 2, "HEADWAY_DATABASE"),
        (OSError(errno.ENOSPC, "No space left on device", "/data"), 1, ""),
        (KeyboardInterrupt(), 130, ""),
        (INTERRUPT, 130, ""),
    ],
    ids=[
        "wrong",
        "undoable",
        "a group of those",
        "a base that is none",
        "a prefix that can't be",
        "a database that can't be used",
        "a full disk",
        "an interrupt",
        "an interrupt among others",
    ],
)
def test_each_end_has_its_code(
    raised: BaseException, code: int, next_step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone or in groups, as task groups raise them; with a sentence unless a person interrupted, and below
    it what to do, where there is something.
    """

    def run() -> None:
        raise raised

    with pytest.raises(SystemExit) as end:
        ending(run, as_json=True)
    assert end.value.code == code
    said = capsys.readouterr()
    assert bool(said.err) == (code in {1, 2})
    if said.out:
        document = json.loads(said.out)
        sentence, *below = said.err.splitlines()
        assert sentence == f"headway: {document['message']}"
        assert len(below) == bool(next_step)
        assert all(line.startswith(f"headway: {next_step}") for line in below)
        assert set(document) >= {"error", "message", "field"}


def test_an_accident_stays_an_accident() -> None:
    """A defect is no sentence for people: it keeps its traceback, also beside an error that is one."""

    def run() -> None:
        raise ExceptionGroup("several", [NotFound("project", "x"), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup):
        ending(run, as_json=False)

    def look() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/odd")

    with pytest.raises(FileNotFoundError):
        ending(look, as_json=False)


def test_what_was_done_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    """No error: the result, and nothing is printed."""
    assert ending(lambda: 3, as_json=True) == 3
    assert capsys.readouterr() == ("", "")


def test_a_demo_without_its_sandbox_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is told with a command that can be typed."""
    monkeypatch.setitem(sys.modules, "headway_sandbox", None)
    monkeypatch.delitem(sys.modules, "headway.demo.run", raising=False)
    with pytest.raises(SystemExit) as end:
        demo()
    assert end.value.code == 1
    assert "pip install ./packages/sandbox" in capsys.readouterr().err
    assert (Path(__file__).parents[2] / "packages" / "sandbox" / "pyproject.toml").is_file()
