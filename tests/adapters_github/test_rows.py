"""Checks out of what GitHub and gh print."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests import ci_status
from headway_core.pull_requests.check_rows import OUTCOMES
from headway_core.pull_requests.model import Check, CheckOutcome, CIStatus
from headway_github import checks_from_rollup

from .conftest import a_run


def _rollups(value: Any) -> list[list[Any]]:
    """Every list of check items in a recorded document, as gh and GraphQL give them."""
    found: list[list[Any]] = []
    if isinstance(value, dict):
        rollup = value.get("statusCheckRollup")
        contexts = rollup.get("contexts") if isinstance(rollup, dict) else None
        if isinstance(contexts, dict) and isinstance(contexts.get("nodes"), list):
            found.append(contexts["nodes"])
        elif isinstance(rollup, list):
            found.append(rollup)
        for inner in value.values():
            found += _rollups(inner)
    elif isinstance(value, list):
        for inner in value:
            found += _rollups(inner)
    return found


@pytest.mark.lesson("S1", "S5")
def test_recorded_rollups_have_no_unexplained_unknown(github_data: Path) -> None:
    """Every recorded document is read; UNKNOWN only for a word that is not in the table."""
    rollups = {
        f"{path.name}[{n}]": items
        for path in sorted((github_data / "rollups").glob("*.json"))
        for n, items in enumerate(_rollups(json.loads(path.read_text())))
    }
    assert len(rollups) >= 8
    seen: dict[str, CIStatus] = {}
    for name, items in rollups.items():
        checks = checks_from_rollup(items)
        assert len(checks) <= len(items)
        assert {check.name for check in checks} <= {
            (item.get("name") or item.get("context") or "").strip() for item in items
        }
        assert [
            check for check in checks if check.outcome is CheckOutcome.UNKNOWN and check.word in OUTCOMES
        ] == []
        seen[name] = ci_status(checks)
    assert CIStatus.UNKNOWN not in seen.values()
    assert {CIStatus.SUCCESS, CIStatus.FAILURE, CIStatus.PENDING} <= set(seen.values())


@pytest.mark.lesson("S4")
def test_a_null_rollup_is_no_checks() -> None:
    """GitHub's null without an error: there are none."""
    assert checks_from_rollup(None) == checks_from_rollup([]) == ()


def test_a_graphql_run_keeps_its_identity_and_ids() -> None:
    """Group, database id, times, URL and the first of its words."""
    run = a_run(44932094595, title="1 failed", summary="test_login: no", conclusion="FAILURE")
    (check,) = checks_from_rollup([run])
    assert check.identity == "run:github-actions/9/pull_request/test"
    assert (check.run_id, check.outcome) == ("44932094595", CheckOutcome.FAILED)
    assert check.summary == "1 failed\ntest_login: no"
    assert check.url == "https://github.com/octo/demo/actions/runs/5/job/44932094595"


def test_what_gh_prints_is_read() -> None:
    """Items of `gh pr view --json statusCheckRollup`: empty conclusions, the zero time, ids in the URL."""
    items = [
        {
            "__typename": "CheckRun",
            "name": "test",
            "workflowName": "CI",
            "status": "IN_PROGRESS",
            "conclusion": "",
            "startedAt": "2026-01-01T11:00:00Z",
            "completedAt": "0001-01-01T00:00:00Z",
            "detailsUrl": "https://github.com/octo/demo/actions/runs/100/job/42",
        },
        {
            "__typename": "StatusContext",
            "context": "ci/x",
            "state": "ERROR",
            "startedAt": "2026-01-01T11:00:00Z",
        },
        {"context": "ci/y", "state": "SUCCESS"},
    ]
    run, x, y = checks_from_rollup(items)
    assert (run.run_id, run.word, run.completed_at) == ("42", "IN_PROGRESS", None)
    assert (x.name, x.outcome, y.name) == ("ci/x", CheckOutcome.FAILED, "ci/y")


@pytest.mark.lesson("S22")
def test_gh_and_graphql_agree_on_every_word() -> None:
    """One normaliser: the same status and conclusion mean the same from both."""
    for status in [*OUTCOMES, "never_seen", ""]:
        for conclusion in [*OUTCOMES, "never_seen", "", None]:
            node = a_run(status=status, conclusion=conclusion)
            gh = {"name": "test", "workflowName": "CI", "status": status, "conclusion": conclusion}
            (one,), (other,) = checks_from_rollup([node]), checks_from_rollup([gh])
            assert (one.word, one.outcome) == (other.word, other.outcome)


@pytest.mark.parametrize("item", [None, 5, "text", [], {}, {"name": 5, "status": [], "conclusion": {}}])
def test_an_item_that_can_not_be_read_is_an_unknown_check(item: Any) -> None:
    """It is neither dropped nor green."""
    assert ci_status(checks_from_rollup([a_run(), item])) is CIStatus.UNKNOWN


def test_outside_text_is_cut_and_cleaned() -> None:
    """Names and summaries are bounded, and no database chokes on them."""
    run = a_run(name="n" * 5000, title="\ud800\x00", summary="é" * 5000)
    (check,) = checks_from_rollup([run])
    assert len(check.name.encode()) <= 300
    assert check.summary is not None
    assert len(check.summary.encode()) <= 2048
    assert check.summary.startswith("?\ufffd")


_WORDS = st.one_of(
    st.none(), st.sampled_from([*OUTCOMES, ""]), st.text(max_size=6), st.integers(), st.booleans()
)
_ITEMS = st.lists(
    st.dictionaries(
        st.sampled_from(
            [
                "__typename",
                "name",
                "context",
                "status",
                "conclusion",
                "state",
                "startedAt",
                "completedAt",
                "detailsUrl",
                "databaseId",
                "checkSuite",
                "workflowName",
                "createdAt",
                "title",
                "summary",
            ]
        ),
        st.one_of(
            _WORDS,
            st.just("2026-01-01T11:00:00Z"),
            st.dictionaries(st.sampled_from(["databaseId", "app", "workflowRun"]), _WORDS),
        ),
    )
    | _WORDS,
    max_size=6,
)


@pytest.mark.lesson("S5")
@given(_ITEMS, st.randoms(use_true_random=False))
def test_no_item_raises_and_no_order_matters(items: list[Any], chance: Any) -> None:
    """Any JSON gives checks, the same ones in any order."""
    checks: tuple[Check, ...] = checks_from_rollup(items)
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert checks_from_rollup(shuffled) == checks
