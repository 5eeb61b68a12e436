"""Why a card stands where it stands, row by row; and a list that does not ask workspace by workspace."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, TypeVar, get_args

import attrs
import pytest

from headway_core.board import (
    BoardService,
    Column,
    ProblemKind,
    StatusReason,
    WorkspaceView,
    card,
    column,
    status_reason,
)
from headway_core.board.service import BoardTables
from headway_core.forge_actions.model import FORGE_ACTIONS, ActionStatus, ForgeAction, Reply
from headway_core.hosts import HOSTS
from headway_core.kernel.tables import Query, ReadTable, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests.limits import FORGE_BUDGETS
from headway_core.pull_requests.model import SNAPSHOTS as SNAPSHOT_SPEC
from headway_core.pull_requests.model import (
    WATCHES,
    CheckOutcome,
    FailureKind,
    GitHubState,
    Mergeability,
    MergeQueueEntry,
    PullRequestSnapshot,
    PullRequestWatch,
    ReviewDecision,
)
from headway_core.ratchet import RATCHETS, RatchetRecord, RatchetState
from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    PersonReason,
    QuietTime,
    Ready,
    Stalled,
    StallReason,
    WaitReason,
)
from headway_core.ratchet.decision import Wait as Waits
from headway_core.ratchet.sentences import sentence
from headway_core.sessions.model import (
    PROMPTS,
    SESSION_ACTIVITY,
    SESSIONS,
    Activity,
    Purpose,
    Session,
    SessionStatus,
)
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import WORKSPACES, WORKTREE_BROKEN, WORKTREE_MISSING, WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.conversations import some_facts
from headway_testing.harness import Harness
from headway_testing.observations import a_check
from headway_testing.records import a_project, a_workspace

R = TypeVar("R")
S = StatusReason
QUEUE = MergeQueueEntry(state="QUEUED", position=1)


def a_session(status: SessionStatus, purpose: Purpose = Purpose.CHAT) -> Session:
    return Session(
        id="s1",
        workspace_id="w1",
        agent="claude",
        model=None,
        purpose=purpose,
        label="made",
        status=status,
        created_at=EPOCH,
        last_active_at=EPOCH,
    )


def a_fixer(*causes: str) -> Session:
    return attrs.evolve(FIXER, causes=causes)


def a_view(facts: dict[str, Any] | None = None, **changes: Any) -> WorkspaceView:
    """A READY workspace, ratcheted; with a pull request when `facts` (its changed fields) are given."""
    snapshot = PullRequestSnapshot(workspace_id="w1", quiet_passed=True)
    if facts is not None:
        snapshot = attrs.evolve(snapshot, node_id="PR_1", facts=some_facts(**facts))
    fields: dict[str, Any] = {
        "settings": SettingsRecord(),
        "project": a_project(),
        "workspace": a_workspace(),
        "host_lost": False,
        "snapshot": snapshot,
        "watch": PullRequestWatch(workspace_id="w1"),
        "ratchet": RatchetRecord(workspace_id="w1", enabled=changes.pop("enabled", True)),
        "sessions": (),
        "activity": {},
        "prompted": frozenset(),
    }
    if "decision" in changes:
        fields["ratchet"] = attrs.evolve(fields["ratchet"], decision=changes.pop("decision"))
    if "status" in changes:
        fields["workspace"] = a_workspace(status=changes.pop("status"))
    if "session" in changes:
        fields["sessions"] = (changes.pop("session"),)
    return WorkspaceView(**fields | changes)


def _stalled(reason: StallReason) -> Stalled:
    return Stalled(reason=reason, recheck_at=None)


def _waits(reason: WaitReason) -> Waits:
    return Waits(reason=reason, recheck_at=None)


HELD = Held(by="person", until=None, recheck_at=None)
RUNNING, FIXER = a_session(SessionStatus.RUNNING), a_session(SessionStatus.RUNNING, Purpose.FIXER)
BROKEN = {"checks": (a_check(outcome=CheckOutcome.FAILED),)}
PENDING = {"checks": (a_check(outcome=CheckOutcome.PENDING),)}
GATED = {"checks": (a_check(outcome=CheckOutcome.WAITS_FOR_PERSON),)}
CONFLICT = {"mergeability": Mergeability.CONFLICT}
CHANGES = {"review_decision": ReviewDecision.CHANGES_REQUESTED}
REQUIRED = {"review_decision": ReviewDecision.REVIEW_REQUIRED}

ROWS: list[tuple[WorkspaceView, StatusReason]] = [
    (a_view({"state": GitHubState.MERGED}, status=WorkspaceStatus.ARCHIVING), S.ARCHIVING),
    (a_view(status=WorkspaceStatus.ARCHIVED), S.ARCHIVED),
    (a_view({"state": GitHubState.MERGED}, session=RUNNING), S.MERGED),
    (a_view({"state": GitHubState.CLOSED}), S.PR_CLOSED),
    (a_view(session=RUNNING, activity={"s1": Activity.AWAITS_ANSWER}), S.NEEDS_ANSWER),
    (a_view(session=FIXER, activity={"s1": Activity.AWAITS_PERMISSION}), S.NEEDS_PERMISSION),
    (a_view(session=RUNNING, activity={"s1": Activity.AWAITS_PLAN_APPROVAL}), S.NEEDS_PLAN_APPROVAL),
    (a_view({}, workspace=a_workspace(stopped="its agent runs on"), decision=HELD), S.STOPPED),
    (
        a_view(workspace=a_workspace(stopped="why"), session=a_session(SessionStatus.FAILED), host_lost=True),
        S.STOPPED,
    ),
    (a_view(session=a_session(SessionStatus.FAILED), decision=HELD), S.SESSION_ERROR),
    (a_view(session=a_session(SessionStatus.FAILED, Purpose.FIXER), enabled=False), S.SESSION_ERROR),
    (a_view(session=a_session(SessionStatus.FAILED, Purpose.FIXER)), S.READY_FOR_NEXT_PROMPT),
    (a_view(host_lost=True, status=WorkspaceStatus.PROVISIONING), S.HOST_LOST),
    (a_view({}, host_lost=True, session=RUNNING, decision=HELD), S.HOST_LOST),
    (a_view(host_lost=True, session=a_session(SessionStatus.FAILED)), S.SESSION_ERROR),
    (a_view({"state": GitHubState.MERGED}, host_lost=True), S.MERGED),
    (a_view(status=WorkspaceStatus.NEW), S.SETTING_UP),
    (a_view(status=WorkspaceStatus.PROVISIONING), S.SETTING_UP),
    (a_view(status=WorkspaceStatus.FAILED), S.SETUP_FAILED),
    (a_view(workspace=a_workspace(warning=WORKTREE_MISSING)), S.WORKTREE_MISSING),
    (a_view(workspace=a_workspace(warning=WORKTREE_BROKEN)), S.WORKTREE_MISSING),
    (
        a_view({}, workspace=a_workspace(warning=WORKTREE_BROKEN), session=a_fixer("CI")),
        S.WORKTREE_MISSING,
    ),
    (a_view({}, session=a_fixer("FEEDBACK:T_1", "CONFLICT", "CI")), S.FIXING_CI_FAILURES),
    (a_view({}, session=a_fixer("FEEDBACK:T_1", "CONFLICT")), S.FIXING_MERGE_CONFLICT),
    (a_view({}, session=a_fixer("FEEDBACK:T_1")), S.FIXING_REVIEW_COMMENTS),
    (a_view({}, session=a_fixer("my-own-words")), S.AGENT_WORKING),
    (a_view(session=RUNNING, decision=HELD), S.AGENT_WORKING),
    (a_view(session=a_session(SessionStatus.STOPPING)), S.AGENT_WORKING),
    (a_view(session=RUNNING, activity={"s1": Activity.QUIET}), S.READY_FOR_NEXT_PROMPT),
    (a_view(session=a_session(SessionStatus.STARTING), decision=HELD), S.STARTING_SESSION),
    (a_view(session=a_session(SessionStatus.IDLE), prompted=frozenset({"s1"})), S.STARTING_SESSION),
    (a_view(session=a_session(SessionStatus.IDLE)), S.READY_FOR_NEXT_PROMPT),
    (a_view({}, decision=_stalled(StallReason.BRANCH_MISMATCH)), S.BRANCH_MISMATCH),
    (a_view({}, decision=_stalled(StallReason.RETRIES)), S.RATCHET_STALLED),
    (a_view({"merge_queue": QUEUE}, decision=HELD), S.HELD),
    (a_view(BROKEN | CONFLICT, enabled=False), S.MERGE_CONFLICT),
    (a_view(BROKEN | CHANGES, enabled=False), S.CI_FAILED),
    (a_view(CHANGES | {"merge_queue": QUEUE}, enabled=False), S.CHANGES_REQUESTED),
    (a_view(PENDING | {"merge_queue": QUEUE}), S.MERGE_QUEUED),
    (a_view(PENDING), S.WAITING_FOR_CI),
    (a_view({}, decision=_waits(WaitReason.CI)), S.WAITING_FOR_CI),
    (a_view({}, decision=_waits(WaitReason.UNKNOWN)), S.WAITING_FOR_CI),
    (a_view(BROKEN, decision=Dispatch(cause_ids=("CI",))), S.CHECKING_PR),
    (a_view({}, decision=_waits(WaitReason.REFRESH)), S.CHECKING_PR),
    (a_view({}, decision=_waits(WaitReason.SESSION)), S.CHECKING_PR),
    (a_view({}, decision=_waits(WaitReason.SESSION_LIMIT)), S.CHECKING_PR),
    (a_view({}, decision=_waits(WaitReason.CAPACITY)), S.CHECKING_PR),
    (a_view(REQUIRED, decision=AwaitingReview()), S.AWAITING_REVIEW),
    (a_view(REQUIRED, enabled=False), S.AWAITING_REVIEW),
    (a_view(GATED, decision=AwaitingPerson(reason=PersonReason.CHECKS)), S.AWAITING_PERSON),
    (a_view(GATED, enabled=False), S.AWAITING_PERSON),
    (a_view(GATED | REQUIRED, enabled=False), S.AWAITING_REVIEW),
    (a_view(GATED, decision=_stalled(StallReason.CI_CANCELLED)), S.RATCHET_STALLED),
    (a_view({"required": ("deploy",)}, enabled=False), S.WAITING_FOR_CI),
    (a_view({}, decision=Ready()), S.READY_TO_MERGE),
    (a_view({"draft": True}, decision=Ready()), S.READY_FOR_REVIEW),
    (a_view({"mergeability": Mergeability.UNKNOWN}), S.READY_FOR_REVIEW),
    (a_view(), S.NO_SESSION_STARTED),
    (a_view(session=a_session(SessionStatus.COMPLETED)), S.READY_FOR_NEXT_PROMPT),
]


@pytest.mark.lesson("B1", "B2", "B3")
@pytest.mark.parametrize(("view", "reason"), ROWS, ids=[f"{n}-{row[1]}" for n, row in enumerate(ROWS)])
def test_each_row_says_why(view: WorkspaceView, reason: StatusReason) -> None:
    """First match, from facts alone."""
    assert status_reason(view) is reason


DECISIONS: tuple[Decision, ...] = (
    Disabled(),
    Done(),
    FixerActive(session_id="s1", recheck_at=None),
    HELD,
    *(_waits(reason) for reason in WaitReason),
    *(_stalled(reason) for reason in StallReason),
    Ready(),
    AwaitingReview(),
    *(AwaitingPerson(reason=reason) for reason in PersonReason),
    Dispatch(cause_ids=("CI",)),
)


@pytest.mark.lesson("S9")
@pytest.mark.parametrize("session", [None, FIXER, RUNNING, a_session(SessionStatus.FAILED)])
@pytest.mark.parametrize("enabled", [True, False])
def test_the_snapshot_outranks_whatever_the_ratchet_concluded(
    session: Session | None, *, enabled: bool
) -> None:
    """A finished one is finished on each card, and the badge follows the facts, under every decision."""
    assert {type(decision) for decision in DECISIONS} == set(get_args(Decision))
    sessions = () if session is None else (session,)
    for decision in DECISIONS:

        def view(facts: dict[str, Any]) -> WorkspaceView:
            return a_view(facts, decision=decision, sessions=sessions, enabled=enabled)  # noqa: B023  called before the next turn

        for state, reason in ((GitHubState.MERGED, S.MERGED), (GitHubState.CLOSED, S.PR_CLOSED)):
            for facts in ({}, BROKEN, CONFLICT, CHANGES, PENDING):
                over = view({**facts, "state": state})
                assert (status_reason(over), column(status_reason(over))) == (reason, Column.DONE)
        for facts, badge in BADGES:
            assert view(facts).ratchet_state is (badge if enabled else RatchetState.IDLE)


BADGES: list[tuple[dict[str, Any], RatchetState]] = [
    ({}, RatchetState.READY),
    (BROKEN, RatchetState.CI_FAILED),
    (CONFLICT, RatchetState.MERGE_CONFLICT),
    (PENDING, RatchetState.CI_RUNNING),
    ({"state": GitHubState.MERGED}, RatchetState.MERGED),
]


def test_every_reason_is_reached() -> None:
    """A reason that no view has would be a word that nobody reads."""
    assert {reason for _, reason in ROWS} == set(StatusReason)


@pytest.mark.lesson("B1", "B2", "B3")
def test_every_reason_has_its_column() -> None:
    """Total; only what is archived is on no column, and only what is finished is done."""
    places = {reason: column(reason) for reason in StatusReason}
    assert {reason for reason, place in places.items() if place is None} == {S.ARCHIVING, S.ARCHIVED}
    assert {reason for reason, place in places.items() if place is Column.DONE} == {S.MERGED, S.PR_CLOSED}
    assert places[S.RATCHET_STALLED] is Column.WAITING
    assert places[S.FIXING_CI_FAILURES] is Column.WORKING


# What is wrong, in words

RESTING = Waits(
    reason=WaitReason.CI,
    recheck_at=None,
    quiet_time=QuietTime(head_seen_at=EPOCH, ends_at=EPOCH + timedelta(seconds=90)),
)
FAILED_SESSION = attrs.evolve(a_session(SessionStatus.FAILED), end_detail="the agent exited with 1")
EVERYTHING = a_view(
    {},
    workspace=a_workspace(
        error="archive failed", warning="the start-up script failed", stopped="its agent runs on"
    ),
    host_lost=True,
    session=FAILED_SESSION,
    decision=_stalled(StallReason.RETRIES),
    watch=PullRequestWatch(
        workspace_id="w1",
        failure=FailureKind.UNAVAILABLE,
        problem="it is down",
        unread=("checks: no", "reviews: no"),
    ),
    snapshot=PullRequestSnapshot(workspace_id="w1", facts=some_facts(), taken=7, taken_by="w9"),
    actions=(
        ForgeAction(
            id="a1",
            workspace_id="w1",
            session_id="s1",
            order=Reply(thread_id="T1", body="Done"),
            status=ActionStatus.FAILED,
            due_at=None,
            created_at=EPOCH,
            problem="no review thread 'T1'",
        ),
    ),
)


def test_everything_that_is_wrong_is_told_the_gravest_first() -> None:
    """No problem hides another, and their order is that of their kinds."""
    assert [(problem.kind, problem.text) for problem in card(EVERYTHING).problems] == [
        (ProblemKind.WORKSPACE, "archive failed"),
        (ProblemKind.STOPPED, "its agent runs on"),
        (ProblemKind.HOST, "its host is lost or retired"),
        (ProblemKind.SESSION, "the agent exited with 1"),
        (ProblemKind.RATCHET, sentence(_stalled(StallReason.RETRIES)).why),
        (ProblemKind.FORGE, "unavailable: it is down"),
        (ProblemKind.PULL_REQUEST, "pull request #7 is workspace w9's, and was not attached"),
        (ProblemKind.REFUSED, "a reply was not posted: no review thread 'T1'"),
        (ProblemKind.PART, "checks: no; reviews: no"),
        (ProblemKind.STARTUP, "the start-up script failed"),
    ]
    assert [problem.kind for problem in card(EVERYTHING).problems] == list(ProblemKind)


@pytest.mark.parametrize(
    "view",
    [
        a_view({}, decision=Ready()),
        a_view(session=RUNNING),
        a_view(host_lost=True, decision=_stalled(StallReason.RETRIES), status=WorkspaceStatus.ARCHIVED),
        attrs.evolve(
            EVERYTHING, workspace=a_workspace(status=WorkspaceStatus.ARCHIVED, error="exited with 4")
        ),
    ],
    ids=["ready", "running", "archived", "archived after a failure"],
)
def test_where_nothing_is_wrong_nothing_is_told(view: WorkspaceView) -> None:
    """A workspace that goes on, or is over, has no problem."""
    assert card(view).problems == ()


def test_a_head_that_rests_is_noted_with_the_moment_of_its_judgement() -> None:
    """The board has no clock: it names the time. Checks that run need no note, nor does another status."""
    assert card(a_view({}, decision=RESTING)).note == "The head is judged from 90 s on, at 12:01:30 UTC."
    assert card(a_view({}, decision=_waits(WaitReason.CI))).note is None
    assert card(a_view({}, decision=RESTING, session=RUNNING)).note is None


class _Counted(ReadTable[R]):
    """A table that counts how often it is asked, and how many rows it gives."""

    def __init__(self, inner: ReadTable[R], calls: Counter[str], rows: Counter[str]) -> None:
        super().__init__(inner.spec)
        self._inner = inner
        self._calls = calls
        self._rows = rows

    def get(self, tx: ReadTransaction, *key: str | int) -> R | None:
        self._calls[self.spec.name] += 1
        return self._inner.get(tx, *key)

    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        self._calls[self.spec.name] += 1
        found = self._inner.query(tx, query, **parameters)
        self._rows[self.spec.name] += len(found)
        return found

    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        self._calls[self.spec.name] += 1
        return self._inner.count(tx, query, **parameters)


async def _fill(harness: Harness, how_many: int) -> None:
    """Workspaces, each with a chat that runs."""

    def work(tx: Transaction) -> None:
        harness.store.writer(PROJECTS).add(tx, a_project())
        for number in range(how_many):
            workspace = a_workspace(f"w{number:03}")
            created = EPOCH + timedelta(seconds=number)
            harness.store.writer(WORKSPACES).add(tx, attrs.evolve(workspace, created_at=created))
            harness.core.pull_requests.steps().open_record(tx, workspace)
            harness.core.ratchet.steps().open_record(tx, workspace, enabled=True)
            session = attrs.evolve(RUNNING, id=f"s{number}", workspace_id=workspace.id)
            harness.store.writer(SESSIONS).add(tx, session)
            harness.core.sessions.steps().note_activity(tx, session, Activity.AWAITS_ANSWER)

    await harness.store.ledger.transact(work)


def _archive(harness: Harness, tx: Transaction, numbers: range) -> None:
    workspaces = harness.store.writer(WORKSPACES)
    for number in numbers:
        workspace = workspaces.get(tx, f"w{number:03}")
        assert workspace is not None
        tx.lock(workspace.id)
        workspaces.replace(tx, attrs.evolve(workspace, status=WorkspaceStatus.ARCHIVED))


@pytest.mark.anyio
async def test_the_list_asks_each_table_once_however_long_it_is() -> None:
    """200 workspaces: one statement a table, nothing of archived ones, and the same cards as one by one."""
    harness, calls, rows = Harness(), Counter[str](), Counter[str]()
    await _fill(harness, 200)
    await harness.store.ledger.transact(lambda tx: _archive(harness, tx, range(150, 200)))

    def counted(spec: TableSpec[R]) -> ReadTable[R]:
        return _Counted(harness.store.reader(spec), calls, rows)

    tables = BoardTables(
        hosts=counted(HOSTS),
        projects=counted(PROJECTS),
        workspaces=counted(WORKSPACES),
        snapshots=counted(SNAPSHOT_SPEC),
        watches=counted(WATCHES),
        ratchets=counted(RATCHETS),
        sessions=counted(SESSIONS),
        activity=counted(SESSION_ACTIVITY),
        prompts=counted(PROMPTS),
        budgets=counted(FORGE_BUDGETS),
        actions=counted(FORGE_ACTIONS),
    )
    board = BoardService(ledger=harness.store.ledger, settings=harness.core.settings.steps(), tables=tables)
    cards = await board.cards()
    assert len(cards) == 150
    assert len(calls) == 11
    assert set(calls.values()) == {1}
    few = {spec.name for spec in (HOSTS, PROJECTS, PROMPTS, FORGE_BUDGETS, FORGE_ACTIONS)}
    assert {count for name, count in rows.items() if name not in few} == {150}
    assert {card.status_reason for card in cards} == {S.NEEDS_ANSWER}
    assert [card.view.workspace.id for card in cards] == sorted(card.view.workspace.id for card in cards)
    assert await board.get("w007") == cards[7]


@pytest.mark.anyio
async def test_first_words_that_wait_for_the_runner_are_seen() -> None:
    """In the list and on the card alike; an idle chat without words waits for a person."""
    harness = Harness()
    await _fill(harness, 2)
    spoken = await harness.core.sessions.service().start_chat("w000", "Go on")
    silent = await harness.core.sessions.service().start_chat("w001", None)
    assert isinstance(spoken, Session)
    assert isinstance(silent, Session)
    cards = await harness.core.board.service().cards()
    assert [card.view.prompted for card in cards] == [frozenset({spoken.id}), frozenset()]
    assert [await harness.core.board.service().get(card.view.workspace.id) for card in cards] == cards
