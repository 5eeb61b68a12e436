"""False green and false red: which run of a check counts when several events and suites are on one head."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from headway_core.pull_requests import CheckRunRow, CheckSuiteRow, StatusRow, ci_status, newest_checks
from headway_core.pull_requests.check_rows import OUTCOMES, CheckRow
from headway_core.pull_requests.model import CheckOutcome, CIStatus

S = CIStatus


def minutes(count: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=count)


def job(name: str, word: str, number: int, suite: int, **fields: Any) -> CheckRunRow:
    """A check run of the workflow CI on pull_request; `word` is a conclusion or a stage."""
    pending = OUTCOMES.get(word) is CheckOutcome.PENDING
    known: dict[str, Any] = {"app": "github-actions", "workflow": "9", "event": "pull_request"}
    return CheckRunRow(
        name=name,
        status=word if pending else "COMPLETED",
        conclusion=None if pending else word,
        number=number,
        suite=suite,
        **{**known, **fields},
    )


def suite(word: str, number: int, **fields: Any) -> CheckSuiteRow:
    """A run of the workflow CI on pull_request as a whole."""
    pending = OUTCOMES.get(word) is CheckOutcome.PENDING
    known: dict[str, Any] = {"name": "CI", "app": "github-actions", "workflow": "9", "event": "pull_request"}
    return CheckSuiteRow(
        number=number,
        status=word if pending else "COMPLETED",
        conclusion=None if pending else word,
        **{**known, **fields},
    )


def status_of(rows: Sequence[CheckRow]) -> CIStatus:
    """The same in every order of the rows."""
    (found,) = {ci_status(newest_checks(order)) for order in permutations(rows)}
    return found


PUSH = {"event": "push"}

NEWER_SUITES: dict[str, tuple[list[CheckRow], CIStatus]] = {
    "a report filed under the first suite stays when a label runs the workflow again": (
        [job("test", "SUCCESS", 1, 1), job("junit", "FAILURE", 2, 1), job("test", "SUCCESS", 3, 2)],
        S.FAILURE,
    ),
    "a report filed under another workflow's suite stays when that one runs again": (
        [
            job("lint", "SUCCESS", 1, 1, workflow="7"),
            job("junit", "FAILURE", 2, 1, workflow="7"),
            job("test", "SUCCESS", 3, 2),
            job("lint", "SUCCESS", 4, 3, workflow="7"),
        ],
        S.FAILURE,
    ),
    "a report that is filed anew under the same suite replaces the former one": (
        [job("junit", "FAILURE", 2, 1), job("test", "SUCCESS", 3, 2), job("junit", "SUCCESS", 4, 1)],
        S.SUCCESS,
    ),
    "a report that is filed anew under a newer suite replaces the former one": (
        [job("junit", "FAILURE", 2, 1), job("junit", "SUCCESS", 4, 2)],
        S.SUCCESS,
    ),
    "a job of an older run that is run again in place is newer than the newer run": (
        [job("test", "SUCCESS", 3, 2), job("test", "FAILURE", 4, 1)],
        S.FAILURE,
    ),
    "what the newer run of a workflow never came to is still told by the older one": (
        [job("test", "SUCCESS", 1, 1), job("e2e", "TIMED_OUT", 2, 1), job("test", "QUEUED", 3, 2)],
        S.FAILURE,
    ),
    "two jobs of the newest run with one name are two": (
        [
            job("test", "FAILURE", 1, 1, started_at=minutes(0), completed_at=minutes(1)),
            job("test", "FAILURE", 2, 2, started_at=minutes(2), completed_at=minutes(5)),
            job("test", "SUCCESS", 3, 2, started_at=minutes(3), completed_at=minutes(4)),
        ],
        S.FAILURE,
    ),
    "both jobs of one name are superseded by the two of a newer run": (
        [
            job("test", "FAILURE", 1, 1, started_at=minutes(0), completed_at=minutes(2)),
            job("test", "SUCCESS", 2, 1, started_at=minutes(1), completed_at=minutes(2)),
            job("test", "SUCCESS", 3, 2, started_at=minutes(3), completed_at=minutes(5)),
            job("test", "SUCCESS", 4, 2, started_at=minutes(4), completed_at=minutes(5)),
        ],
        S.SUCCESS,
    ),
}


@pytest.mark.lesson("S3")
@pytest.mark.parametrize(("rows", "status"), NEWER_SUITES.values(), ids=NEWER_SUITES)
def test_a_newer_suite_supersedes_nothing_but_runs_of_the_same_check(
    rows: list[CheckRow], status: CIStatus
) -> None:
    """A failure is dropped by a newer run of its own check alone, whichever suites they are filed under."""
    assert status_of(rows) is status


def _timed(
    word: str, number: int, in_suite: int, began: float, ended: float | None, **more: Any
) -> CheckRunRow:
    completed = None if ended is None else minutes(ended)
    return job("E2E", word, number, in_suite, started_at=minutes(began), completed_at=completed, **more)


SKIPPED: dict[str, tuple[list[CheckRow], CIStatus]] = {
    "while the first run goes on": (
        [_timed("IN_PROGRESS", 1, 1, 0, None), _timed("SKIPPED", 2, 2, 1, 1)],
        S.PENDING,
    ),
    "while the first run waits for a runner": (
        [job("E2E", "QUEUED", 1, 1), job("E2E", "SKIPPED", 2, 2)],
        S.PENDING,
    ),
    "while the first run waits for its environment": (
        [job("E2E", "WAITING", 1, 1, started_at=minutes(0)), job("E2E", "SKIPPED", 2, 2)],
        S.PENDING,
    ),
    "before the first run failed": (
        [_timed("FAILURE", 1, 1, 0, 9), _timed("SKIPPED", 2, 2, 1, 1)],
        S.FAILURE,
    ),
    "before the first run was timed out": (
        [_timed("TIMED_OUT", 1, 1, 0, 9), _timed("SKIPPED", 2, 2, 1, 1)],
        S.FAILURE,
    ),
    "before the first run succeeded": (
        [_timed("SUCCESS", 1, 1, 0, 9), _timed("SKIPPED", 2, 2, 1, 1)],
        S.SUCCESS,
    ),
    "and the first run was cancelled for it": (
        [_timed("CANCELLED", 1, 1, 0, 1), _timed("SKIPPED", 2, 2, 2, 2)],
        S.FAILURE,
    ),
    "and the first run was cancelled for it, and then the job ran": (
        [_timed("CANCELLED", 1, 1, 0, 1), _timed("SKIPPED", 2, 2, 2, 2), _timed("SUCCESS", 3, 3, 3, 4)],
        S.SUCCESS,
    ),
    "after the first run failed: nobody wants the job any more": (
        [_timed("FAILURE", 1, 1, 0, 1), _timed("SKIPPED", 2, 2, 2, 2)],
        S.SUCCESS,
    ),
    "and then the job ran": (
        [_timed("IN_PROGRESS", 1, 1, 0, None), _timed("SKIPPED", 2, 2, 1, 1), _timed("SUCCESS", 3, 3, 2, 4)],
        S.SUCCESS,
    ),
}


@pytest.mark.parametrize(("rows", "status"), SKIPPED.values(), ids=SKIPPED)
def test_what_was_skipped_supersedes_nothing_that_still_went_on(
    rows: list[CheckRow], status: CIStatus
) -> None:
    """A label's run skips a job while the first run of it goes on: how that ends is what counts."""
    assert status_of(rows) is status


