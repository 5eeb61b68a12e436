"""The one normaliser of checks: raw rows of any source become the newest run of each check.

Sources differ (GraphQL with check suites, `gh pr view --json` without, webhooks later); they fill the
two kinds of rows, and every path reads the result of `newest_checks` (S22, I8).
"""

import enum
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import attrs

from headway_core.pull_requests.model import Check, CheckOutcome

logger = logging.getLogger(__name__)

_O = CheckOutcome
OUTCOMES: Mapping[str, CheckOutcome] = MappingProxyType(
    {
        "SUCCESS": _O.PASSED,
        "NEUTRAL": _O.PASSED,
        "SKIPPED": _O.PASSED,
        "FAILURE": _O.FAILED,
        "ERROR": _O.FAILED,
        "TIMED_OUT": _O.FAILED,
        "CANCELLED": _O.FAILED,
        "STARTUP_FAILURE": _O.FAILED,
        "ACTION_REQUIRED": _O.WAITS_FOR_PERSON,
        "QUEUED": _O.PENDING,
        "IN_PROGRESS": _O.PENDING,
        "PENDING": _O.PENDING,
        "WAITING": _O.PENDING,
        "REQUESTED": _O.PENDING,
        "EXPECTED": _O.PENDING,
        "STALE": _O.UNKNOWN,
        "COMPLETED": _O.UNKNOWN,  # without a conclusion
    }
)
"""What each word of GitHub counts as. A word that is missing here is UNKNOWN."""

_NEVER_SEEN: set[str] = set()


def outcome_of(word: str) -> CheckOutcome:
    """What a conclusion, status or state counts as, whatever its case; UNKNOWN for a word never seen.

    An unknown word is logged once a process (S1).
    """
    known = OUTCOMES.get(_word(word))
    if known is None and word not in _NEVER_SEEN:
        _NEVER_SEEN.add(word)
        logger.warning("GitHub says a word about a check that is not known: %.40r", word)
    return known or CheckOutcome.UNKNOWN


def _word(text: str | None) -> str:
    return (text or "").strip().upper()


@attrs.frozen(kw_only=True)
class CheckRunRow:
    """One check run as a source told it. What the source does not tell is None."""

    name: str
    status: str | None
    """QUEUED, IN_PROGRESS, COMPLETED, …, any case."""
    conclusion: str | None
    """None or empty until it is completed."""
    number: int | None = None
    """Its database id; grows with time."""
    suite: int | None = None
    """The database id of its check suite; grows with time."""
    app: str | None = None
    workflow: str | None = None
    """The workflow's database id, or its name where the source knows no id; None outside Actions."""
    event: str | None = None
    """What started the workflow: `push`, `pull_request`, …"""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    url: str | None = None
    summary: str | None = None
    required: bool | None = None


@attrs.frozen(kw_only=True)
class StatusRow:
    """One commit status as a source told it."""

    context: str
    state: str | None
    commit: str | None = None
    id: str | None = None
    created_at: datetime | None = None
    url: str | None = None
    summary: str | None = None
    required: bool | None = None


CheckRow = CheckRunRow | StatusRow

_ACTIONS_URL = re.compile(r"/actions/runs/(\d{1,18})(?:/(?:jobs?|attempts/\d+/jobs?)/(\d{1,18}))?")
_BEFORE_ALL_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def newest_checks(rows: Iterable[CheckRow]) -> tuple[Check, ...]:
    """The newest run of every check, sorted by identity; the order of the rows plays no part.

    Check runs are grouped by (app, workflow, event), and the newest check suite of a group wins
    whole: what an older suite said is superseded, even of a job that the newer one does not have.
    Inside a suite re-runs of one name give way to the newest. Rows without a suite (`gh pr view`)
    are grouped by workflow and name, with the workflow run of the details URL as the suite. Two jobs
    of one run are never merged: inside a run, names that differ in case are two jobs, and so are
    equal names whose times overlap. Rows that can't be ordered all count.
    """
    unique = set(rows)
    runs = [_placed(row) for row in unique if isinstance(row, CheckRunRow)]
    statuses = [row for row in unique if isinstance(row, StatusRow)]
    checks = [*_newest_runs(runs), *_newest_statuses(statuses)]
    return tuple(sorted(checks, key=lambda check: (check.identity, check.run_id, repr(check))))


