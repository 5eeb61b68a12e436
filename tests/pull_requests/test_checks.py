"""The one normaliser of checks."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests import CheckRunRow, StatusRow, ci_status, newest_checks, outcome_of
from headway_core.pull_requests.check_rows import OUTCOMES, CheckRow
from headway_core.pull_requests.model import Check, CheckOutcome, CIStatus

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


def run(name: str = "test", word: str = "SUCCESS", **fields: Any) -> CheckRunRow:
    """A run of the workflow CI on pull_request in suite 1; `word` is a conclusion or a stage."""
    pending = OUTCOMES.get(word) is CheckOutcome.PENDING
    known: dict[str, Any] = {"app": "github-actions", "workflow": "9", "event": "pull_request", "suite": 1}
    return CheckRunRow(
        name=name,
        status=word if pending else "COMPLETED",
        conclusion=None if pending else word,
        **{**known, **fields},
    )


def words(*rows: CheckRow) -> list[tuple[str, str]]:
    return [(check.name, check.word) for check in newest_checks(rows)]


@pytest.mark.lesson("S1", "S4", "R13")
@pytest.mark.parametrize(
    ("group", "outcome"),
    [
        ("SUCCESS NEUTRAL SKIPPED", CheckOutcome.PASSED),
        ("FAILURE ERROR TIMED_OUT CANCELLED STARTUP_FAILURE", CheckOutcome.FAILED),
        ("ACTION_REQUIRED", CheckOutcome.WAITS_FOR_PERSON),
        ("QUEUED IN_PROGRESS PENDING WAITING REQUESTED EXPECTED", CheckOutcome.PENDING),
        ("STALE COMPLETED NEVER_SEEN", CheckOutcome.UNKNOWN),
    ],
)
def test_each_word_counts_as_the_table_says(group: str, outcome: CheckOutcome) -> None:
    """Every word that GitHub has for a check has its outcome, in any case (S2)."""
    for word in group.split():
        assert outcome_of(word) is outcome
        assert outcome_of(f" {word.lower()} ") is outcome


@pytest.mark.lesson("S1")
def test_a_word_never_seen_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown word is UNKNOWN and logged, once a process, not folded silently."""
    with caplog.at_level(logging.WARNING):
        assert outcome_of("EXPLODED_ONCE") is outcome_of("EXPLODED_ONCE") is CheckOutcome.UNKNOWN
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "EXPLODED_ONCE" in caplog.text


def test_a_conclusion_left_over_from_before_a_rerun_is_none() -> None:
    """What is in progress is pending, whatever conclusion GitHub still tells."""
    row = CheckRunRow(name="test", status="IN_PROGRESS", conclusion="FAILURE")
    assert words(row) == [("test", "IN_PROGRESS")]


def test_a_conclusions_word_as_status_is_unknown() -> None:
    """SUCCESS is no stage of a run: such a row is no success."""
    row = CheckRunRow(name="test", status="SUCCESS", conclusion=None)
    assert newest_checks([row])[0].outcome is CheckOutcome.UNKNOWN


@pytest.mark.lesson("S3")
def test_only_a_run_of_its_own_identity_supersedes_a_check() -> None:
    """A newer run of the workflow supersedes its jobs one by one: what it does not repeat stays."""
    old = (run("a", "FAILURE", suite=1, number=1), run("report", "FAILURE", suite=1, number=2))
    new = (run("a", "SUCCESS", suite=2, number=3),)
    assert words(*old, *new) == [("a", "SUCCESS"), ("report", "FAILURE")]


def test_groups_are_apart_by_app_workflow_and_event() -> None:
    """The same name under another app, workflow or event is another check."""
    rows = (
        run(word="FAILURE", suite=1),
        run(suite=2, app="circleci"),
        run(suite=3, workflow="10"),
        run(suite=4, event="push"),
    )
    checks = newest_checks(rows)
    assert len({check.identity for check in checks}) == len(checks) == 4
    assert ci_status(checks) is CIStatus.FAILURE


@pytest.mark.lesson("S3")
def test_inside_a_suite_the_newest_id_wins() -> None:
    """A re-run replaces the run of the same name; it has a new run id."""
    old, new = run(word="FAILURE", number=11), run(word="SUCCESS", number=12)
    assert [check.run_id for check in newest_checks([new, old])] == ["12"]


def test_a_run_without_a_start_is_the_newest() -> None:
    """A re-run that still waits for a runner counts, whatever its id."""
    done = run(word="FAILURE", number=12, started_at=minutes(0), completed_at=minutes(1))
    queued = run(word="QUEUED", number=11)
    assert words(done, queued) == [("test", "QUEUED")]


def test_two_jobs_of_one_run_are_never_merged_when_their_names_differ_in_case() -> None:
    """`Build` and `build` in one run are two jobs: the failed one counts, and each has an identity."""
    checks = newest_checks([run("Build", "FAILURE", number=1), run("build", "SUCCESS", number=2)])
    assert len({check.identity for check in checks}) == 2
    assert ci_status(checks) is CIStatus.FAILURE


