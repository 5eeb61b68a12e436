"""A check as it is kept, and those that must be there whether or not they have reported."""

import enum
from datetime import datetime

import attrs


class CheckOutcome(enum.StrEnum):
    """What a single check counts as."""

    PASSED = "passed"
    """It succeeded, was neutral or was skipped."""
    FAILED = "failed"
    """It failed, timed out, was cancelled or could not start."""
    WAITS_FOR_PERSON = "waits_for_person"
    """A person has to act before it goes on (GitHub's `action_required`)."""
    PENDING = "pending"
    """It is queued or runs."""
    UNKNOWN = "unknown"
    """It ended without a conclusion, is stale, or has a conclusion that Headway does not know."""


@attrs.frozen(kw_only=True)
class Check:
    """The newest run of one check, a status context, or a run of a workflow that has no check runs."""

    identity: str
    """Stable across re-runs: `run:<app>/<workflow>/<event>/<name>`, `status:<context>` or
    `suite:<app>/<workflow>/<event>`, lower case but for names that nothing else tells apart.
    """
    name: str
    """As GitHub wrote it: outside text."""
    run_id: str
    """Of a check run its id, a new one a re-run; of a workflow's run `suite <id>`; of a status
    `<head>:<digest>` of its state, address and description: the same posted again is the same.
    """
    outcome: CheckOutcome
    """What it counts as."""
    word: str
    """GitHub's conclusion or status, upper case."""
    app: str | None = None
    """The app that reported it; None for a status of a person's token, or when that was not told."""
    required: bool | None = None
    """Whether the base requires it; None when nobody told."""
    started_at: datetime | None = None
    """When it started; None when that was not told."""
    completed_at: datetime | None = None
    """When it ended; None while it runs, or when that was not told."""
    url: str | None = None
    """Where people read more; outside text."""
    summary: str | None = None
    """Title and first lines of the output: outside text, cut to 2 KiB."""


@attrs.frozen(kw_only=True)
class PinnedCheck:
    """A required context of which one app's report alone counts."""

    context: str
    """The context."""
    app: str
    """The app, as in `Check`; `app <id>` while its name is not known."""


@attrs.frozen(kw_only=True)
class ExpectedCheck:
    """A check that the head before had, so that this one should have it too."""

    identity: str
    """As in `Check`."""
    name: str
    """As GitHub wrote it: outside text."""
