"""Webhook deliveries: each is taken once, and says where to look, never what is there."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from headway_core.pull_requests import (
    DELIVERIES,
    Delivery,
    DeliveryAccepted,
    DeliveryRepeated,
    LookAgain,
    PullRequestHinted,
    Unchanged,
    WebhookDuty,
    WebhookService,
)
from headway_core.pull_requests.model import Base, GitHubState, Head
from headway_core.pull_requests.webhook_steps import KEPT
from headway_core.workspaces.model import WorkspaceStatus
from headway_testing.observations import an_observation

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

A, B = "a" * 40, "b" * 40
LONG = 3540
"""Seconds until it is due without a hint."""


def delivery(guid: str = "1", **hint: Any) -> Delivery:
    fields = {"host": "github.com", "repository": "octo/demo", **hint}
    return Delivery(hook="9", guid=guid, event="check_run.completed", hints=(LookAgain(**fields),))


@pytest.fixture
def hooks(room: "Room") -> WebhookService:
    return room.webhooks


async def watched(room: "Room", workspace_id: str = "w1", node_id: str = "PR_1", **changes: Any) -> None:
    """A workspace whose pull request was read a while ago, and is not due for long."""
    await room.set(quiet_time_s=0, cadence_hot_s=3600, cadence_settled_s=3600)
    await room.add(workspace_id, branch=f"b-{workspace_id}", branch_claim=f"p1:b-{workspace_id}")
    await room.attach(workspace_id, node_id)
    room.forge.observations[node_id] = an_observation(node_id, **changes)
    await room.service.refresh_workspace(workspace_id)
    room.clock.advance(60)


@pytest.mark.parametrize(
    ("hint", "due"),
    [
        ({"numbers": (7,)}, 0),
        ({"numbers": (8,)}, LONG),
        ({"commits": (A,)}, 0),
        ({"commits": (B,)}, LONG),
        ({"branches": ("b-w1",)}, 0),
        ({"branches": ("main",)}, 0),
        ({"branches": ("headway/fix-login",)}, 0),
        ({"branches": ("other",)}, LONG),
        ({"all": True}, 0),
        ({}, LONG),
        ({"numbers": (7,), "repository": "Octo/Demo"}, 0),
        ({"numbers": (7,), "repository": "octo/other"}, LONG),
        ({"numbers": (7,), "repository": "octo/new", "former_repository": "octo/demo"}, 0),
        ({"numbers": (7,), "host": "github.example"}, LONG),
        ({"numbers": (1, 2), "commits": (B, A)}, 0),
    ],
)
async def test_what_a_hint_concerns(
    room: "Room", hooks: WebhookService, hint: dict[str, Any], due: int
) -> None:
    """By number, head commit, own branch, head or base, or the whole repository, also after a rename."""
    await watched(room)
    accepted = DeliveryAccepted(event="check_run.completed", workspaces=1 if due == 0 else 0)
    assert await hooks.take(delivery(**hint)) == accepted
    assert await room.due_in() == due
    assert ((await room.watch()).hint_at == room.clock.now()) is (due == 0)


async def test_what_is_merged_or_archived_is_left_alone_by_a_push_to_its_base(
    room: "Room", hooks: WebhookService
) -> None:
    """A push to main costs nothing for what is over (R30)."""
    await watched(room, "w1", "PR_1", state=GitHubState.MERGED)
    await watched(room, "w2", "PR_2", number=8)
    await room.change_workspace("w2", status=WorkspaceStatus.ARCHIVED)
    before = (await room.watch("w1"), await room.watch("w2"))
    hints: list[dict[str, Any]] = [
        {"branches": ("main",)},
        {"all": True},
        {"numbers": (8,)},
        {"commits": (A,)},
    ]
    for n, hint in enumerate(hints):
        await hooks.take(delivery(str(n), **hint))
    after = await room.watch("w1"), await room.watch("w2")
    assert after[1] == before[1]
    assert after[0].due_at == room.clock.now()  # its own commit was named: somebody may push to the branch
    room.forge.asked.clear()
    await room.service.refresh_due()
    assert room.asked("observe") == []


async def test_a_redelivery_is_taken_once(room: "Room", hooks: WebhookService) -> None:
    """The same hook and id again changes nothing; another hook's same id is another delivery."""
    await watched(room)
    await hooks.take(delivery(numbers=(7,)))
    await room.service.refresh_due()
    before = await room.watch()
    assert await hooks.take(delivery(numbers=(7,))) == DeliveryRepeated(event="check_run.completed")
    assert await room.watch() == before
    again = delivery(numbers=(7,))
    other = Delivery(hook="10", guid=again.guid, event=again.event, hints=again.hints)
    assert await hooks.take(other) == DeliveryAccepted(event="check_run.completed", workspaces=1)


