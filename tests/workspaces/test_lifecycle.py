"""The lifecycle: single steps, their guards, their events."""

from typing import Any

import anyio
import attrs
import pytest

from headway_core.kernel.errors import Conflict, HeadwayError, IllegalTransition, NotFound, RetriesUsed
from headway_core.workspaces import (
    CANCELLED,
    LIFECYCLE_TRANSITIONS,
    RETRY_LIMIT,
    GitFacts,
    Workspace,
    WorkspaceCreated,
    WorkspaceStatus,
    WorkspaceStatusChanged,
)
from headway_core.workspaces.model import WORKTREE_MISSING

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
PATH = "/wt/demo/1"


async def test_a_new_workspace_holds_its_branch(room: Any) -> None:
    """NEW, with its claims, and one event that carries it whole."""
    workspace = await room.create(claims_issue=7, idempotency_key="k")
    assert workspace.status is S.NEW
    assert (workspace.branch_claim, workspace.issue_claim) == ("project:headway/fix-login", "project:7")
    assert await room.told() == [WorkspaceCreated(workspace=workspace)]
    assert await room.service.list() == [workspace]


async def test_the_way_to_ready_and_to_the_archive(room: Any) -> None:
    """NEW → PROVISIONING → READY → ARCHIVING → ARCHIVED; then branch and issue are free again (L21)."""
    made = await room.create(claims_issue=7)
    begun = await room.do(room.steps.begin_provisioning, made.id, "host-1")
    assert (begun.status, begun.host_id, begun.init_started_at) == (S.PROVISIONING, "host-1", made.created_at)
    await room.do(room.steps.worktree_made, made.id, PATH)
    ready = await room.do(room.steps.provisioned, made.id, PATH, None)
    assert (ready.status, ready.worktree_path, ready.accepts_sessions) == (S.READY, PATH, True)
    archiving = await room.do(room.steps.begin_archive, made.id)
    assert (archiving.status, archiving.archiving_from) == (S.ARCHIVING, S.READY)
    archived = await room.do(room.steps.archived, made.id)
    assert archived.status is S.ARCHIVED
    assert (archived.worktree_path, archived.branch_claim, archived.issue_claim) == (None, None, None)
    assert await room.service.list() == []
    assert await room.service.list(archived=True) == [archived]
    assert (await room.create(claims_issue=7)).status is S.NEW


@pytest.mark.lesson("L21")
async def test_an_issue_is_linked_to_live_workspaces_only(room: Any) -> None:
    """The link is computed from what is not archived."""
    made = await room.create(claims_issue=7)
    holder = lambda tx: room.steps.holder_of_issue(tx, "project", 7)  # noqa: E731  one expression, used twice
    assert await room.store.ledger.read(holder) == made
    await room.do(room.steps.ask_cancel, made.id)
    await room.do(room.steps.begin_archive, made.id)
    await room.do(room.steps.archived, made.id)
    assert await room.store.ledger.read(holder) is None


async def test_a_branch_and_an_issue_have_one_live_workspace(room: Any) -> None:
    """The second creation is told who was first."""
    first = await room.create(claims_issue=7)
    for fields in ({}, {"branch": "other", "claims_issue": 7}):
        with pytest.raises(Conflict, match=first.id):
            await room.create(**fields)
    elsewhere = await room.create(project_id="other", claims_issue=7)
    assert elsewhere.branch == first.branch


@pytest.mark.lesson("L4")
async def test_a_failed_archive_goes_back_to_where_it_came_from(room: Any) -> None:
    """READY stays READY, FAILED keeps its reason beside the new one, and nothing else is lost."""
    ready = await room.put(S.READY, worktree_path=PATH, host_id="host-1")
    await room.do(room.steps.begin_archive, ready.id)
    back = await room.do(room.steps.archive_failed, ready.id, "git says no")
    assert (back.status, back.error) == (S.READY, "archive failed: git says no")
    assert (back.worktree_path, back.branch_claim) == (ready.worktree_path, ready.branch_claim)
    failed = await room.put(S.FAILED, name="Other", error="no disk")
    for problem in ("one", "two"):
        await room.do(room.steps.begin_archive, failed.id)
        back = await room.do(room.steps.archive_failed, failed.id, problem)
    assert (back.status, back.error) == (S.FAILED, "no disk; archive failed: two")


async def test_a_new_workspace_is_cancelled_through_provisioning(room: Any) -> None:
    """NEW → PROVISIONING → FAILED in one transaction: two steps of the table, two events."""
    made = await room.create()
    position = await room.position()
    failed = await room.service.cancel(made.id)
    assert (failed.status, failed.error, failed.host_id) == (S.FAILED, CANCELLED, None)
    steps = [(p.from_status, p.status) for p in await room.told(position)]
    assert steps == [(S.NEW, S.PROVISIONING), (S.PROVISIONING, S.FAILED)]


