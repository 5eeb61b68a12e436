"""How a refresh and a webhook delivery ended: closed unions, never exceptions for what a forge answers."""

import attrs

from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.reconciliation import RefusalReason


@attrs.frozen(kw_only=True)
class Refreshed:
    """Facts changed and are stored."""

    changed: tuple[str, ...]
    """The changed fields, sorted."""


@attrs.frozen(kw_only=True)
class Unchanged:
    """Read, and nothing is new."""


@attrs.frozen(kw_only=True)
class NoPullRequest:
    """None is attached, and none was found."""

    tied: tuple[int, ...] = ()
    """Numbers of several that the branch has, of which none goes first."""


@attrs.frozen(kw_only=True)
class TakenElsewhere:
    """One was found, and it is another live workspace's: it was not attached."""

    number: int
    """Its number."""
    workspace_id: str
    """The workspace that has it."""


@attrs.frozen(kw_only=True)
class PullRequestGone:
    """GitHub says that the attached pull request is not there. Its facts are kept; it is looked at again."""


@attrs.frozen(kw_only=True)
class RefreshFailed:
    """It could not be read. Every fact is kept."""

    kind: FailureKind
    """Why it could not be read."""
    problem: str
    """Why, as a sentence without outside text."""
    retry_after_s: float | None
    """Seconds that the forge asks to wait; None when nobody said."""


@attrs.frozen(kw_only=True)
class Superseded:
    """What was read is not believed: something newer, or something else, is stored."""

    reason: RefusalReason
    """Why what was read is not believed."""


FetchOutcome = (
    Refreshed | Unchanged | NoPullRequest | TakenElsewhere | PullRequestGone | RefreshFailed | Superseded
)


@attrs.frozen(kw_only=True)
class Shared:
    """Another caller's fetch was under way; this is how it ended."""

    outcome: FetchOutcome
    """How the other caller's fetch ended."""


RefreshOutcome = FetchOutcome | Shared


@attrs.frozen(kw_only=True)
class DeliveryAccepted:
    """A webhook delivery was taken: the pull requests that it hints at are read again."""

    event: str
    """The forge's event and action, such as `check_run.completed`."""
    workspaces: int
    """How many live workspaces it concerns; 0 when it is of none of theirs."""


@attrs.frozen(kw_only=True)
class DeliveryRepeated:
    """It was taken before: the forge delivers again under the same id. Nothing was done."""

    event: str
    """The forge's event and action."""


@attrs.frozen(kw_only=True)
class DeliveryIgnored:
    """Nothing that is kept changes with such an event: a ping, for example."""

    event: str
    """The forge's event and action."""


DeliveryOutcome = DeliveryAccepted | DeliveryRepeated | DeliveryIgnored
"""What became of a webhook delivery whose signature is right."""
