"""Checks as sources tell them, before it is known which of them count, and what their words mean."""

import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from headway_core.pull_requests.model import CheckOutcome

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


SUITE = "suite:"
"""What the identity of a run of a workflow without check runs begins with."""

CANCELLED, SKIPPED = "CANCELLED", "SKIPPED"
"""The words that more depends on than what they count as."""


def outcome_of(word: str) -> CheckOutcome:
    """What a conclusion, status or state counts as, whatever its case; UNKNOWN for a word never seen.

    An unknown word is logged once a process (S1).
    """
    known = OUTCOMES.get(plain_word(word))
    if known is None and word not in _NEVER_SEEN:
        _NEVER_SEEN.add(word)
        logger.warning("GitHub says a word about a check that is not known: %.40r", word)
    return known or CheckOutcome.UNKNOWN


def plain_word(text: str | None) -> str:
    """A word of GitHub's in upper case; empty for none."""
    return (text or "").strip().upper()


def stage_word(status: str | None, conclusion: str | None) -> str:
    """The conclusion of what is completed; a conclusion left over from before a re-run is none."""
    status, conclusion = plain_word(status), plain_word(conclusion)
    if status in ("", "COMPLETED"):
        return conclusion or "COMPLETED"
    # A run's status is a stage; a conclusion's word in its place says nothing that we know.
    return status if OUTCOMES.get(status) in (None, CheckOutcome.PENDING) else f"STATUS {status}"


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
    app_id: int | None = None
    """The app's database id, by which rules of a repository name it."""
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
class CheckSuiteRow:
    """One run of a workflow as a whole. It counts when it has no check runs: its file may be broken, or it
    waits to be approved, or for another run of its concurrency group.
    """

    number: int
    """The database id of the suite; grows with time."""
    name: str
    """The workflow's name."""
    status: str | None
    conclusion: str | None
    app: str | None = None
    workflow: str | None = None
    """As in the rows of its check runs."""
    event: str | None = None
    created_at: datetime | None = None
    url: str | None = None


@attrs.frozen(kw_only=True)
class StatusRow:
    """One commit status as a source told it."""

    context: str
    state: str | None
    app: str | None = None
    """The app that posted it; None for a person's token, or when that is not told."""
    commit: str | None = None
    id: str | None = None
    created_at: datetime | None = None
    url: str | None = None
    summary: str | None = None
    required: bool | None = None


CheckRow = CheckRunRow | CheckSuiteRow | StatusRow
