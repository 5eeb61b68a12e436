"""What the room asks of a forge: one read, mapped by one normaliser, for every path."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.check_records import PinnedCheck
from headway_core.pull_requests.model import (
    Author,
    Base,
    Check,
    FailureKind,
    GitHubState,
    Head,
    Mergeability,
    MergeQueueEntry,
    QueueExit,
    Review,
    ReviewDecision,
    ReviewThread,
    ThreadComment,
)

Untold = Literal["author", "head_repository", "merge_queue", "queue_exit"]


@attrs.frozen(kw_only=True)
class StatePart:
    """Which pull request it is, and where it stands."""

    node_id: str
    """The forge's id of the pull request."""
    number: int
    """Its number."""
    url: str
    """Its address."""
    title: str
    """Its title: outside text."""
    author: Author
    """Who opened it."""
    state: GitHubState
    """GitHub's own state."""
    draft: bool
    """Whether it is a draft."""
    review_decision: ReviewDecision | None
    """GitHub's own; None where reviews are not required."""
    head: Head
    """What it would merge."""
    base: Base
    """What it merges into."""
    updated_at: datetime
    """GitHub's `updatedAt`."""
    merge_queue: MergeQueueEntry | None
    """Its entry in a merge queue; None when it is in none."""
    queue_exit: QueueExit | None = None
    """How it last left a merge queue, with the head of this answer; None: it has not."""
    untold: frozenset[Untold] = frozenset()
    """What the forge refused to tell, or did not tell whole: what was known of it stands."""


@attrs.frozen(kw_only=True)
class ChecksPart:
    """The whole list of checks at one commit."""

    commit: str
    """The commit that they are of."""
    checks: tuple[Check, ...]
    """The newest run of each check."""
    required: tuple[str, ...] | None
    """The names that the base requires; None when the rules could not be read."""
    pinned: tuple[PinnedCheck, ...] = ()
    """Those of them of which one app's report alone counts."""


@attrs.frozen(kw_only=True)
class ConversationPart:
    """All reviews and all unresolved threads, and what else is asked of Headway."""

    reviews: tuple[Review, ...]
    """The latest opinionated one of each author, and every one with a body, oldest first."""
    threads: tuple[ReviewThread, ...]
    """The unresolved ones."""
    comments: tuple[ThreadComment, ...] | None = ()
    """Of the newest comments beside the reviews those that are a request (`requests.is_request`), oldest
    first; None: they could not be read, and those that are known stand.
    """


@attrs.frozen(kw_only=True)
class Observation:
    """What one fetch saw. A part that is None was not read whole: its facts stay, and age."""

    state: StatePart
    """Who the pull request is and where it stands."""
    checks: ChecksPart | None
    """Its checks."""
    conversation: ConversationPart | None
    """Its reviews and unresolved threads."""
    mergeability: Mergeability | None
    """UNKNOWN is an answer; None is none."""
    problems: tuple[str, ...] = ()
    """Why parts are missing, and what of the state is untold: `checks: forbidden`; no outside text."""


@attrs.frozen(kw_only=True)
class FetchFailed:
    """One pull request could not be read; the others of the batch are not hurt."""

    kind: FailureKind
    """Why it could not be read."""
    problem: str
    """One sentence, no outside text, no secret."""
    retry_after_s: float | None = None
    """Seconds; None when nobody said."""
    secondary: bool = False
    """Of RATE_LIMITED: too much at once, though the budget may not be used up."""


@attrs.frozen(kw_only=True)
class Candidate:
    """An open pull request whose head is the branch that was asked for."""

    node_id: str
    """The forge's id of the pull request."""
    number: int
    """Its number."""
    base_ref: str
    """The branch that it merges into: outside text."""
    created_at: datetime
    """When it was opened."""
    head_repository: str | None
    """`owner/name` of its head's repository; None when that is gone."""
    head_commit: str | None = None
    """The commit of its head; None when the forge did not say."""
    in_repository: bool | None = None
    """Whether its head lies in the repository itself and in no fork, by the ids of both, which a rename
    keeps. None where a forge has no ids: then their names tell.
    """


