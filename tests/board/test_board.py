"""The board: every reason, every column, no clock, one query a table."""

from typing import Any

import attrs
import pytest

from headway_core.board import Column, StatusReason, WorkspaceView, column, status_reason
from headway_core.kernel.tables import ReadTable
from headway_core.operations import Manual
from headway_core.projects.model import Project
from headway_core.pull_requests.model import (
    CheckOutcome,
    DecisionSource,
    GitHubState,
    Mergeability,
    MergeQueueEntry,
    PullRequestFacts,
    PullRequestSnapshot,
    ReviewDecision,
)
from headway_core.ratchet import Cause, CauseKind, FixerDispatch, Ratchet
from headway_core.ratchet.decision import (
    AwaitingReview,
    Dispatch,
    Held,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.sessions.model import Activity, EndReason, Purpose, Session, SessionStatus
from headway_core.settings.model import Settings
from headway_core.testing.clock import EPOCH
from headway_core.testing.fakes_forge import a_check, an_observation
from headway_core.testing.house import FakeHouse
from headway_core.workspaces.model import ManualSource, SessionPolicy, Workspace, WorkspaceStatus


def facts(**changes: Any) -> PullRequestFacts:
    state = attrs.asdict(an_observation().state, recurse=False)
    rest = {
        "decision_source": DecisionSource.GITHUB,
        "mergeability": Mergeability.CLEAN,
        "checks": (a_check(),),
        "checks_complete": True,
        "required": (),
        "reviews": (),
        "threads": (),
        "conversation_complete": True,
    }
    return PullRequestFacts(**{**state, **rest, **changes})


def session(
    status: SessionStatus = SessionStatus.RUNNING, purpose: Purpose = Purpose.CHAT, **changes: Any
) -> Session:
    return Session(
        **{
            "id": "s",
            "workspace_id": "w",
            "agent": "claude",
            "model": None,
            "purpose": purpose,
            "label": "chat",
            "status": status,
            "created_at": EPOCH,
            "last_active_at": EPOCH,
            **changes,
        }
    )


def view(
    pull_request: PullRequestFacts | None = None,
    sessions: tuple[Session, ...] = (),
    *,
    status: WorkspaceStatus = WorkspaceStatus.READY,
    enabled: bool = True,
    decision: Any = None,
    activity: Activity | None = None,
    causes: tuple[CauseKind, ...] = (),
) -> WorkspaceView:
    workspace = Workspace(
        id="w",
        project_id="p",
        name="Fix",
        description=None,
        source=ManualSource(initial_prompt=None),
        session_policy=SessionPolicy.NONE,
        branch="headway/fix",
        branch_is_generated=True,
        base_branch="main",
        branch_claim=None,
        issue_claim=None,
        idempotency_key=None,
        status=status,
        created_at=EPOCH,
        status_changed_at=EPOCH,
    )
    dispatch = FixerDispatch(
        id="d",
        workspace_id="w",
        node_id="PR_1",
        head="a" * 40,
        causes=tuple(Cause(id=kind, kind=kind, items=()) for kind in causes),
        session_id="s",
        created_at=EPOCH,
    )
    return WorkspaceView(
        settings=Settings(),
        project=Project(
            id="p",
            name="demo",
            slug="demo",
            repo_path="/repo",
            worktree_base_path="/worktrees",
            default_branch="main",
            github_host="github.com",
            github_owner="octo",
            github_repo="demo",
            created_at=EPOCH,
        ),
        workspace=workspace,
        snapshot=PullRequestSnapshot(workspace_id="w", facts=pull_request, quiet_passed=True),
        ratchet=Ratchet(workspace_id="w", enabled=enabled, decision=decision),
        dispatch=dispatch if causes else None,
        sessions=sessions,
        activity={"s": activity} if activity else {},
    )


def wait(reason: WaitReason) -> Wait:
    return Wait(reason=reason, look_again_at=None)


FAILED = session(SessionStatus.FAILED, end_reason=EndReason.LOST)
FIXER = session(purpose=Purpose.FIXER)
RED = {"checks": (a_check(outcome=CheckOutcome.FAILED),)}
PENDING = {"checks": (a_check(outcome=CheckOutcome.PENDING),)}

ROWS: list[tuple[StatusReason, WorkspaceView]] = [
    (StatusReason.ARCHIVING, view(status=WorkspaceStatus.ARCHIVING)),
    (StatusReason.ARCHIVED, view(facts(), status=WorkspaceStatus.ARCHIVED)),
    (StatusReason.MERGED, view(facts(state=GitHubState.MERGED), (session(),))),
    (StatusReason.PR_CLOSED, view(facts(state=GitHubState.CLOSED))),
    (StatusReason.NEEDS_ANSWER, view(facts(), (session(),), activity=Activity.WAITING)),
    (StatusReason.SESSION_ERROR, view(facts(), (FAILED,))),
    (
        StatusReason.SESSION_ERROR,
        view(facts(), (attrs.evolve(FAILED, purpose=Purpose.FIXER),), enabled=False),
    ),
    (StatusReason.READY_TO_MERGE, view(facts(), (attrs.evolve(FAILED, purpose=Purpose.FIXER),))),
    (StatusReason.SETTING_UP, view(status=WorkspaceStatus.NEW)),
    (StatusReason.SETTING_UP, view(status=WorkspaceStatus.PROVISIONING)),
    (StatusReason.SETUP_FAILED, view(status=WorkspaceStatus.FAILED)),
    (StatusReason.FIXING_CI_FAILURES, view(facts(), (FIXER,), causes=(CauseKind.FEEDBACK, CauseKind.CI))),
    (StatusReason.FIXING_MERGE_CONFLICT, view(facts(), (FIXER,), causes=(CauseKind.CONFLICT,))),
    (StatusReason.FIXING_REVIEW_COMMENTS, view(facts(), (FIXER,), causes=(CauseKind.FEEDBACK,))),
    (StatusReason.AGENT_WORKING, view(facts(), (session(),))),
    (StatusReason.READY_TO_MERGE, view(facts(), (session(),), activity=Activity.QUIET)),
    (StatusReason.STARTING_SESSION, view(facts(), (session(SessionStatus.STARTING),))),
    (
        StatusReason.BRANCH_MISMATCH,
        view(facts(), decision=Stalled(reason=StallReason.BRANCH_MISMATCH, look_again_at=None)),
    ),
    (
        StatusReason.RATCHET_STALLED,
        view(facts(), decision=Stalled(reason=StallReason.BUDGET, look_again_at=None)),
    ),
    (StatusReason.HELD, view(facts(), decision=Held(by="person", until=None, look_again_at=None))),
    (StatusReason.MERGE_CONFLICT, view(facts(mergeability=Mergeability.CONFLICT), enabled=False)),
    (StatusReason.CI_FAILED, view(facts(**RED), enabled=False)),
    (
        StatusReason.CHANGES_REQUESTED,
        view(facts(review_decision=ReviewDecision.CHANGES_REQUESTED), enabled=False),
    ),
    (StatusReason.MERGE_QUEUED, view(facts(merge_queue=MergeQueueEntry(state="QUEUED", position=1)))),
    (StatusReason.WAITING_FOR_CI, view(facts(**PENDING), enabled=False)),
    (StatusReason.WAITING_FOR_CI, view(facts(), decision=wait(WaitReason.CI))),
    (StatusReason.WAITING_FOR_CI, view(facts(), decision=wait(WaitReason.UNKNOWN))),
    (StatusReason.CHECKING_PR, view(facts(), decision=wait(WaitReason.REFRESH))),
    (StatusReason.CHECKING_PR, view(facts(), decision=Dispatch(cause_ids=("CI",)))),
    (StatusReason.AWAITING_REVIEW, view(facts(), decision=AwaitingReview())),
    (
        StatusReason.AWAITING_REVIEW,
        view(facts(review_decision=ReviewDecision.REVIEW_REQUIRED), enabled=False),
    ),
    (StatusReason.READY_FOR_REVIEW, view(facts(draft=True), decision=Ready())),
    (StatusReason.READY_TO_MERGE, view(facts(), decision=Ready())),
    (StatusReason.READY_FOR_REVIEW, view(facts(mergeability=Mergeability.UNKNOWN), decision=Ready())),
    (StatusReason.NO_SESSION_STARTED, view()),
    (StatusReason.READY_FOR_NEXT_PROMPT, view(sessions=(session(SessionStatus.COMPLETED),))),
]


@pytest.mark.lesson("B1", "B3", "S9")
@pytest.mark.parametrize(("reason", "card"), ROWS)
def test_each_row(reason: StatusReason, card: WorkspaceView) -> None:
    """The facts of a row give its reason: a pure function, without a clock."""
    assert status_reason(card) is reason


@pytest.mark.lesson("B2")
def test_every_reason_has_its_column() -> None:
    """Total: a column for every reason, and none for what is archived."""
    assert {reason for reason in StatusReason if column(reason) is None} == {
        StatusReason.ARCHIVING,
        StatusReason.ARCHIVED,
    }
    assert {column(reason) for reason in StatusReason} == {*Column, None}
    assert {reason for reason, _ in ROWS} == set(StatusReason)


@pytest.mark.anyio
async def test_the_board_asks_once_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of questions does not grow with the workspaces."""
    house = FakeHouse()
    core: Any = house.core
    house.git.add_repository("/repo")
    project = await core.projects().register("/repo")
    asked: list[str] = []
    reader = type(core.read_sessions())

    def counting(name: str) -> Any:
        real = getattr(reader, name)

        def ask(self: ReadTable[Any], *args: Any, **kwargs: Any) -> Any:
            asked.append(f"{name} {self.spec.name}")
            return real(self, *args, **kwargs)

        return ask

    async def questions() -> int:
        asked.clear()
        await core.board().cards()
        return len(asked)

    for name in ("get", "query"):
        monkeypatch.setattr(reader, name, counting(name))
    for number in range(3):
        await core.creation().create(Manual(project_id=project.id, name=f"Task {number}"))
    few = await questions()
    for number in range(30):
        await core.creation().create(Manual(project_id=project.id, name=f"More {number}"))
    assert await questions() == few
    assert len(await core.board().cards()) == 33
