"""Pull requests: what is known of them, one path to learn it, and what it means.

`PRSnapshotService` is the only writer. `model` holds the facts, `writing` when an observation is
believed, `checks` the one normaliser, `derive` the statuses, `ports` what a forge must answer.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.pull_requests.budget import ForgeBudgets
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
    from headway_core.pull_requests.duty import (
        NamedPullRequestsConsumer,
        PullRequestConsumer,
        WatchDuty,
    )
    from headway_core.pull_requests.events import (
        EVENTS,
        AmbiguousPullRequest,
        PullRequestAttached,
        PullRequestChanged,
        PullRequestDetached,
        PullRequestDigest,
        PullRequestHinted,
    )
    from headway_core.pull_requests.hooks import HookDuty, HookService, Receipt
    from headway_core.pull_requests.model import (
        DELIVERIES,
        FORGE_BUDGETS,
        SNAPSHOTS,
        WATCHES,
        ForgeBudget,
        LookAgain,
        PullRequestSnapshot,
        PullRequestWatch,
        WebhookDelivery,
    )
    from headway_core.pull_requests.outcomes import (
        NoPullRequest,
        PullRequestGone,
        Refreshed,
        RefreshFailed,
        RefreshOutcome,
        Shared,
        Superseded,
        Unchanged,
    )
    from headway_core.pull_requests.ports import (
        Delivery,
        DeliveryProblem,
        DeliveryRefused,
        PullRequests,
        RateLimit,
        WebhookDecoder,
    )
    from headway_core.pull_requests.reconciliation import Believed, Refused, believe
    from headway_core.pull_requests.repository import PullRequestRepository
    from headway_core.pull_requests.service import PRSnapshotService
else:
    __getattr__ = lazy_exports(
        __name__,
        "model",
        "derive",
        "ports",
        "checks",
        "outcomes",
        "events",
        "budget",
        "reconciliation",
        "repository",
        "service",
        "duty",
        "hooks",
    )

__all__ = [
    "DELIVERIES",
    "EVENTS",
    "FORGE_BUDGETS",
    "SNAPSHOTS",
    "WATCHES",
    "AmbiguousPullRequest",
    "Believed",
    "CheckRunRow",
    "Delivery",
    "DeliveryProblem",
    "DeliveryRefused",
    "ForgeBudget",
    "ForgeBudgets",
    "HookDuty",
    "HookService",
    "LookAgain",
    "NamedPullRequestsConsumer",
    "NoPullRequest",
    "PRSnapshotService",
    "PullRequestAttached",
    "PullRequestChanged",
    "PullRequestConsumer",
    "PullRequestDetached",
    "PullRequestDigest",
    "PullRequestGone",
    "PullRequestHinted",
    "PullRequestRepository",
    "PullRequestSnapshot",
    "PullRequestWatch",
    "PullRequests",
    "RateLimit",
    "Receipt",
    "RefreshFailed",
    "RefreshOutcome",
    "Refreshed",
    "Refused",
    "Shared",
    "StatusRow",
    "Superseded",
    "Unchanged",
    "WatchDuty",
    "WebhookDecoder",
    "WebhookDelivery",
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
