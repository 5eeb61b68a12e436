"""A bot at the forge that is never content, and what it may make of the ratchet: no loop."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio

from headway_core.pull_requests.model import Author, GitHubState, ThreadComment
from headway_core.ratchet.model import ROUNDS_LIMIT, CauseItem, CauseKind, DispatchStatus, FixerDispatch
from headway_testing.conversations import VIEWER
from simulator.github import GitHub, Pull, Thread

if TYPE_CHECKING:
    from simulator.world import World

TIDY = Author(login="tidy", node_id="B_tidy", is_bot=True, can_push=True)
THANKS = "Thank you!"


def _remarks(github: GitHub, pull: Pull) -> None:
    """In its open thread that nobody has answered, or in a new one: it has two at least."""
    open_ones = [each for each in _threads(pull) if not _is_answered(each)]
    if open_ones and len(_threads(pull)) > 1:
        github.comment(open_ones[0].thread.id, TIDY, "And tidy that")
    else:
        github.say(pull, "Tidy this", TIDY)


def _thanks(github: GitHub, pull: Pull) -> None:
    for each in _threads(pull):
        if each.thread.comments[-1].author == VIEWER:
            github.comment(each.thread.id, TIDY, THANKS)


def _ticks_off(github: GitHub, pull: Pull) -> None:
    for each in _threads(pull):
        github.edit(each.thread.id, TIDY)


_BOTS: Mapping[str, Callable[[GitHub, Pull], None]] = {
    "says something new": _remarks,
    "ticks off what it said": _ticks_off,
}


def _threads(pull: Pull) -> list[Thread]:
    return [each for each in pull.now.threads if not each.resolved and each.thread.comments[0].author == TIDY]


def _is_answered(each: Thread) -> bool:
    return any(comment.author == VIEWER for comment in each.thread.comments)


async def bots(world: "World") -> None:
    """A bot thanks, posts and talks in every open pull request, again and again, while the storm lasts."""
    while world.stormy:
        await anyio.sleep(world.luck.uniform(1, 5))
        for branch in [name for name in world.github.branches if name != "main"]:
            if world.github.open_pull_of(branch) is None:
                world.github.open(branch)
        for pull in [each for each in world.github.pulls.values() if each.now.state is GitHubState.OPEN]:
            _thanks(world.github, pull)
            world.github.post_status(pull)
            what = world.chance.pick(f"bot {world.count('bot')}", tuple(_BOTS))
            world.tell(f"a bot {what} (#{pull.number})")
            _BOTS[what](world.github, pull)


def too_often(
    world: "World", dispatch: FixerDispatch, kind: CauseKind, item: CauseItem, ended: Iterable[FixerDispatch]
) -> str | None:
    """What is wrong with one more fixer for this item after those that came to their ends; None: nothing."""
    done = [
        (before, carried)
        for before in ended
        if before.status is DispatchStatus.COMPLETED
        for carried in (each for cause in before.causes for each in cause.items)
        if carried.key == item.key
    ]
    if kind is CauseKind.CI and item.key.startswith("status:"):
        again = any(before.head == dispatch.head for before, _ in done)
        return f"{item.key} was only posted anew" if again else None
    said = partial(_said, world.github.thread(item.key))
    if kind is not CauseKind.FEEDBACK or not done or said(None) is None:
        return None
    if len(done) >= ROUNDS_LIMIT:
        return f"a bot alone got {len(done)} fixers in {item.key}, and gets another one"
    newest = max(datetime.fromisoformat(carried.mark) for _, carried in done)
    return None if said(newest) else f"nothing new was said in {item.key}"


def _said(thread: Thread | None, since: datetime | None) -> list[ThreadComment] | None:
    """What the bot said since then beside its thanks; None when it is not alone in the thread."""
    comments = thread.thread.comments if thread else ()
    if not comments or any(comment.author not in (TIDY, VIEWER) for comment in comments):
        return None
    return [
        comment
        for comment in comments
        if comment.author == TIDY and comment.body != THANKS and (since is None or comment.created_at > since)
    ]
