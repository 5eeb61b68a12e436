"""Any sequence of steps on some workspaces: statuses move along the table, and claims stay true."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from headway_core.kernel.errors import Conflict, IllegalTransition, RetriesUsed
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.workspaces import (
    GIT_FACTS,
    INIT_OUTPUT,
    LIFECYCLE_TRANSITIONS,
    RETRY_LIMIT,
    WORKSPACES,
    InitOutputSteps,
    ManualSource,
    SessionPolicy,
    Workspace,
    WorkspaceClaims,
    WorkspaceStatusChanged,
    WorkspaceSteps,
    branch_claim,
    issue_claim,
)
from headway_core.workspaces.model import WORKTREE_MISSING
from headway_testing.harness import World

STEPS: tuple[Callable[..., Any], ...] = (
    lambda s, tx, key: s.begin_provisioning(tx, key, "host-1"),
    lambda s, tx, key: s.begin_provisioning(tx, key, "host-2"),
    lambda s, tx, key: s.worktree_made(tx, key, f"/wt/{key}"),
    lambda s, tx, key: s.provisioned(tx, key, f"/wt/{key}", None),
    lambda s, tx, key: s.provisioned(tx, key, f"/wt/{key}", "script failed"),
    lambda s, tx, key: s.provisioning_failed(tx, key, "no disk"),
    lambda s, tx, key: s.retry(tx, key),
    lambda s, tx, key: s.ask_cancel(tx, key),
    lambda s, tx, key: s.begin_archive(tx, key),
    lambda s, tx, key: s.archived(tx, key),
    lambda s, tx, key: s.archive_failed(tx, key, "git says no"),
    lambda s, tx, key: s.worktree_seen(tx, key, WORKTREE_MISSING),
    lambda s, tx, key: s.worktree_seen(tx, key, None),
    lambda s, tx, key: s.note_session(tx, key),
)
BRANCHES = st.sampled_from(["a", "b", "c"])


class LifecycleMachine(RuleBasedStateMachine):
    """Drives the room with any step at any time; a refused step changes nothing."""

    workspaces = Bundle("workspaces")

    def __init__(self) -> None:
        super().__init__()
        self.store = World().store
        self.steps = WorkspaceSteps(
            self.store.writer(WORKSPACES),
            self.store.writer(GIT_FACTS),
            WorkspaceClaims(self.store.reader(WORKSPACES), self.store.reader(PROJECTS)),
        )
        self.output = InitOutputSteps(self.store.writer(INIT_OUTPUT), self.steps)

    def do(self, work: Callable[[Transaction], Any]) -> Any:
        """A refusal is one of three errors, and leaves every row as it was."""
        before = self.rows()
        try:
            return self.store.perform(work)[0]
        except (IllegalTransition, Conflict, RetriesUsed) as error:
            assert self.rows() == before
            return error

    def rows(self) -> dict[str, Workspace]:
        table = self.store.reader(WORKSPACES)
        found: list[Workspace] = self.store.perform(
            lambda tx: table.query(tx, next(q for q in WORKSPACES.queries if q.name == "all"))
        )[0]
        return {workspace.id: workspace for workspace in found}

    @rule(target=workspaces, branch=BRANCHES, issue=st.none() | st.integers(1, 2), generated=st.booleans())
    def create(self, branch: str, issue: int | None, *, generated: bool) -> str:
        made = self.do(
            lambda tx: self.steps.create(
                tx,
                project_id="project",
                name=branch,
                description=None,
                source=ManualSource(initial_prompt=None),
                session_policy=SessionPolicy.NONE,
                branch=branch,
                branch_is_generated=generated,
                base_branch="main",
                claims_issue=issue,
                idempotency_key=None,
            )
        )
        return made.id if isinstance(made, Workspace) else ""

    @rule(key=workspaces, step=st.sampled_from(STEPS))
    def step(self, key: str, step: Callable[..., Any]) -> None:
        if key:
            self.do(lambda tx: step(self.steps, tx, key))

    @rule(key=workspaces)
    def print_a_line(self, key: str) -> None:
        if key:
            self.do(lambda tx: self.output.append(tx, key, "line\n"))

    @rule(key=workspaces, branch=BRANCHES, chosen=st.booleans())
    def rebranch(self, key: str, branch: str, *, chosen: bool) -> None:
        if key:
            move = self.steps.choose_branch if chosen else self.steps.follow_branch
            self.do(lambda tx: move(tx, key, branch))

    @invariant()
    def the_log_walks_the_table_and_ends_at_the_row(self) -> None:
        """I1."""
        walked: dict[str | None, str] = dict.fromkeys(self.rows(), "NEW")
        log = self.store.perform(lambda tx: self.store.events.after(tx, 0, limit=10_000))[0]
        for event in log:
            if isinstance(event.payload, WorkspaceStatusChanged):
                payload = event.payload
                assert walked[event.workspace_id] == payload.from_status
                assert payload.status in LIFECYCLE_TRANSITIONS[payload.from_status]
                walked[event.workspace_id] = payload.status
        assert walked == {key: workspace.status for key, workspace in self.rows().items()}

    @invariant()
    def live_workspaces_hold_their_claims_and_archived_ones_none(self) -> None:
        rows = self.rows().values()
        for workspace in rows:
            expected = branch_claim("project", workspace.branch) if workspace.is_live else None
            assert workspace.branch_claim == expected
            assert workspace.is_live or (workspace.issue_claim, workspace.worktree_path) == (None, None)
        for claims in ([w.branch_claim for w in rows], [w.issue_claim for w in rows]):
            assert all(count == 1 for claim, count in Counter(claims).items() if claim is not None)
        assert issue_claim("project", 1) != issue_claim("project", 2)

    @invariant()
    def facts_fit_the_status(self) -> None:
        for workspace in self.rows().values():
            facts = attrs.asdict(workspace, recurse=False)
            assert 0 <= workspace.retries <= RETRY_LIMIT
            match workspace.status:
                case "NEW":
                    assert not facts["init_started_at"]
                    assert not facts["worktree_path"]
                case "PROVISIONING":
                    assert facts["init_started_at"]
                    assert not facts["init_completed_at"]
                case "READY":
                    assert facts["worktree_path"]
                case "ARCHIVING":
                    assert facts["worktree_path"] or workspace.archiving_from == "FAILED"
                case "FAILED":
                    assert facts["error"]
            assert not workspace.cancel_asked or workspace.status == "PROVISIONING"


TestLifecycle = LifecycleMachine.TestCase
TestLifecycle.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