TWINS: dict[str, tuple[list[CheckRow], list[str]]] = {
    "by the pull request's run": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "SUCCESS", 2, 2)],
        ["SUCCESS"],
    ),
    "by one that still runs": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "IN_PROGRESS", 2, 2)],
        ["IN_PROGRESS"],
    ),
    "by one that failed": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "FAILURE", 2, 2)],
        ["FAILURE"],
    ),
    "by the merge group's run": (
        [job("Test", "CANCELLED", 1, 1), job("test", "SUCCESS", 2, 2, event="merge_group")],
        ["SUCCESS"],
    ),
    "of another workflow is none": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "SUCCESS", 2, 2, workflow="10")],
        ["CANCELLED", "SUCCESS"],
    ),
    "of another app is none": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "SUCCESS", 2, 2, app="other")],
        ["CANCELLED", "SUCCESS"],
    ),
    "of another job is none": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("lint", "SUCCESS", 2, 2)],
        ["CANCELLED", "SUCCESS"],
    ),
    "that was cancelled as well is none": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "CANCELLED", 2, 2)],
        ["CANCELLED", "CANCELLED"],
    ),
    "that was skipped did not run in its place": (
        [job("test", "CANCELLED", 1, 1, **PUSH), job("test", "SKIPPED", 2, 2)],
        ["CANCELLED", "SKIPPED"],
    ),
    "does not stand for a failure": (
        [job("test", "FAILURE", 1, 1, **PUSH), job("test", "SUCCESS", 2, 2)],
        ["FAILURE", "SUCCESS"],
    ),
    "of the same event is just the newer run": (
        [job("test", "CANCELLED", 1, 1), job("test", "SUCCESS", 2, 2)],
        ["SUCCESS"],
    ),
}


@pytest.mark.parametrize(("rows", "left"), TWINS.values(), ids=TWINS)
def test_the_twin_of_a_cancelled_run(rows: list[CheckRow], left: list[str]) -> None:
    """A concurrency group cancels the push's run for the pull request's: the other event's run counts."""
    for order in permutations(rows):
        assert sorted(check.word for check in newest_checks(order)) == left


STATUS = StatusRow(context="license/cla", state="SUCCESS", created_at=minutes(0))
OF_PUSH = suite("STARTUP_FAILURE", 4, **PUSH)

