"""The tables of the earlier system: where its rule is kept we agree, where not the reason has a name."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headway_core.pull_requests import ci_status, pr_state
from headway_core.pull_requests.model import CIStatus, GitHubState, ReviewDecision
from headway_github import checks_from_rollup

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
CI_ROWS: list[dict[str, Any]] = json.loads((GOLDEN / "ci_status.json").read_text())
PR_ROWS: list[dict[str, Any]] = json.loads((GOLDEN / "pr_state.json").read_text())

Row = Mapping[str, Any]


def _items(row: Row) -> list[dict[str, Any]]:
    return row["input"]["statusCheckRollup"] or []


def _words(row: Row) -> list[str]:
    return [str(i.get("conclusion") or i.get("status") or i.get("state") or "").upper() for i in _items(row)]


def _null_rollup(row: Row, ours: CIStatus) -> bool:
    """GitHub's null rollup, without an error at its path, means no checks, not unread."""
    return row["input"]["statusCheckRollup"] is None and (row["expected"], ours) == ("UNKNOWN", "SUCCESS")


def _waits_for_person(row: Row, ours: CIStatus) -> bool:
    """ACTION_REQUIRED waits for a person: nothing that a fixer could mend, so it is no failure."""
    return "ACTION_REQUIRED" in _words(row) and (row["expected"], ours) == ("FAILURE", "PENDING")


def _one_table_for_both_paths(row: Row, ours: CIStatus) -> bool:
    """WAITING and REQUESTED are pending on every path; the old paths disagreed (S22)."""
    waiting = {"WAITING", "REQUESTED"} & set(_words(row))
    return bool(waiting) and (row["expected"], ours) == ("UNKNOWN", "PENDING")


def _startup_failure_fails(row: Row, ours: CIStatus) -> bool:
    """STARTUP_FAILURE failed on every path; the ratchet's folded it to unknown (R13, S22)."""
    return "STARTUP_FAILURE" in _words(row) and row["expected"] != "FAILURE" and ours == "FAILURE"


def _newest_id_wins(row: Row, ours: CIStatus) -> bool:
    """Of re-runs in one run the newest id wins; the old rule let any timestamp beat none."""
    items = _items(row)
    same_run = len(items) == 2 and len({str(i.get("detailsUrl")).split("/job/")[0] for i in items}) == 1
    untimed = any("startedAt" not in i and "completedAt" not in i for i in items)
    return same_run and untimed and (row["expected"], ours) == ("SUCCESS", "FAILURE")


CI_DIFFERENCES: tuple[Callable[[Row, CIStatus], bool], ...] = (
    _null_rollup,
    _waits_for_person,
    _one_table_for_both_paths,
    _startup_failure_fails,
    _newest_id_wins,
)


def _ours(row: Row) -> CIStatus:
    return ci_status(checks_from_rollup(row["input"]["statusCheckRollup"]))


@pytest.mark.lesson("S1", "S2", "S3", "S22", "R13")
def test_ci_status_agrees_with_the_golden_table_but_for_named_reasons() -> None:
    """Every row gives the old answer, or one difference with a name explains it."""
    unexplained = [
        (row["name"], row["expected"], _ours(row).value)
        for row in CI_ROWS
        if _ours(row) != row["expected"] and not any(reason(row, _ours(row)) for reason in CI_DIFFERENCES)
    ]
    assert unexplained == []


@pytest.mark.parametrize("reason", CI_DIFFERENCES, ids=lambda reason: reason.__name__)
def test_every_named_difference_is_used(reason: Callable[[Row, CIStatus], bool]) -> None:
    """A reason that no row needs would hide a defect."""
    assert any(reason(row, _ours(row)) for row in CI_ROWS)


@pytest.mark.lesson("S22")
def test_both_old_paths_get_one_answer() -> None:
    """The same items give the same status on what were two paths, which only differ in giving names."""
    answers: dict[str, set[CIStatus]] = {}
    for row in CI_ROWS:
        nameless = [{k: v for k, v in item.items() if k != "name"} for item in _items(row)]
        answers.setdefault(json.dumps(nameless, sort_keys=True), set()).add(_ours(row))
    assert {key: found for key, found in answers.items() if len(found) > 1} == {}


def _pr_rows(fn: str) -> list[dict[str, Any]]:
    return [row for row in PR_ROWS if row["fn"] == fn]


def test_pr_state_agrees_with_the_golden_table() -> None:
    """No difference: the first match is the old one."""
    rows = _pr_rows("computePRState")
    assert rows
    for row in rows:
        given = row["input"]
        decision = given["reviewDecision"]
        assert row["expected"] == pr_state(
            GitHubState(given["state"]),
            draft=given["isDraft"],
            review_decision=ReviewDecision(decision) if decision else None,
        )


def test_the_words_of_review_decisions_are_githubs() -> None:
    """The old normalisation keeps the words that we keep."""
    for row in _pr_rows("reviewDecision normalisation"):
        assert ReviewDecision(row["input"]["reviewDecision"]) == row["expected"]


def test_no_other_function_of_the_table_is_ours() -> None:
    """Attaching takes a number of the project's repository, so that no URL is parsed here."""
    ours = {"computePRState", "reviewDecision normalisation"}
    assert {row["fn"] for row in PR_ROWS} - ours == {"attachPR url validation"}