async def test_a_provisioning_is_marked_for_its_end_once(room: Any) -> None:
    """The provisioner looks at the mark; asking again says nothing new."""
    begun = await room.put(S.PROVISIONING, host_id="host-1")
    asked = await room.service.cancel(begun.id)
    assert asked.cancel_asked
    assert await room.service.cancel(begun.id) == asked


@pytest.mark.parametrize(
    ("fields", "to"),
    [
        ({"status": S.FAILED, "error": "no disk"}, S.NEW),
        ({"status": S.FAILED, "error": "cancelled", "worktree_path": PATH}, S.PROVISIONING),
        ({"status": S.READY, "warning": "script", "worktree_path": PATH}, S.PROVISIONING),
    ],
)
async def test_a_retry_begins_a_fresh_run_and_counts(
    room: Any, fields: dict[str, Any], to: WorkspaceStatus
) -> None:
    """What the last run left behind is gone, as before the first."""
    before = await room.put(**fields, host_id="host-1", init_completed_at=None, cancel_asked=False)
    after = await room.do(room.steps.retry, before.id)
    assert (after.status, after.retries) == (to, 1)
    assert (after.error, after.warning, after.init_completed_at) == (None, None, None)
    assert (after.init_started_at is None) == (to is S.NEW)
    assert after.host_id == "host-1"


@pytest.mark.lesson("L2")
async def test_the_last_retry_is_told_apart_from_every_other_refusal(room: Any) -> None:
    """Limit, wrong state and no such workspace are three errors."""
    used = await room.put(S.FAILED, retries=RETRY_LIMIT)
    with pytest.raises(RetriesUsed) as caught:
        await room.do(room.steps.retry, used.id)
    assert caught.value.limit == RETRY_LIMIT
    ready = await room.put(S.READY, name="Ready", retries=RETRY_LIMIT, worktree_path=PATH)
    with pytest.raises(IllegalTransition):
        await room.do(room.steps.retry, ready.id)
    with pytest.raises(NotFound):
        await room.do(room.steps.retry, "nobody")


@pytest.mark.lesson("L1", "L2")
async def test_of_many_callers_at_once_exactly_one_moves_it(room: Any) -> None:
    """The others get an error that says what they found, and the count grows by one."""
    failed = await room.put(S.FAILED, retries=RETRY_LIMIT - 1)
    outcomes: list[object] = []

    async def retry() -> None:
        try:
            outcomes.append((await room.do(room.steps.retry, failed.id)).status)
        except HeadwayError as error:
            outcomes.append(type(error))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(retry)
    assert sorted(map(str, outcomes)) == sorted(map(str, [S.NEW, *[IllegalTransition] * 7]))
    assert (await room.get(failed.id)).retries == RETRY_LIMIT


@pytest.mark.lesson("L1")
async def test_a_stale_record_does_not_overwrite_a_newer_one(room: Any) -> None:
    """The compare-and-swap of the row refuses it, whatever the status says."""
    made = await room.create()
    await room.do(room.steps.note_session, made.id)
    with pytest.raises(Conflict):
        await room.do(lambda tx: (tx.lock(made.id), room.steps._move(tx, made, S.PROVISIONING)))
    assert (await room.get(made.id)).status is S.NEW


async def test_a_workspace_belongs_to_the_host_that_provisioned_it_first(room: Any) -> None:
    """Another host's start is refused, also after a retry."""
    failed = await room.put(S.FAILED, host_id="host-1")
    await room.do(room.steps.retry, failed.id)
    with pytest.raises(Conflict, match="host-1"):
        await room.do(room.steps.begin_provisioning, failed.id, "host-2")
    assert (await room.get(failed.id)).status is S.NEW


@pytest.mark.lesson("L17")
async def test_name_flag_and_claim_of_a_branch_change_in_one_write(room: Any) -> None:
    """One event, one version further, and the old name is free."""
    made = await room.put(S.PROVISIONING)
    position = await room.position()
    chosen = await room.do(room.steps.choose_branch, made.id, "headway/fix-login-2")
    assert (chosen.branch_is_generated, chosen.version) == (True, made.version + 1)
    followed = await room.do(room.steps.follow_branch, made.id, "feature")
    assert (followed.branch, followed.branch_is_generated) == ("feature", False)
    assert followed.branch_claim == "project:feature"
    assert [p.event for p in await room.told(position)] == ["workspace.branch_changed"] * 2
    assert await room.do(room.steps.follow_branch, made.id, "feature") == followed
    assert (await room.create()).branch == made.branch


async def test_a_branch_that_somebody_chose_or_works_on_is_settled(room: Any) -> None:
    """No other name is chosen for it, and nobody follows onto a branch that is held or from an archive."""
    own = await room.create(branch="mine", branch_is_generated=False)
    await room.do(room.steps.begin_provisioning, own.id, "host-1")
    made = await room.put(S.PROVISIONING, worktree_path=PATH)
    for settled in (own, made):
        with pytest.raises(Conflict):
            await room.do(room.steps.choose_branch, settled.id, "headway/other")
    with pytest.raises(Conflict, match=own.id):
        await room.do(room.steps.follow_branch, made.id, "mine")
    gone = await room.put(S.ARCHIVED, name="Gone", branch_claim=None)
    with pytest.raises(Conflict):
        await room.do(room.steps.follow_branch, gone.id, "other")


