"""The one normaliser of checks: raw rows of any source become the newest run of each check.

Sources differ (GraphQL with check suites, `gh pr view --json` without, webhooks later); they fill the
kinds of rows, and every path reads the result of `newest_checks` (S22, I8).
"""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import attrs

from headway_core.pull_requests.check_rows import (
    CANCELLED,
    SKIPPED,
    SUITE,
    CheckRow,
    CheckRunRow,
    CheckSuiteRow,
    StatusRow,
    outcome_of,
    plain_word,
    stage_word,
)
from headway_core.pull_requests.model import Check, CheckOutcome
from headway_core.pull_requests.person_statuses import waits_for_person

_O = CheckOutcome

_ACTIONS_URL = re.compile(r"/actions/runs/(\d{1,18})(?:/(?:jobs?|attempts/\d+/jobs?)/(\d{1,18}))?")
_BEFORE_ALL_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_NOTHING_RAN = (CANCELLED, SKIPPED)
"""A run that ended like this says nothing of what it would have checked."""


def newest_checks(rows: Iterable[CheckRow]) -> tuple[Check, ...]:
    """The newest run of every check, sorted by identity; the order of the rows plays no part.

    A check run is of one check with those of its app, workflow, event and name (without case), whichever
    suites they lie in: only a newer one of these supersedes it, never a newer suite, since a job may file
    its report under the suite of another workflow. The highest id is the newest, and one that waits for
    its start is newer than all. Two jobs of one run are never merged: inside a run, names that differ in
    case are two jobs, and so are equal names whose times overlap. Rows that can't be ordered all count.

    What was skipped supersedes nothing that was still going on, nor what was cancelled, which a concurrency
    group does for it. What was cancelled is superseded by the
    run of another event too: that is the twin for which a concurrency group cancels. A run of a workflow
    without check runs is a check of its own, until a later one of it has some.
    """
    unique = set(rows)
    runs = [_placed(row) for row in unique if isinstance(row, CheckRunRow)]
    suites = [row for row in unique if isinstance(row, CheckSuiteRow)]
    statuses = [row for row in unique if isinstance(row, StatusRow)]
    standing = _standing(runs)
    checks = [
        *(_check(run, name) for run, name in standing if not _has_twin(run, standing)),
        *_without_runs(suites, runs),
        *_newest_statuses(statuses),
    ]
    return tuple(sorted(checks, key=lambda check: (check.identity, check.run_id, repr(check))))


@attrs.frozen(kw_only=True)
class _Placed:
    """A check run with the ids that tell which check it is of, and what it supersedes."""

    row: CheckRunRow
    word: str
    of: tuple[str, str, str]
    """App, workflow and event."""
    run: int | None
    """The run of the workflow that it is a job of, by the suite or by the details URL."""
    id: tuple[int, int] | None
    """Orders the runs of a check; where the source tells no id of its own, job and run of the details URL."""
    of_workflow: bool

    @property
    def name(self) -> str:
        return self.row.name.strip().casefold()

    @property
    def started_at(self) -> datetime | None:
        return _real(self.row.started_at)

    @property
    def completed_at(self) -> datetime | None:
        return _real(self.row.completed_at)

    @property
    def is_pending(self) -> bool:
        return outcome_of(self.word) is CheckOutcome.PENDING

    @property
    def waits(self) -> bool:
        """It was not started yet, so that nothing is newer."""
        return self.started_at is None and self.is_pending

    @property
    def rank(self) -> tuple[object, ...]:
        """Any total order of different rows with one id (torn pages): the one that is further wins."""
        done = self.row.status is not None and plain_word(self.row.status) == "COMPLETED"
        return (done, self.completed_at or _BEFORE_ALL_TIME, _severity(self.word), repr(self.row))


def _real(time: datetime | None) -> datetime | None:
    """Go's zero time, as gh prints it for what did not happen, is no time."""
    return None if time is None or time < _BEFORE_ALL_TIME else time


def _placed(row: CheckRunRow) -> _Placed:
    from_url = _ACTIONS_URL.search(row.url or "")
    run = int(from_url[1]) if from_url else None
    job = int(from_url[2]) if from_url and from_url[2] else None
    told = (row.number, 0) if row.number is not None else None
    return _Placed(
        row=row,
        word=stage_word(row.status, row.conclusion),
        of=(_part(row.app), _part(row.workflow), _part(row.event)),
        run=row.suite if row.suite is not None else run,
        id=told if told or job is None or run is None else (job, run),
        of_workflow=bool(row.workflow) or run is not None,
    )


