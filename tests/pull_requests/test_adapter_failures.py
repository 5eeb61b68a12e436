"""An adapter of somebody else that raises what no adapter may."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import anyio
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.projects.model import Project
from headway_core.pull_requests import RefreshFailed, WatchDuty
from headway_core.pull_requests.adapter_failures import NonRaisingForge
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import RateLimit
from headway_testing.fakes.forge import FakeForgeReader
from headway_testing.records import a_project

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

SECRET = "ghp_of_nobody"


def raises(error: Exception) -> Callable[[], Awaitable[None]]:
    """What is awaited inside every call of the fake."""

    async def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AttributeError(SECRET), FailureKind.NONSENSE),
        (ConnectionRefusedError(SECRET), FailureKind.UNAVAILABLE),
    ],
    ids=["defect", "system"],
)
@pytest.mark.parametrize("is_attached", [True, False], ids=["observe", "of_branches"])
async def test_an_exception_of_the_adapter_is_a_failed_fetch(
    room: "Room", error: Exception, kind: FailureKind, is_attached: bool
) -> None:
    """The watch says which exception it was, without its text, and backs off each time."""
    await room.add()
    if is_attached:
        await room.attach()
    room.forge.before_answer = raises(error)
    waits = []
    for _ in range(3):
        await WatchDuty(room.service).run()
        watch = await room.watch()
        assert watch.failure_summary == f"{kind}: the forge adapter failed: {type(error).__name__}"
        due_in_s = await room.due_in()
        assert due_in_s is not None
        waits.append(due_in_s)
        room.clock.advance(due_in_s)
    assert (await room.watch()).failures == 3
    assert waits[0] * 1.5 < waits[1] < waits[2] / 1.5
    assert SECRET not in repr(await room.watch())
    assert SECRET not in repr(await room.events())


async def test_its_traceback_is_logged_once(room: "Room", caplog: pytest.LogCaptureFixture) -> None:
    """The second failure of the same call is in the watch alone; another exception is logged too."""
    await room.add()
    await room.attach()
    with caplog.at_level(logging.ERROR):
        for error in (AttributeError("a"), AttributeError("b"), KeyError("c")):
            room.forge.before_answer = raises(error)
            assert isinstance(await room.service.refresh_workspace("w1"), RefreshFailed)
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == len({record.getMessage() for record in told})
    kinds = [record.exc_info[0] for record in told if record.exc_info]
    assert (kinds.count(AttributeError), kinds.count(KeyError)) == (1, 1)


async def test_who_attaches_by_number_is_told(room: "Room") -> None:
    """An exception in `resolve` is what GitHub's outage is: an error with a kind, and nothing is changed."""
    await room.add()
    room.forge.before_answer = raises(AttributeError(SECRET))
    with pytest.raises(Unavailable, match="the forge adapter failed: AttributeError") as caught:
        await room.service.attach_number("w1", 7)
    assert SECRET not in str(caught.value)
    assert (await room.snapshot()).node_id is None


class Uncounted(FakeForgeReader):
    """Fails in what is beside the answers."""

    def limits(self) -> tuple[RateLimit, ...]:
        raise AttributeError

    async def unknown_accounts(self, names: Sequence[str]) -> tuple[str, ...]:
        raise AttributeError

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        raise AttributeError


async def test_what_is_beside_the_answers_does_not_hurt_them() -> None:
    """No limits are told where they can't be, and a merge check that fails is of no interest."""
    forge = NonRaisingForge(Uncounted())
    assert forge.limits() == ()
    assert await forge.unknown_accounts(["ada"]) == ()
    await forge.trigger_merge_check(a_project(), 7)


async def test_a_cancellation_goes_through(room: "Room") -> None:
    """Who is cancelled inside the adapter ends, and no failure is stored."""
    await room.add()
    await room.attach()
    asked = anyio.Event()

    async def hang() -> None:
        asked.set()
        await anyio.sleep_forever()

    room.forge.before_answer = hang
    ended = []

    async def refresh() -> None:
        ended.append(await room.service.refresh_workspace("w1"))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh)
        await asked.wait()
        group.cancel_scope.cancel()
    assert ended == []
    watch = await room.watch()
    assert (watch.failure, watch.failures) == (None, 0)