async def test_facts_that_are_known_already_are_not_written_again(room: Any) -> None:
    """Steps that record a fact are safe to repeat."""
    made = await room.put(S.PROVISIONING, host_id="host-1")
    for step, argument in (
        (room.steps.worktree_made, (PATH,)),
        (room.steps.note_session, ()),
    ):
        once = await room.do(step, made.id, *argument)
        assert await room.do(step, made.id, *argument) == once
    ready = await room.do(room.steps.provisioned, made.id, PATH, None)
    assert not ready.is_retryable
    warned = await room.do(room.steps.worktree_seen, made.id, WORKTREE_MISSING)
    assert warned.is_retryable
    assert await room.do(room.steps.worktree_seen, made.id, WORKTREE_MISSING) == warned
    await room.do(room.steps.begin_archive, made.id)
    kept = await room.do(room.steps.note_preserved, made.id, "refs/heads/x")
    assert await room.do(room.steps.note_preserved, made.id, "refs/heads/x") == kept


async def test_a_worktree_belongs_to_a_provisioning(room: Any) -> None:
    """It is not registered in any other status."""
    made = await room.create()
    with pytest.raises(IllegalTransition):
        await room.do(room.steps.worktree_made, made.id, PATH)


async def test_git_facts_are_replaced_by_newer_ones_only(room: Any) -> None:
    """A late reading of an earlier look is dropped (I5), and no event is written."""
    made = await room.create()
    newer = GitFacts(
        workspace_id=made.id, branch="b", head="1" * 40, dirty=True, unpushed=1, at=made.created_at
    )
    older = attrs.evolve(newer, dirty=False, at=made.created_at.replace(year=2000))
    position = await room.position()
    for facts in (newer, older):
        await room.do(room.steps.record_git_facts, facts)
    stored = await room.store.ledger.read(lambda tx: room.steps._git_facts.get(tx, made.id))
    assert stored == newer
    assert await room.told(position) == []


LIVE = set(S) - {S.ARCHIVED}
STEPS: dict[str, tuple[tuple[Any, ...], set[WorkspaceStatus]]] = {
    "begin_provisioning": (("host-1",), {S.NEW}),
    "provisioned": ((PATH, "a warning"), {S.PROVISIONING}),
    "provisioning_failed": (("no disk",), {S.PROVISIONING}),
    "retry": ((), {S.READY, S.FAILED}),
    "ask_cancel": ((), {S.NEW, S.PROVISIONING}),
    "begin_archive": ((), {S.READY, S.FAILED}),
    "archived": ((), {S.ARCHIVING}),
    "archive_failed": (("busy",), {S.ARCHIVING}),
    "worktree_made": ((PATH,), {S.PROVISIONING}),
    "worktree_seen": ((WORKTREE_MISSING,), {S.READY}),
    "note_session": ((), set(S)),
    "note_preserved": (("refs/heads/x",), {S.ARCHIVING}),
    "choose_branch": (("headway/other",), {S.PROVISIONING}),
    "follow_branch": (("other",), LIVE),
}
"""Each step with its arguments, and the statuses from which it changes something."""


@pytest.mark.lesson("S7", "B4", "B5", "B6")
@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("step", STEPS)
async def test_every_changed_field_is_in_the_event_of_its_write(
    room: Any, step: str, status: WorkspaceStatus
) -> None:
    """From a status that is not the step's nothing changes; from the others just what is said; I1 holds."""
    arguments, statuses = STEPS[step]
    before = await room.put(status, warning="w" if status is S.READY else None, archiving_from=S.READY)
    position = await room.position()
    try:
        await room.do(getattr(room.steps, step), before.id, *arguments)
    except (IllegalTransition, Conflict):
        assert status not in statuses
        assert await room.get(before.id) == before
        assert await room.told(position) == []
        return
    after, payloads = await room.get(before.id), await room.told(position)
    changed = changed_fields(before, after) - {"version"}
    assert changed == {field for field in said(payloads) if getattr(before, field) != getattr(after, field)}
    assert all(value == getattr(after, field) for field, value in said(payloads).items())
    assert bool(payloads) == bool(changed) == (status in statuses)
    walked = before.status
    for payload in payloads:
        if isinstance(payload, WorkspaceStatusChanged):
            assert payload.from_status is walked
            assert payload.status in LIFECYCLE_TRANSITIONS[walked]
            walked = payload.status
    assert walked is after.status


def changed_fields(before: Workspace, after: Workspace) -> set[str]:
    names = [field.name for field in attrs.fields(Workspace)]
    return {name for name in names if getattr(before, name) != getattr(after, name)}


def said(payloads: list[Any]) -> dict[str, object]:
    """What the events say, the later ones over the earlier."""
    return {
        key: value
        for payload in payloads
        for key, value in attrs.asdict(payload, recurse=False).items()
        if key != "from_status"
    }
