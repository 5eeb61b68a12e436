"""Check runs and commit statuses."""

import attrs

from headway_sandbox.records import CheckStatus, Conclusion, StatusState


@attrs.frozen(kw_only=True)
class RunView:
    """A check run. `attempts` counts starts of the command, interrupted ones included."""

    id: int
    name: str
    commit: str
    branch: str
    app: str
    event: str | None
    status: CheckStatus
    conclusion: Conclusion | None
    title: str | None
    summary: str | None
    replaced: bool
    attempts: int
    completed_at: str | None


@attrs.frozen(kw_only=True)
class StatusView:
    """A commit status."""

    context: str
    commit: str
    state: StatusState


@attrs.frozen(kw_only=True)
class SetStatus:
    """Add a commit status; `commit` is a branch or a full object name."""

    user: str
    commit: str
    context: str
    state: StatusState
    description: str | None = None
    target_url: str | None = None
    repository: str = ""


@attrs.frozen(kw_only=True)
class ReportCheck:
    """Report a check run of another app; the same name again updates it."""

    commit: str
    name: str
    status: CheckStatus
    conclusion: Conclusion | None = None
    app: str = "other-app"
    title: str | None = None
    summary: str | None = None
    details_url: str | None = None
    workflow: str | None = None  # file it under the first run of this workflow on the commit, as Actions does
    event: str | None = None  # of that run
    fresh: bool = False  # under a new run of the workflow
    repository: str = ""


@attrs.frozen(kw_only=True)
class ReportSuite:
    """Report a run of a workflow that has no check runs: a broken file, an approval that is missing."""

    commit: str
    workflow: str
    event: str
    status: CheckStatus
    conclusion: Conclusion | None = None
    repository: str = ""


@attrs.frozen(kw_only=True)
class SuiteView:
    """A run of a workflow."""

    id: int
    commit: str
    workflow: str | None
    status: CheckStatus | None
    conclusion: Conclusion | None


@attrs.frozen(kw_only=True)
class RerunCheck:
    """Run a finished job again, under a new id.

    In place, as `gh run rerun` does; `fresh` is a new run of the workflow beside the old one.
    """

    run: int
    fresh: bool = False