def test_two_jobs_of_one_run_are_never_merged_when_their_times_overlap() -> None:
    """A re-run begins after the run that it repeats ended; what runs beside it is another job."""
    first = run(word="FAILURE", number=1, started_at=minutes(0), completed_at=minutes(5))
    beside = run(word="SUCCESS", number=2, started_at=minutes(1), completed_at=minutes(2))
    after = run(word="SUCCESS", number=2, started_at=minutes(6), completed_at=minutes(7))
    assert ci_status(newest_checks([first, beside])) is CIStatus.FAILURE
    assert ci_status(newest_checks([first, after])) is CIStatus.SUCCESS


def test_an_app_that_reports_a_name_again_has_replaced_its_report() -> None:
    """Outside Actions there are no jobs: the newest check run of a name is the check."""
    first = run(word="IN_PROGRESS", workflow=None, number=1, started_at=minutes(0))
    second = run(word="SUCCESS", workflow=None, number=2, started_at=minutes(1), completed_at=minutes(2))
    assert words(first, second) == [("test", "SUCCESS")]


def test_names_are_compared_without_case_across_runs() -> None:
    """A job whose name changed its case between two runs is the same check."""
    old = run(" CI ", "FAILURE", suite=None, url="https://github.com/o/r/actions/runs/100/job/1")
    new = run("ci", "SUCCESS", suite=None, url="https://github.com/o/r/actions/runs/101/job/1")
    assert [check.identity for check in newest_checks([old, new])] == [
        check.identity for check in newest_checks([new])
    ]


def test_without_suites_the_details_url_orders_the_runs_of_a_name() -> None:
    """What `gh pr view` tells: a newer run replaces the name, not the jobs that only the older run has."""
    rows = [
        run("lint", "FAILURE", suite=None, url="https://github.com/o/r/actions/runs/100/job/11"),
        run("test", "FAILURE", suite=None, url="https://github.com/o/r/actions/runs/100/job/22"),
        run("test", "SUCCESS", suite=None, url="https://github.com/o/r/actions/runs/101/job/33"),
    ]
    assert words(*rows) == [("lint", "FAILURE"), ("test", "SUCCESS")]
    assert {check.run_id for check in newest_checks(rows)} == {"11", "33"}


def test_rows_that_nothing_orders_all_count() -> None:
    """Without ids and times nobody knows which is newer, so a failure is not hidden."""
    bare: dict[str, Any] = {"suite": None, "workflow": None, "app": None, "event": None}
    checks = newest_checks([run(word="FAILURE", **bare), run(word="SUCCESS", **bare)])
    assert ci_status(checks) is CIStatus.FAILURE


def test_without_ids_a_run_that_began_after_the_other_ended_replaces_it() -> None:
    """Times order what ids do not."""
    bare: dict[str, Any] = {"suite": None, "workflow": None}
    old = run(word="FAILURE", started_at=minutes(0), completed_at=minutes(1), **bare)
    new = run(word="SUCCESS", started_at=minutes(2), completed_at=minutes(3), **bare)
    assert words(old, new) == [("test", "SUCCESS")]


def test_a_status_is_the_newest_of_its_context() -> None:
    """By time, else the worst."""
    old = StatusRow(context="ci/x", state="failure", commit="a" * 40, id="S1", created_at=minutes(0))
    new = StatusRow(context="CI/x", state="success", commit="a" * 40, id="S2", created_at=minutes(1))
    untimed = StatusRow(context="ci/y", state="success")
    (x, y) = newest_checks([new, old, untimed, StatusRow(context="ci/y", state="pending")])
    assert (x.identity, x.word) == ("status:ci/x", "SUCCESS")
    assert (y.identity, y.word) == ("status:ci/y", "PENDING")


_POSTED = StatusRow(
    context="ci/build",
    state="failure",
    commit="a" * 40,
    id="S1",
    created_at=minutes(0),
    url="https://ci.example/builds/7",
    summary="2 tests failed",
)


def _which(row: StatusRow) -> str:
    (check,) = newest_checks([row])
    return check.run_id


@pytest.mark.parametrize(
    "again",
    [
        {"id": "S2", "created_at": minutes(9)},
        {"id": None, "created_at": minutes(9)},
        {"id": "S3", "context": "CI/Build", "state": "FAILURE"},
        {"created_at": None, "url": "https://ci.example/builds/7 ", "summary": "\n2 tests failed"},
    ],
)
def test_a_status_that_is_posted_anew_is_the_same_build(again: dict[str, Any]) -> None:
    """Its id, its time and how it is spelled are the post's own: what it says is the same."""
    assert _which(attrs.evolve(_POSTED, **again)) == _which(_POSTED)


