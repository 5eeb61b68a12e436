"""What people and programs are told of a card, beside its statuses."""

import ast
import io
import unicodedata
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from headway import render, serialize
from headway_core.board import Card, WorkspaceView, card
from headway_core.operations.model import HoldsIgnored, Settled
from headway_core.pull_requests.model import (
    Base,
    FailureKind,
    Head,
    MergeQueueEntry,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.ratchet import RatchetRecord
from headway_core.settings import SettingsRecord
from headway_core.workspaces import InitOutput, Workspace
from headway_core.workspaces.model import WorkspaceStatus
from headway_testing.conversations import STRANGER, a_comment, a_thread, some_facts
from headway_testing.observations import a_check
from headway_testing.records import a_project, a_workspace


def _card(workspace: Workspace, problem: str | None) -> Card:
    view = WorkspaceView(
        settings=SettingsRecord(),
        project=a_project(),
        workspace=workspace,
        host_lost=False,
        snapshot=PullRequestSnapshot(workspace_id=workspace.id),
        watch=PullRequestWatch(
            workspace_id=workspace.id,
            failure=None if problem is None else FailureKind.UNAVAILABLE,
            problem=problem,
        ),
        ratchet=RatchetRecord(workspace_id=workspace.id, enabled=True),
        sessions=(),
        activity={},
        prompted=frozenset(),
    )
    return card(view)


def test_a_warning_does_not_hide_that_github_was_not_read() -> None:
    """All that is wrong is said, the gravest first; the document has it as a list, and the gravest alone."""
    both = _card(a_workspace(warning="the start-up script failed"), "it is down")
    assert render.remarks(both) == (
        "GitHub was not read: unavailable: it is down",
        "the start-up script failed",
    )
    assert render.line(both).endswith(
        ": GitHub was not read: unavailable: it is down; the start-up script failed"
    )
    told = serialize.card(both)
    assert told["problem"] == "unavailable: it is down"
    assert told["problems"] == [
        {"kind": "forge", "text": "unavailable: it is down"},
        {"kind": "startup", "text": "the start-up script failed"},
    ]
    assert (told["warning"], told["error"]) == ("the start-up script failed", None)


def test_what_is_wrong_with_many_is_said_once() -> None:
    """Below the board each problem has one line, with whom it is about."""
    out = io.StringIO()
    cards = [
        _card(a_workspace("w1", name="One", warning="the start-up script failed"), "it is down"),
        _card(a_workspace("w2", name="Two"), "it is down"),
    ]
    render.board(cards, Console(file=out, width=200))
    below = out.getvalue().splitlines()[3:]
    assert below == [
        "2 workspaces: GitHub was not read: unavailable: it is down",
        "One: the start-up script failed",
    ]


def test_a_card_without_a_problem_says_none() -> None:
    """Neither in words nor in the document."""
    fine = _card(a_workspace(), None)
    assert render.remarks(fine) == ()
    told = serialize.card(fine)
    assert (told["problem"], told["problems"], told["note"]) == (None, [], None)


def _details(of: Card) -> list[str]:
    out = io.StringIO()
    render.details(of, InitOutput(text="", cut=False), Console(file=out, width=1_000))
    return out.getvalue().splitlines()


def test_a_workspace_alone_says_its_problems_in_words() -> None:
    """All that is wrong is one line, the gravest first, without Python's names or what a terminal obeys."""
    told = _details(_card(a_workspace(warning="no \x1b[31mtools"), "it is down"))
    assert "  problems: GitHub was not read: unavailable: it is down; no  [31mtools" in told
    assert "  warning: no  [31mtools" in told
    assert not any("ProblemKind" in line or "\x1b" in line for line in told)
    assert not any("problems:" in line for line in _details(_card(a_workspace(), None)))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (WorkspaceStatus.ARCHIVED, "w1 ARCHIVED"),
        (WorkspaceStatus.FAILED, "w1 FAILED: the start-up script exited with 4"),
    ],
)
def test_an_archive_that_succeeded_tells_no_older_error(status: WorkspaceStatus, told: str) -> None:
    """The error that is stored is told where the archive failed alone."""
    out = io.StringIO()
    settled = a_workspace(status=status, error="the start-up script exited with 4")
    render.archive(Settled(workspace=settled), Console(file=out, width=1_000))
    assert out.getvalue() == f"{told}\n"