class _Kind(enum.Enum):
    SUITE = "suite"
    FALLBACK = "fallback"


@attrs.frozen(kw_only=True)
class _Placed:
    """A run with the group that it belongs to and the ids that order it."""

    row: CheckRunRow
    word: str
    group: tuple[str, ...]
    suite: int | None
    number: int | None
    of_workflow: bool

    @property
    def started_at(self) -> datetime | None:
        return _real(self.row.started_at)

    @property
    def completed_at(self) -> datetime | None:
        return _real(self.row.completed_at)

    @property
    def newness(self) -> tuple[bool, int]:
        """Orders re-runs of one check: one that waits for its start is the newest, then the id decides."""
        waits = self.started_at is None and outcome_of(self.word) is CheckOutcome.PENDING
        return (waits, -1 if self.number is None else self.number)

    @property
    def rank(self) -> tuple[object, ...]:
        """Any total order of different rows with one id (torn pages): the one that is further wins."""
        done = self.row.status is not None and _word(self.row.status) == "COMPLETED"
        return (done, self.completed_at or _BEFORE_ALL_TIME, _severity(self.word), repr(self.row))


def _real(time: datetime | None) -> datetime | None:
    """Go's zero time, as gh prints it for what did not happen, is no time."""
    return None if time is None or time < _BEFORE_ALL_TIME else time


def _placed(row: CheckRunRow) -> _Placed:
    from_url = _ACTIONS_URL.search(row.url or "")
    run = int(from_url[1]) if from_url else None
    job = int(from_url[2]) if from_url and from_url[2] else None
    name = row.name.strip().casefold()
    group: tuple[str, ...]
    if row.suite is not None:
        group = (_Kind.SUITE.value, _part(row.app), _part(row.workflow), _part(row.event))
    else:
        group = (_Kind.FALLBACK.value, _part(row.app), _part(row.workflow), _part(row.event), name)
    return _Placed(
        row=row,
        word=_run_word(row),
        group=group,
        suite=row.suite if row.suite is not None else run,
        number=row.number if row.number is not None else job,
        of_workflow=bool(row.workflow) or run is not None,
    )


def _run_word(row: CheckRunRow) -> str:
    """The conclusion of what is completed; a conclusion left over from before a re-run is none."""
    status, conclusion = _word(row.status), _word(row.conclusion)
    if status in ("", "COMPLETED"):
        return conclusion or "COMPLETED"
    # A run's status is a stage; a conclusion's word in its place says nothing that we know.
    return status if OUTCOMES.get(status) in (None, CheckOutcome.PENDING) else f"STATUS {status}"


def _part(text: str | None) -> str:
    """A part of an identity: without case, and without the separator."""
    return (text or "").strip().casefold().replace("%", "%25").replace("/", "%2f")


def _newest_runs(runs: list[_Placed]) -> list[Check]:
    groups: dict[tuple[str, ...], list[_Placed]] = {}
    for run in runs:
        groups.setdefault(run.group, []).append(run)
    found = []
    for members in groups.values():
        newest = max((m.suite for m in members if m.suite is not None), default=None)
        # A row without any id can't be ordered against the others: it counts.
        standing = [m for m in members if m.suite in (newest, None)]
        found += _of_suite(standing)
    return found