@pytest.mark.parametrize(
    "other",
    [
        {"commit": "b" * 40},
        {"state": "error"},
        {"url": "https://ci.example/builds/8"},
        {"url": None},
        {"summary": "3 tests failed"},
        {"url": "https://ci.example/builds/7\n2 tests", "summary": "failed"},
    ],
)
def test_a_status_of_another_head_or_with_other_words_is_another_build(other: dict[str, Any]) -> None:
    """Head, state, address and description tell builds apart, each on its own."""
    assert _which(attrs.evolve(_POSTED, **other)) != _which(_POSTED)


def test_a_torn_page_tells_one_run_once() -> None:
    """The same run, read once before and once after it ended, counts as it ended."""
    before = run(word="IN_PROGRESS", number=5, started_at=minutes(0))
    after = run(word="FAILURE", number=5, started_at=minutes(0), completed_at=minutes(1))
    assert words(before, after) == [("test", "FAILURE")]


def test_the_zero_time_of_gh_is_no_time() -> None:
    """It prints the year 1 for what did not happen."""
    zero = datetime(1, 1, 1, tzinfo=UTC)
    (check,) = newest_checks([run(word="QUEUED", started_at=zero, completed_at=zero)])
    assert (check.started_at, check.completed_at) == (None, None)


def test_parts_of_an_identity_can_not_be_confused() -> None:
    """A slash in a name does not make two checks one."""
    one = run("c", workflow="a/b", event="", suite=1)
    other = run("c", app="github-actions/a", workflow="b", event="", suite=2)
    assert len({check.identity for check in newest_checks([one, other])}) == 2


Row = CheckRunRow | StatusRow

_WORDS = st.one_of(st.sampled_from(sorted(OUTCOMES)), st.text(max_size=8))
_NAMES = st.sampled_from(["lint", "test", "build (3.11)", "docs/html", ""])
_TIMES = st.none() | st.integers(0, 9).map(minutes)
_RUNS = st.builds(
    CheckRunRow,
    name=_NAMES,
    status=st.none() | _WORDS,
    conclusion=st.none() | _WORDS,
    number=st.none() | st.integers(1, 6),
    suite=st.none() | st.integers(1, 3),
    app=st.none() | st.sampled_from(["github-actions", "codecov"]),
    workflow=st.none() | st.sampled_from(["1", "CI"]),
    event=st.none() | st.sampled_from(["push", "pull_request"]),
    started_at=_TIMES,
    completed_at=_TIMES,
    url=st.none() | st.sampled_from([f"https://github.com/o/r/actions/runs/{n}/job/{n}" for n in range(3)]),
    summary=st.none(),
    required=st.none(),
)
_STATUSES = st.builds(
    StatusRow, context=_NAMES, state=st.none() | _WORDS, created_at=_TIMES, id=st.none() | _NAMES
)
_ROWS = st.lists(st.one_of(_RUNS, _STATUSES), max_size=8)


@given(_ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_duplicates_change_nothing(rows: list[Row], chance: Any) -> None:
    """Any order, with any row told twice, gives the same checks; no words raise."""
    shuffled = rows + [row for row in rows if chance.random() < 0.5]
    chance.shuffle(shuffled)
    assert newest_checks(shuffled) == newest_checks(rows)


def _upper(text: str | None) -> str | None:
    return text if text is None else text.upper()


def _shouted(row: Row) -> Row:
    if isinstance(row, StatusRow):
        return StatusRow(context=row.context, state=_upper(row.state), created_at=row.created_at, id=row.id)
    return CheckRunRow(
        name=row.name,
        status=_upper(row.status),
        conclusion=_upper(row.conclusion),
        number=row.number,
        suite=row.suite,
        app=_upper(row.app),
        workflow=_upper(row.workflow),
        event=_upper(row.event),
        started_at=row.started_at,
        completed_at=row.completed_at,
        url=row.url,
    )


@pytest.mark.lesson("S2")
@given(st.lists(_RUNS, max_size=8).filter(lambda rows: all(_ascii(row) for row in rows)))
def test_case_changes_nothing(rows: list[Row]) -> None:
    """The case of words and of what identifies a group plays no part."""
    assert newest_checks(_shouted(row) for row in rows) == newest_checks(rows)


def _ascii(row: CheckRunRow) -> bool:
    return all((text or "").isascii() for text in (row.status, row.conclusion))


@given(_ROWS)
def test_no_name_is_lost(rows: list[Row]) -> None:
    """What a source tells without suites is never dropped whole: each name keeps a check."""
    bare = [row for row in rows if isinstance(row, StatusRow) or row.suite is None]
    assert {row.name if isinstance(row, CheckRunRow) else row.context for row in bare} == {
        check.name for check in newest_checks(bare)
    }


@given(_ROWS)
def test_only_rows_that_were_told_become_checks(rows: list[Row]) -> None:
    """No check is made up: each has the name and the word of a row."""
    found: tuple[Check, ...] = newest_checks(rows)
    names = {row.name if isinstance(row, CheckRunRow) else row.context for row in rows}
    assert {check.name for check in found} <= names
    assert len(found) <= len(rows)