async def test_a_delivery_that_could_not_be_stored_is_let_through_again(
    room: "Room", hooks: WebhookService
) -> None:
    """Its row and its hints are one transaction: done, or as if it had never come."""
    await watched(room)
    hint, failing = room.steps.hint, True

    def fails(*args: Any, **more: Any) -> bool:
        if failing:
            raise ZeroDivisionError
        return hint(*args, **more)

    room.steps.hint = fails  # type: ignore[method-assign]  # it fails once
    with pytest.raises(ZeroDivisionError):
        await hooks.take(delivery(numbers=(7,)))
    failing = False
    assert isinstance(await hooks.take(delivery(numbers=(7,))), DeliveryAccepted)
    assert await room.due_in() == 0


async def test_a_burst_is_one_hint_with_one_event(room: "Room", hooks: WebhookService) -> None:
    """Fifty deliveries: due once, told once; and while they go on, a fetch in two seconds."""
    await watched(room)
    for n in range(50):
        await hooks.take(delivery(str(n), numbers=(7,)))
    assert [e for e in await room.events() if isinstance(e, PullRequestHinted)] == [
        PullRequestHinted(by="check_run.completed")
    ]
    room.forge.asked.clear()
    for n in range(40):
        await room.service.refresh_due()
        room.clock.advance(0.1)
        await hooks.take(delivery(f"later {n}", numbers=(7,)))
    assert len(room.forge.asked) == 2


async def test_a_hint_that_comes_during_a_fetch_makes_another(room: "Room", hooks: WebhookService) -> None:
    """What happened after the fetch began is not lost in it (R16)."""
    await watched(room)
    asked, go = anyio.Event(), anyio.Event()

    async def wait() -> None:
        asked.set()
        await go.wait()

    room.forge.before_answer = wait
    async with anyio.create_task_group() as group:
        group.start_soon(room.service.refresh_workspace, "w1")
        await asked.wait()
        room.clock.advance(1)
        await hooks.take(delivery(numbers=(7,)))
        go.set()
    assert await room.due_in() == 0
    assert await room.service.refresh_due() == {"w1": Unchanged()}


async def test_a_hint_finds_the_head_and_base_of_the_newest_facts(
    room: "Room", hooks: WebhookService
) -> None:
    """The indexed copies move with the facts, and go with them."""
    await watched(room)
    moved = an_observation(commit=B, number=9, base=Base(ref="next", commit=A))
    room.forge.observations["PR_1"] = moved
    await room.service.refresh_workspace("w1")
    snapshot = await room.snapshot()
    assert snapshot.facts is not None
    assert (snapshot.number, snapshot.head_commit) == (9, B)
    await room.service.detach("w1")
    snapshot = await room.snapshot()
    assert (snapshot.number, snapshot.head_commit, snapshot.facts) == (None, None, None)


async def test_deliveries_are_forgotten_when_github_sends_them_no_more(
    room: "Room", hooks: WebhookService
) -> None:
    """Kept longer than the week in which an enterprise server redelivers."""
    assert timedelta(days=7) < KEPT
    await hooks.take(delivery("old"))
    room.clock.advance(KEPT + timedelta(seconds=1))
    await hooks.take(delivery("new"))
    await WebhookDuty(hooks).run()
    table = room.store.reader(DELIVERIES)
    stored = await room.store.ledger.read(lambda tx: [table.get(tx, "9", guid) for guid in ("old", "new")])
    assert [each is not None for each in stored] == [False, True]


async def test_the_fork_that_is_gone_does_not_stop_a_hint(room: "Room", hooks: WebhookService) -> None:
    """A head without a repository is found by its branch as any other."""
    await watched(room, head=Head(ref="x", commit=A, repository=None, tip=None))
    await hooks.take(delivery(branches=("x",)))
    assert await room.due_in() == 0