def _part(text: str | None) -> str:
    """A part of an identity: without case, and without the separator."""
    return (text or "").strip().casefold().replace("%", "%25").replace("/", "%2f")


def _app(name: str | None) -> str | None:
    return name.strip().casefold() if name else None


def _standing(runs: list[_Placed]) -> list[tuple[_Placed, str]]:
    """The runs that no other one of their check supersedes, with the name of the check."""
    by_check: dict[tuple[tuple[str, str, str], str], list[_Placed]] = {}
    for run in runs:
        by_check.setdefault((run.of, run.name), []).append(run)
    return [
        (run, shown)
        for (_, name), members in by_check.items()
        for shown, same in _by_spelling(name, members).items()
        for run in _without_superseded(same)
    ]


def _by_spelling(name: str, members: list[_Placed]) -> dict[str, list[_Placed]]:
    """Two spellings in one run are two jobs: then, and only then, case is part of the identity."""
    in_run: dict[int | None, set[str]] = {}
    for member in members:
        in_run.setdefault(member.run, set()).add(member.row.name.strip())
    if all(len(spellings) == 1 for run, spellings in in_run.items() if run is not None):
        return {name: members}
    found: dict[str, list[_Placed]] = {}
    for member in members:
        found.setdefault(member.row.name.strip(), []).append(member)
    return found


def _without_superseded(same: list[_Placed]) -> list[_Placed]:
    """Of the runs of one check, those that no newer one replaces."""
    by_id: dict[tuple[int, int], _Placed] = {}
    without_id = []
    for member in same:
        if member.id is None:
            without_id.append(member)
        elif member.id not in by_id or by_id[member.id].rank < member.rank:
            by_id[member.id] = member
    standing = [*by_id.values(), *without_id]
    newest = [old for old in standing if not any(_supersedes(new, old) for new in standing)]
    return newest or standing  # times and ids that contradict each other in a circle order nothing


def _supersedes(new: _Placed, old: _Placed) -> bool:
    if new is old or not _is_newer(new, old):
        return False
    if new.word == SKIPPED:
        return not _outlasts(old, new)
    return new.run is None or new.run != old.run or not _are_two_jobs(new, old)


def _is_newer(new: _Placed, old: _Placed) -> bool:
    if new.id is not None and old.id is not None:
        return (new.waits, new.id) > (old.waits, old.id)
    if new.run is not None and old.run is not None and new.run != old.run:
        return new.run > old.run
    ended, started = old.completed_at, new.started_at
    if ended is None or started is None or started < ended:
        return False
    return old.started_at is None or old.started_at < started


def _outlasts(old: _Placed, skipped: _Placed) -> bool:
    """Whether it still went on when the other was skipped, which says nothing of how it ends."""
    at, ended = skipped.completed_at or skipped.started_at, old.completed_at
    went_on = at is not None and ended is not None and ended > at
    return old.is_pending or old.word == CANCELLED or went_on


def _are_two_jobs(new: _Placed, old: _Placed) -> bool:
    """Jobs of one run of a workflow that ran beside each other; a re-run begins after the other's end."""
    if not (new.of_workflow and old.of_workflow) or new.started_at is None:
        return False
    if old.completed_at is not None:
        return new.started_at < old.completed_at
    return old.is_pending and old.started_at is not None


def _has_twin(run: _Placed, standing: list[tuple[_Placed, str]]) -> bool:
    """Whether another event ran the same job of the same workflow in place of this one, cancelled for it."""
    return run.word == CANCELLED and any(
        twin.name == run.name and _ran_instead(run.of, twin.of, twin.word) for twin, _ in standing
    )


def _ran_instead(cancelled: tuple[str, str, str], twin: tuple[str, str, str], word: str) -> bool:
    """Whether a run with this word is one of another event, for which a concurrency group cancels."""
    (app, workflow, event), (twin_app, twin_workflow, twin_event) = cancelled, twin
    same = bool(workflow) and (twin_app, twin_workflow) == (app, workflow)
    return same and twin_event != event and word not in _NOTHING_RAN


