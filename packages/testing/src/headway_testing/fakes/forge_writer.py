"""A fake forge that is written to: what exists there, and calls that can be lost on either side."""

from headway_core.forge_actions.model import (
    Comment,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.kernel.errors import HeadwayError
from headway_core.projects.model import Project
from headway_testing.crash_points import Point, no_point


class FakeForgeWriter(ForgeWriter):
    """Keeps every effect in order; `refusals` are raised by the next writes, first to last.

    `lag` hides the newest effects from `find`, as a replica does. `closed` holds the node ids of pull
    requests that are over: those are known by their mark alone.
    """

    def __init__(self, point: Point = no_point) -> None:
        self.effects: list[tuple[Order, str]] = []
        self.refusals: list[HeadwayError] = []
        self.lag = 0
        self.closed: set[str] = set()
        self.point = point

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        await self.point("before find")
        seen = self.effects[: len(self.effects) - self.lag]
        for number, (done, its_mark) in enumerate(seen):
            node_id = f"effect-{number}"
            anybodys = isinstance(order, (OpenPullRequest, Resolve, RequestReview))
            if _same_effect(done, order) and (mark == its_mark or (anybodys and node_id not in self.closed)):
                return Written(node_id=node_id)
        return None

    async def write(self, project: Project, order: Order, mark: str) -> Written:
        await self.point("before write")
        if self.refusals:
            raise self.refusals.pop(0)
        self.effects.append((order, mark))
        await self.point("after write")
        return Written(node_id=f"effect-{len(self.effects) - 1}")


def _same_effect(done: Order, order: Order) -> bool:
    match done, order:
        case OpenPullRequest(), OpenPullRequest():
            return (done.head, done.base) == (order.head, order.base)
        case Reply(), Reply():
            return done.thread_id == order.thread_id
        case Resolve(), Resolve():
            return done.thread_id == order.thread_id
        case Comment(), Comment():
            return done.pull_request == order.pull_request
        case RequestReview(), RequestReview():
            return done.pull_request == order.pull_request and {*order.reviewers} <= {*done.reviewers}
        case _:
            return False