def test_an_archive_that_found_ignored_files_late_says_how_to_lose_them() -> None:
    """Those in submodules are found when the worktree is to go."""
    out = io.StringIO()
    problem = "archive failed: worktree '/wt/one': it holds ignored files: lib/.env"
    settled = a_workspace(status=WorkspaceStatus.READY, error=problem)
    render.archive(Settled(workspace=settled), Console(file=out, width=1_000))
    assert out.getvalue() == f"w1 READY: {problem}\narchive with --lose-ignored to lose them\n"


def test_an_archived_workspace_has_nothing_wrong() -> None:
    """What failed before the archive is repeated neither as a problem nor among the facts for people."""
    old = _card(
        a_workspace(status=WorkspaceStatus.ARCHIVED, error="the script failed", warning="it is old"), "down"
    )
    assert render.remarks(old) == ()
    assert serialize.card(old)["problems"] == []
    told = "\n".join(_details(old))
    assert "ARCHIVED" in told
    assert not any(word in told for word in ("the script failed", "it is old", "down"))


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), st.sampled_from("a\x1b\u202e\u2066\n\r\t")
    ),
    max_size=12,
)


def _of_strangers(said: str) -> Card:
    """A card in which everything that comes from outside says the same."""
    quiet = _card(a_workspace(name=said or "w", branch=said or "b", warning=said, error=said), said)
    thread = attrs.evolve(
        a_thread(a_comment(attrs.evolve(STRANGER, login=said), said)), path=said, id=said or "T_1"
    )
    facts = some_facts(
        title=said,
        url=said,
        head=Head(ref=said, commit=said, repository=said, tip=None),
        base=Base(ref=said, commit=said),
        checks=(attrs.evolve(a_check(said), word=said, url=said),),
        threads=(thread,),
        merge_queue=MergeQueueEntry(state=said, position=None),
    )
    view = attrs.evolve(
        quiet.view,
        snapshot=attrs.evolve(quiet.view.snapshot, facts=facts),
        watch=attrs.evolve(quiet.view.watch, unread=(said,)),
    )
    return card(view)


@settings(max_examples=100, deadline=None)
@given(said=HOSTILE)
def test_nothing_that_is_shown_is_obeyed(said: str) -> None:
    """Every page for people, over any text from outside: no direction, no control, no line but ours."""
    its, calm = _of_strangers(said), _of_strangers("-")
    pages: list[Callable[[Card, Console], None]] = [
        lambda its, console: render.board([its], console),
        lambda its, console: render.details(its, InitOutput(text="", cut=False), console),
        render.pull_request,
        render.checks,
        render.threads,
        lambda its, console: render.workspace(its.view.workspace, console),
        lambda its, console: render.archive(
            HoldsIgnored(workspace=its.view.workspace, files=(its.view.workspace.name,)), console
        ),
        lambda its, console: print(render.line(its), file=console.file),
    ]
    for page in pages:
        shown, expected = io.StringIO(), io.StringIO()
        page(its, Console(file=shown, width=10_000))
        page(calm, Console(file=expected, width=10_000))
        told = shown.getvalue()
        assert not {unicodedata.category(c) for c in told if c != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert told.count("\n") <= expected.getvalue().count("\n")


def test_text_for_people_is_made_in_one_place() -> None:
    """No page makes rich's own text, which a terminal may obey."""
    import headway.render  # noqa: PLC0415  its folder alone is wanted

    folder = Path(headway.render.__file__).parent
    for module in set(folder.glob("*.py")) - {folder / "texts.py"}:
        imported = [
            node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)
        ]
        assert not [node for node in imported if node.module in {"rich.text", "rich"}], module