def _without_runs(suites: list[CheckSuiteRow], runs: list[_Placed]) -> list[Check]:
    """The runs of workflows that have no check runs, unless a later one of theirs counts in their place."""
    by_number = {suite.number: suite for suite in sorted(suites, key=repr)}
    with_runs = {run.row.suite for run in runs}
    empty = [suite for number, suite in by_number.items() if number not in with_runs]
    return [_suite(suite) for suite in empty if not _is_replaced(suite, empty, runs)]


def _is_replaced(suite: CheckSuiteRow, empty: list[CheckSuiteRow], runs: list[_Placed]) -> bool:
    of, word = _of_suite(suite), _word_of(suite)
    undone = outcome_of(word) is CheckOutcome.PENDING or word == CANCELLED
    later = [
        run for run in runs if run.of == of and run.row.suite is not None and run.row.suite > suite.number
    ]
    if any(run.word != SKIPPED or not undone for run in later):
        return True
    if any(_of_suite(other) == of and other.number > suite.number for other in empty):
        return True
    if word != CANCELLED:
        return False
    others = [*((run.of, run.word) for run in runs), *((_of_suite(each), _word_of(each)) for each in empty)]
    return any(_ran_instead(of, twin, said) for twin, said in others)


def _of_suite(suite: CheckSuiteRow) -> tuple[str, str, str]:
    return (_part(suite.app), _part(suite.workflow), _part(suite.event))


def _word_of(suite: CheckSuiteRow) -> str:
    return stage_word(suite.status, suite.conclusion)


def _suite(suite: CheckSuiteRow) -> Check:
    word = _word_of(suite)
    return Check(
        identity=f"{SUITE}{'/'.join(_of_suite(suite))}",
        name=suite.name,
        run_id=f"suite {suite.number}",
        outcome=outcome_of(word),
        word=word,
        app=_app(suite.app),
        started_at=_real(suite.created_at),
        url=suite.url,
    )


def _check(placed: _Placed, name: str) -> Check:
    row = placed.row
    return Check(
        identity=f"run:{'/'.join([*placed.of, name])}",
        name=row.name,
        run_id=_run_id(placed),
        outcome=outcome_of(placed.word),
        word=placed.word,
        app=_app(row.app),
        required=row.required,
        started_at=placed.started_at,
        completed_at=placed.completed_at,
        url=row.url,
        summary=row.summary,
    )


def _run_id(placed: _Placed) -> str:
    if placed.id is not None:
        return str(placed.id[0])
    time = placed.started_at or placed.completed_at
    if placed.run is not None:
        return f"run {placed.run}"
    return "" if time is None else time.isoformat()


_SEVERITY = (_O.PASSED, _O.UNKNOWN, _O.PENDING, _O.WAITS_FOR_PERSON, _O.FAILED)


def _severity(word: str) -> int:
    return _SEVERITY.index(outcome_of(word))


def _newest_statuses(rows: list[StatusRow]) -> list[Check]:
    """By context the newest; of those that no time orders, the worst."""

    def newness(row: StatusRow) -> tuple[object, ...]:
        word = plain_word(row.state)
        return (_real(row.created_at) or _BEFORE_ALL_TIME, _severity(word), word, repr(row))

    by_context: dict[str, StatusRow] = {}
    for row in rows:
        context = row.context.strip().casefold()
        if context not in by_context or newness(by_context[context]) < newness(row):
            by_context[context] = row
    return [_status(context, row) for context, row in by_context.items()]


def _status(context: str, row: StatusRow) -> Check:
    word = plain_word(row.state)
    outcome = outcome_of(word)
    return Check(
        identity=f"status:{context}",
        name=row.context,
        run_id=f"{row.commit or ''}:{_said(word, row)}",
        outcome=CheckOutcome.WAITS_FOR_PERSON if waits_for_person(outcome, row.summary) else outcome,
        word=word,
        app=_app(row.app),
        required=row.required,
        started_at=_real(row.created_at),
        url=row.url,
        summary=row.summary,
    )


def _said(word: str, row: StatusRow) -> str:
    """What a status says, in short: one that is posted anew with the same words is the same build.

    Its own id and time are new with each post, and tell no build from another.
    """
    said = json.dumps([word, (row.url or "").strip(), (row.summary or "").strip()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
