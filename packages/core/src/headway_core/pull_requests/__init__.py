"""Pull requests: what is known of them, one path to learn it, and what it means.

`PullRequestRepository` is the only writer. `model` holds the facts, `reconciliation` when an observation is
believed, `checks` the one normaliser, `derive` the statuses, `ports` what a forge must answer. Other rooms
compose `PullRequestSteps`; callers use `PRSnapshotService`.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.pull_requests.budget import ForgeBudgets
    from headway_core.pull_requests.check_rows import CheckRunRow, CheckSuiteRow, StatusRow, outcome_of
    from headway_core.pull_requests.checks import newest_checks
    from headway_core.pull_requests.ci import (
        CountedChecks,
        ci_of,
        ci_status,
        counted,
        counted_of,
        mendable,
        no_checks,
    )
    from headway_core.pull_requests.consumers import NamedPullRequestsConsumer, PullRequestConsumer
    from headway_core.pull_requests.deliveries import DELIVERIES, WebhookDelivery
    from headway_core.pull_requests.derive import (
        derived_decision,
        latest_opinions,
        pr_state,
        state_of,
        thrown_out,
    )
    from headway_core.pull_requests.duty import WatchDuty, WebhookDuty
    from headway_core.pull_requests.events import (
        EVENTS,
        AmbiguousPullRequest,
        PullRequestAttached,
        PullRequestChanged,
        PullRequestDetached,
        PullRequestDigest,
        PullRequestHinted,
        PullRequestTaken,
    )
    from headway_core.pull_requests.fetches import FetchSteps
    from headway_core.pull_requests.limits import FORGE_BUDGETS, ForgeBudget
    from headway_core.pull_requests.model import SNAPSHOTS, WATCHES, PullRequestSnapshot, PullRequestWatch
    from headway_core.pull_requests.outcome_steps import OutcomeSteps
    from headway_core.pull_requests.outcomes import (
        DeliveryAccepted,
        DeliveryIgnored,
        DeliveryOutcome,
        DeliveryRepeated,
        NoPullRequest,
        PullRequestGone,
        Refreshed,
        RefreshFailed,
        RefreshOutcome,
        Shared,
        Superseded,
        TakenElsewhere,
        Unchanged,
    )
    from headway_core.pull_requests.ports import (
        Delivery,
        DeliveryProblem,
        DeliveryRefused,
        ForgeReader,
        LookAgain,
        RateLimit,
        WebhookDecoder,
    )
    from headway_core.pull_requests.reconciliation import Believed, Refused, believe
    from headway_core.pull_requests.repository import PullRequestRepository
    from headway_core.pull_requests.service import PRSnapshotService
    from headway_core.pull_requests.steps import PullRequestSteps
    from headway_core.pull_requests.webhook_steps import WebhookSteps
    from headway_core.pull_requests.webhooks import WebhookService
else:
    __getattr__ = lazy_exports(
        __name__,
        "model",
        "limits",
        "deliveries",
        "derive",
        "ci",
        "ports",
        "check_rows",
        "checks",
        "outcomes",
        "events",
        "budget",
        "reconciliation",
        "repository",
        "steps",
        "fetches",
        "outcome_steps",
        "service",
        "webhook_steps",
        "webhooks",
        "duty",
        "consumers",
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
    "CheckSuiteRow",
    "CountedChecks",
    "Delivery",
    "DeliveryAccepted",
    "DeliveryIgnored",
    "DeliveryOutcome",
    "DeliveryProblem",
    "DeliveryRefused",
    "DeliveryRepeated",
    "FetchSteps",
    "ForgeBudget",
    "ForgeBudgets",
    "ForgeReader",
    "LookAgain",
    "NamedPullRequestsConsumer",
    "NoPullRequest",
    "OutcomeSteps",
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
    "PullRequestSteps",
    "PullRequestTaken",
    "PullRequestWatch",
    "RateLimit",
    "RefreshFailed",
    "RefreshOutcome",
    "Refreshed",
    "Refused",
    "Shared",
    "StatusRow",
    "Superseded",
    "TakenElsewhere",
    "Unchanged",
    "WatchDuty",
    "WebhookDecoder",
    "WebhookDelivery",
    "WebhookDuty",
    "WebhookService",
    "WebhookSteps",
    "believe",
    "ci_of",
    "ci_status",
    "counted",
    "counted_of",
    "derived_decision",
    "latest_opinions",
    "mendable",
    "newest_checks",
    "no_checks",
    "outcome_of",
    "pr_state",
    "state_of",
    "thrown_out",
]
