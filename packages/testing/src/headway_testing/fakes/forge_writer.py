"""A forge that is written to: what is there (`FakeEffects`), and one process that writes it."""

import attrs

from headway_core.forge_actions.model import (
    Comment,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.kernel.errors import HeadwayError, InvalidInput, NotFound
from headway_core.projects.model import Project
from headway_testing.crash_points import Point, no_point


@attrs.define(kw_only=True)
class FakeEffects:
    """The forge's side: every effect in order, with its mark, and what the next calls meet."""

    done: list[tuple[Order, str]] = attrs.field(factory=list)
    refusals: list[HeadwayError] = attrs.field(factory=list)
    """Raised by the next writes, first to last, which then have no effect."""
    lag: int = 0
    """How many of the newest effects `find` does not see yet, as a replica does not."""
    closed: set[str] = attrs.field(factory=set)
    """Node ids of pull requests that are over: those are known by their mark alone."""
    branches: set[str] | None = None
    """The branches that are pushed; None: every one."""
    threads: set[str] | None = None
    """The review threads that there are; None: every one."""

    def node_id(self, number: int) -> str:
        """What the effect with this number, from 0, is known by."""
        order, _ = self.done[number]
        match order:
            case Resolve(thread_id=thread_id):
                return thread_id
            case RequestReview(pull_request=pull_request):
                return pull_request
            case _:
                return f"effect-{number}"


class FakeForgeWriter(ForgeWriter):
    """Keeps every effect in order, and finds each as the forge would."""

    def __init__(self, effects: FakeEffects | None = None, point: Point = no_point) -> None:
        self.effects = FakeEffects() if effects is None else effects
        self.point = point

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        await self.point("before find")
        return self._find(order, mark, len(self.effects.done) - self.effects.lag)

    def _find(self, order: Order, mark: str, shown: int) -> Written | None:
        for number, (done, its_mark) in enumerate(self.effects.done[:shown]):
            node_id = self.effects.node_id(number)
            anybodys = isinstance(order, (OpenPullRequest, Resolve, RequestReview))
            known = mark == its_mark or (anybodys and node_id not in self.effects.closed)
            if known and _same_effect(done, order):
                return Written(node_id=node_id)
        return None

    async def write(self, project: Project, order: Order, mark: str) -> Written:
        await self.point("before write")
        if self.effects.refusals:
            raise self.effects.refusals.pop(0)
        self._refuse(order)
        self.effects.done.append((order, mark))
        await self.point("after write")
        return Written(node_id=self.effects.node_id(len(self.effects.done) - 1))

    def _refuse(self, order: Order) -> None:
        """Raise what a forge says to what can't be done there."""
        match order:
            case OpenPullRequest(head=head):
                if self.effects.branches is not None and head not in self.effects.branches:
                    raise InvalidInput("pull request", f"there is no branch {head!r}")
                if self._find(order, "", len(self.effects.done)) is not None:
                    raise InvalidInput("pull request", f"one of {head!r} is open already")
            case Reply(thread_id=thread_id) | Resolve(thread_id=thread_id):
                if self.effects.threads is not None and thread_id not in self.effects.threads:
                    raise NotFound("review thread", thread_id)
            case _:
                pass


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