def _of_suite(members: list[_Placed]) -> list[Check]:
    by_name: dict[str, list[_Placed]] = {}
    for member in members:
        by_name.setdefault(member.row.name.strip(), []).append(member)
    spellings: dict[str, int] = {}
    for name in by_name:
        spellings[name.casefold()] = spellings.get(name.casefold(), 0) + 1
    found = []
    for name, same in by_name.items():
        # Two spellings in one run are two jobs: then, and only then, case is part of the identity.
        shown = name.casefold() if spellings[name.casefold()] == 1 else name
        found += [_check(member, shown) for member in _without_superseded(same)]
    return found


def _without_superseded(same: list[_Placed]) -> list[_Placed]:
    """Of rows with one name in one suite, those that no newer one replaces."""
    by_id: dict[int, _Placed] = {}
    without_id = []
    for member in same:
        if member.number is None:
            without_id.append(member)
        elif member.number not in by_id or by_id[member.number].rank < member.rank:
            by_id[member.number] = member
    standing = [*by_id.values(), *without_id]
    newest = [old for old in standing if not any(_supersedes(new, old) for new in standing)]
    return newest or standing  # times and ids that contradict each other in a circle order nothing


def _supersedes(new: _Placed, old: _Placed) -> bool:
    if new is old:
        return False
    ended, started = old.completed_at, new.started_at
    follows = ended is not None and started is not None and started >= ended
    if new.number is None or old.number is None:
        return follows and not (old.started_at is not None and old.started_at >= started)  # type: ignore[operator]  # follows
    if new.newness <= old.newness:
        return False
    overlap = ended is not None and started is not None and started < ended
    still_running = (
        ended is None and outcome_of(old.word) is CheckOutcome.PENDING and old.started_at is not None
    )
    two_jobs = new.of_workflow and old.of_workflow and (overlap or (still_running and started is not None))
    return not two_jobs


def _check(placed: _Placed, name: str) -> Check:
    row = placed.row
    identity = "/".join([_part(row.app), _part(row.workflow), _part(row.event), name])
    return Check(
        identity=f"run:{identity}",
        name=row.name,
        run_id=_run_id(placed),
        outcome=outcome_of(placed.word),
        word=placed.word,
        required=row.required,
        started_at=placed.started_at,
        completed_at=placed.completed_at,
        url=row.url,
        summary=row.summary,
    )


def _run_id(placed: _Placed) -> str:
    if placed.number is not None:
        return str(placed.number)
    time = placed.started_at or placed.completed_at
    if placed.suite is not None:
        return f"run {placed.suite}"
    return "" if time is None else time.isoformat()


_SEVERITY = (_O.PASSED, _O.UNKNOWN, _O.PENDING, _O.WAITS_FOR_PERSON, _O.FAILED)


def _severity(word: str) -> int:
    return _SEVERITY.index(outcome_of(word))


def _newest_statuses(rows: list[StatusRow]) -> list[Check]:
    """By context the newest; of those that no time orders, the worst."""

    def newness(row: StatusRow) -> tuple[object, ...]:
        word = _word(row.state)
        return (_real(row.created_at) or _BEFORE_ALL_TIME, _severity(word), word, repr(row))

    by_context: dict[str, StatusRow] = {}
    for row in rows:
        context = row.context.strip().casefold()
        if context not in by_context or newness(by_context[context]) < newness(row):
            by_context[context] = row
    return [_status(context, row) for context, row in by_context.items()]


def _status(context: str, row: StatusRow) -> Check:
    word = _word(row.state)
    return Check(
        identity=f"status:{context}",
        name=row.context,
        run_id=f"{row.commit or ''}:{_said(word, row)}",
        outcome=outcome_of(word),
        word=word,
        required=row.required,
        started_at=_real(row.created_at),
        completed_at=None,
        url=row.url,
        summary=row.summary,
    )


def _said(word: str, row: StatusRow) -> str:
    """What a status says, in short: one that is posted anew with the same words is the same build.

    Its own id and time are new with each post, and tell no build from another.
    """
    said = json.dumps([word, (row.url or "").strip(), (row.summary or "").strip()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