WITHOUT_RUNS: dict[str, tuple[list[CheckRow], CIStatus]] = {
    "of a broken workflow file": ([suite("STARTUP_FAILURE", 1)], S.FAILURE),
    "of a broken workflow file beside a foreign status": ([suite("FAILURE", 1), STATUS], S.FAILURE),
    "of one broken workflow beside a sound one": (
        [suite("FAILURE", 1, workflow="7"), suite("SUCCESS", 2), job("test", "SUCCESS", 3, 2)],
        S.FAILURE,
    ),
    "that waits for approval": ([suite("ACTION_REQUIRED", 1), STATUS], S.PENDING),
    "that waits for its concurrency group": ([suite("PENDING", 1), STATUS], S.PENDING),
    "that nothing had to be done for": ([suite("SKIPPED", 1), STATUS], S.SUCCESS),
    "that went stale": ([suite("STALE", 1), STATUS], S.UNKNOWN),
    "that ended without a word": ([suite("COMPLETED", 1), STATUS], S.UNKNOWN),
    "in place of which the next run has jobs": (
        [suite("FAILURE", 1), job("test", "SUCCESS", 3, 2)],
        S.SUCCESS,
    ),
    "after a run that had jobs": ([job("test", "SUCCESS", 3, 1), suite("FAILURE", 2)], S.FAILURE),
    "that waits while the label's run is skipped": (
        [suite("QUEUED", 1), job("test", "SKIPPED", 3, 2)],
        S.PENDING,
    ),
    "that was cancelled for the label's run, which skips its job": (
        [suite("CANCELLED", 1), job("test", "SKIPPED", 3, 2)],
        S.FAILURE,
    ),
    "that was cancelled for the run of another event": (
        [suite("CANCELLED", 1, **PUSH), job("test", "SUCCESS", 3, 2)],
        S.SUCCESS,
    ),
    "that was cancelled for none": (
        [suite("CANCELLED", 1, **PUSH), job("test", "SUCCESS", 3, 2, workflow="7")],
        S.FAILURE,
    ),
    "that has runs is no check of its own": ([suite("FAILURE", 1), job("test", "SUCCESS", 3, 1)], S.SUCCESS),
    "of another event is another": ([OF_PUSH, job("test", "SUCCESS", 3, 5)], S.FAILURE),
}


@pytest.mark.parametrize(("rows", "status"), WITHOUT_RUNS.values(), ids=WITHOUT_RUNS)
def test_a_run_of_a_workflow_without_check_runs(rows: list[CheckRow], status: CIStatus) -> None:
    """It counts as one check: absence of check runs is no success."""
    assert status_of(rows) is status


def test_a_suite_without_runs_has_its_workflows_name() -> None:
    """People see which workflow it is, and a cause has an identity that no job has."""
    (check,) = newest_checks([suite("STARTUP_FAILURE", 1, name="Build & test")])
    assert (check.name, check.word) == ("Build & test", "STARTUP_FAILURE")
    (own,) = newest_checks([job("Build & test", "SUCCESS", 3, 2)])
    assert own.identity != check.identity


PERSONS = (
    ("PENDING", "Your job needs approval"),
    ("PENDING", "Build is on hold"),
    ("PENDING", "Awaiting approval from alice"),
    ("PENDING", "Waiting for manual approval"),
    ("PENDING", "Contributor License Agreement is not signed yet."),
    ("PENDING", "0/1 required approvals"),
    ("PENDING", "Approval required"),
    ("PENDING", "Waiting for approval"),
    ("PENDING", "Pending review"),
    ("PENDING", "Not mergeable. Needs approved, lgtm labels."),
    ("PENDING", "Needs /ok-to-test"),
    ("PENDING", "Build #7 is blocked"),
    ("PENDING", "Can one of the admins verify this patch?"),
    ("EXPECTED", "Waiting for a maintainer to start the build"),
    ("FAILURE", "Authorization required to deploy."),
    ("ERROR", "Missing CLA authorization."),
    ("FAILURE", "This deployment requires manual approval"),
)
MACHINES = (
    ("PENDING", None),
    ("PENDING", "Waiting for status to be reported"),
    ("PENDING", "Build is running"),
    ("PENDING", "Pending"),
    ("PENDING", "waiting for a runner"),
    ("PENDING", "Blocked by another build"),
    ("PENDING", "Review in progress"),
    ("PENDING", "Running manual_approval_test.py"),
    ("FAILURE", "2 tests failed: test_requires_approval"),
    ("FAILURE", "Build failed: deploy needs authorization"),
    ("FAILURE", "Your tests failed on CircleCI"),
    ("SUCCESS", "Approval required no more"),
)


@pytest.mark.parametrize(
    ("state", "text", "waits"),
    [*((*row, True) for row in PERSONS), *((*row, False) for row in MACHINES)],
)
def test_a_status_whose_words_ask_for_a_person(state: str, text: str | None, waits: bool) -> None:
    """A status has no word for it, so its description tells; a failure of a build stays one."""
    (check,) = newest_checks([StatusRow(context="ci/hold", state=state, summary=text)])
    assert (check.outcome is CheckOutcome.WAITS_FOR_PERSON) is waits


@pytest.mark.parametrize("text", ["waiting for " * 400, "pending " + "a " * 4000, "manual " * 3000])
def test_a_long_description_takes_no_time(text: str) -> None:
    """Descriptions are outside text: no pattern takes long on any."""
    newest_checks([StatusRow(context="x", state="PENDING", summary=text)])
