"""Pull requests: what is known of them, one path to learn it, and what it means.

`PRSnapshotService` is the only writer. `model` holds the facts, `writing` when an observation is
believed, `checks` the one normaliser, `derive` the statuses, `ports` what a forge must answer.
"""

from headway_core.pull_requests.checks import CheckRunRow, StatusRow, newest_checks, outcome_of
from headway_core.pull_requests.derive import (
    ci_of,
    ci_status,
    counted,
    derived_decision,
    latest_opinions,
    no_checks,
    pr_state,
    state_of,
)
from headway_core.pull_requests.duty import PullRequestConsumer, WatchDuty
from headway_core.pull_requests.events import (
    EVENTS,
    AmbiguousPullRequest,
    PullRequestAttached,
    PullRequestChanged,
    PullRequestDigest,
)
from headway_core.pull_requests.model import SNAPSHOTS, WATCHES, PullRequestSnapshot, PullRequestWatch
from headway_core.pull_requests.outcomes import (
    Failed,
    NoPullRequest,
    NotFound,
    Refreshed,
    RefreshOutcome,
    Shared,
    Superseded,
    Unchanged,
)
from headway_core.pull_requests.ports import (
    Delivery,
    DeliveryProblem,
    DeliveryRefused,
    LookAgain,
    PullRequests,
    RateLimit,
    WebhookDecoder,
)
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.pull_requests.writing import Believed, Refused, believe

__all__ = [
    "EVENTS",
    "SNAPSHOTS",
    "WATCHES",
    "AmbiguousPullRequest",
    "Believed",
    "CheckRunRow",
    "Delivery",
    "DeliveryProblem",
    "DeliveryRefused",
    "Failed",
    "LookAgain",
    "NoPullRequest",
    "NotFound",
    "PRSnapshotService",
    "PullRequestAttached",
    "PullRequestChanged",
    "PullRequestConsumer",
    "PullRequestDigest",
    "PullRequestSnapshot",
    "PullRequestWatch",
    "PullRequests",
    "RateLimit",
    "RefreshOutcome",
    "Refreshed",
    "Refused",
    "Shared",
    "StatusRow",
    "Superseded",
    "Unchanged",
    "WatchDuty",
    "WebhookDecoder",
    "believe",
    "ci_of",
    "ci_status",
    "counted",
    "derived_decision",
    "latest_opinions",
    "newest_checks",
    "no_checks",
    "outcome_of",
    "pr_state",
    "state_of",
]
