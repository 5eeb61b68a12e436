"""The one row of settings, typed."""

import enum

import attrs

from headway_core.kernel.tables import Lock, Query, TableSpec


class ReviewTrigger(enum.StrEnum):
    """Which feedback of reviewers is a cause for a fixer."""

    THREADS = "threads"
    """Unresolved threads of trusted people, and reviews that request changes."""
    ALL = "all"
    """Also the bodies of reviews that only comment."""


class CIScope(enum.StrEnum):
    """Which checks count."""

    ALL = "all"
    """All of them."""
    REQUIRED = "required"
    """Those that the base branch requires; all of them where it requires none."""


class OwnAccount(enum.StrEnum):
    """Whether what the account of Headway's own token writes is feedback."""

    PERSON_UNLESS_MARKED = "person_unless_marked"
    """Yes, so that a solo developer's reviews count; but not what carries Headway's mark or was written while
    an agent worked.
    """
    NEVER = "never"
    """No."""


@attrs.frozen(kw_only=True)
class Settings:
    """All settings. Seconds are `_s`; counts are plain. One row, key `settings`."""

    id: str = "settings"
    version: int = 0

    ratchet_default: bool = False
    """Whether a new workspace is ratcheted when its creator does not say."""
    review_trigger: ReviewTrigger = ReviewTrigger.THREADS
    ci_scope: CIScope = CIScope.ALL
    reply_to_comments: bool = True
    trusted: tuple[str, ...] = ()
    """Node ids or logins of users and bots trusted beside those who can push."""
    own_account: OwnAccount = OwnAccount.PERSON_UNLESS_MARKED

    budget_between_progress: int = 5
    budget_per_day: int = 20
    capacity_project: int = 4
    """Live fixers a project."""
    capacity_all: int = 8
    session_limit: int = 5
    """Live sessions a workspace; 0 starts none."""

    quiet_time_s: int = 90
    """How long a head must rest before it is judged."""
    ci_limit_s: int = 3600
    """Checks pending for longer are stuck."""
    part_limit_s: int = 900
    """A part of the view unknown for longer is said to be stalled."""
    view_limit_s: int = 600
    """A view that can't be refreshed for longer makes the ratchet say unreachable."""
    fixer_limit_s: int = 3600
    """A fixer that runs longer has died."""
    act_on_first_failure: bool = False

    cadence_hot_s: int = 30
    cadence_settled_s: int = 60
    cadence_quiet_s: int = 300
    discovery_s: int = 180
    """The base of the backoff with which a pull request of a branch is looked for."""

    default_agent: str = "claude"
    models: dict[str, str] = attrs.field(factory=dict)
    """Model by agent; an agent that is missing here uses its own default."""
    branch_prefix: str = "headway"


ALL_SETTINGS = Query(name="all")
SETTINGS = TableSpec(name="settings", record=Settings, lock=Lock.ROW, queries=(ALL_SETTINGS,))
