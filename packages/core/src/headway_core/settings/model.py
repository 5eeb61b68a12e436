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
    CONVERSATION = "conversation"
    """Also comments of trusted people in the conversation, when they begin with `/fix` or address Headway's
    account.
    """


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
class SettingsRecord:
    """All settings: one row, key `settings`. Names that end in `_s` are in seconds."""

    id: str = "settings"
    version: int = 0

    ratchet_default: bool = False
    """Whether a new workspace is ratcheted when its creator does not say."""
    review_trigger: ReviewTrigger = ReviewTrigger.THREADS
    """Which feedback of reviewers is a cause for a fixer."""
    ci_scope: CIScope = CIScope.ALL
    """Which checks count."""
    reply_to_comments: bool = True
    """Whether what agents answer to review threads is posted, and fixers are asked for answers."""
    trusted: tuple[str, ...] = ()
    """Logins or node ids of users and bots whose words count, beside those who can push."""
    own_account: OwnAccount = OwnAccount.PERSON_UNLESS_MARKED
    """Whether what the account of Headway's own token writes is feedback."""

    budget_between_progress: int = 5
    """How many fixers a workspace gets until its pull request makes progress; then they are counted anew."""
    budget_per_day: int = 20
    """How many fixers a workspace gets within 24 hours, whatever its progress and its pull request."""
    capacity_project: int = 4
    """How many fixers run at the same time in one project."""
    capacity_all: int = 8
    """How many fixers run at the same time in all projects together."""
    session_limit: int = 5
    """How many live sessions a workspace may have; with 0 no session starts."""

    quiet_time_s: int = 90
    """How long a new head rests before its checks are judged: further checks may still appear."""
    ci_limit_s: int = 3600
    """Checks that are pending for longer count as stuck, which a person is told of."""
    part_limit_s: int = 900
    """How long a part of a pull request may stay unknown before a person is told of it."""
    view_limit_s: int = 600
    """How old what is known of a pull request may be for a decision, and how long a fresh look may fail
    before a person is told of it.
    """
    fixer_limit_s: int = 3600
    """How long a fixer may run before it is stopped and counts as died."""
    prompt_limit_bytes: int = 65_536
    """How large a prompt of a fixer or of an issue may be; what does not fit is left out, and said."""
    turn_limit_s: int = 3600
    """How long another session may be at work, or wait for a person, before a person is told that fixers wait
    for it.
    """
    death_pause_s: int = 60
    """How long nothing is tried again after a fixer died: so long after the first death for a cause, 5 times
    as long after the second, and 30 times after each further one.
    """
    false_start_s: int = 60
    """A fixer that died sooner, and changed nothing, had begun nothing: four of them count as one death."""
    act_on_first_failure: bool = False
    """Whether a fixer starts at the first failed check, while others still run."""

    cadence_hot_s: int = 30
    """Time between reads of a pull request that was pushed to lately, or whose checks or merge are open."""
    cadence_settled_s: int = 60
    """Time between reads of a pull request in which nothing is open."""
    cadence_quiet_s: int = 300
    """Time between reads of such a pull request when nothing in it has changed for a day."""
    discovery_s: int = 180
    """Time until the pull request of a branch is looked for again; doubled each time, up to 6 hours."""

    default_agent: str = "claude"
    """The agent of sessions whose creator names none."""
    models: dict[str, str] = attrs.field(factory=dict)
    """The model of each agent, by the agent's name; one that is missing here uses its own default."""
    branch_prefix: str = "headway"
    """What the names of generated branches begin with: `headway/fix-login`."""


ALL_SETTINGS = Query(name="all")
SETTINGS = TableSpec(name="settings", record=SettingsRecord, lock=Lock.ROW, queries=(ALL_SETTINGS,))