@attrs.frozen(kw_only=True)
class RateLimit:
    """What a forge last told of one of its budgets: of the one token at the host that was asked."""

    resource: str
    """GitHub's name of it: `graphql`, `core`, …: budgets of their own."""
    limit: int
    """Points, or requests, an hour."""
    remaining: int
    """What is left of it."""
    resets_at: datetime
    """When all of it is there again."""
    cost: int | None
    """What the last question took; None when nobody said."""
    told_at: datetime
    """When the forge told so."""


class ForgeReader(ABC):
    """Reads pull requests. Never raises for what a forge answers: failures are values.

    All outside text is cut and typed here; unknown words become UNKNOWN and are logged once.
    """

    @abstractmethod
    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        """Read these pull requests in full, each answered for under its id."""

    @abstractmethod
    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        """The node id of the project's pull request with this number."""

    @abstractmethod
    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        """The open pull requests with these head branches, in the repository or its forks.

        Anybody can name a branch of a fork: `in_repository` and `head_commit` tell whose each is.
        """

    def limits(self) -> tuple[RateLimit, ...]:
        """What was last told of each budget, by any call of this adapter; nothing where nobody counts."""
        return ()

    async def unknown_accounts(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these logins and node ids that no account has, as far as the forge tells."""
        return ()

    async def trigger_merge_check(self, project: Project, number: int) -> None:  # noqa: B027  optional
        """Make the forge work out whether the pull request merges: `observe` then tells.

        GitHub does so when a pull request is read by REST. A failure is of no interest here.
        """


@attrs.frozen(kw_only=True)
class LookAgain:
    """What one webhook delivery hints at: pull requests of a repository that may have changed.

    It says nothing of how: everything is read again by the one path. All of its fields are outside
    text, though signed. A pull request is meant when any of the fields names it.
    """

    host: str
    """As in `Project.github_host`."""
    repository: str
    """`owner/name`, any case: after a rename the new one."""
    former_repository: str | None = None
    """`owner/name` before a rename or a transfer."""
    numbers: tuple[int, ...] = ()
    """Numbers of pull requests."""
    commits: tuple[str, ...] = ()
    """Head commits: checks and statuses name nothing else, those of forks for sure."""
    branches: tuple[str, ...] = ()
    """Heads or bases, without `refs/heads/`."""
    all: bool = False
    """Every pull request of the repository: it was renamed, or what the token may see has changed."""


@attrs.frozen(kw_only=True)
class Delivery:
    """A webhook delivery whose signature is right."""

    hook: str
    """`X-GitHub-Hook-ID`; empty when the header is missing."""
    guid: str
    """`X-GitHub-Delivery`: a redelivery has the same."""
    event: str
    """`X-GitHub-Event` and the action: `check_run.completed`."""
    hints: tuple[LookAgain, ...]
    """Empty: nothing of interest."""


class DeliveryProblem(enum.StrEnum):
    """Why a webhook delivery is refused."""

    SIGNATURE = "signature"
    """Its signature is missing or wrong."""
    UNCONFIGURED = "unconfigured"
    """No webhook secret is configured, so nobody can sign."""
    TOO_BIG = "too_big"
    """Its body is larger than 25 MB."""
    MALFORMED = "malformed"
    """It lacks its event, its id or a JSON object, or what an event of this kind must have."""


@attrs.frozen(kw_only=True)
class DeliveryRefused:
    """Nothing of it is believed, nothing is stored."""

    reason: DeliveryProblem
    """Why it is refused."""
    problem: str
    """One sentence, no outside text."""


class WebhookDecoder(ABC):
    """Checks a webhook delivery and turns it into hints."""

    @abstractmethod
    def decode(self, headers: Mapping[str, str], body: bytes) -> Delivery | DeliveryRefused:
        """Judge one delivery. `headers`: names in any case. `body`: the raw bytes, which are signed."""
