"""Pull requests that people attach and detach, and those that agents name."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.kernel.errors import InvalidInput, NotFound
from headway_core.pull_requests import (
    NoPullRequest,
    PullRequestDetached,
    Refreshed,
)
from headway_core.pull_requests.addresses import named_pull_requests, pull_request_number
from headway_core.pull_requests.model import Author, FailureKind, Head
from headway_core.pull_requests.ports import FetchFailed
from headway_core.workspaces.model import GIT_FACTS, GitFacts
from headway_testing.clock import EPOCH
from headway_testing.observations import a_candidate, an_observation
from headway_testing.records import a_project

if TYPE_CHECKING:
    from .conftest import Room

BRANCH = "headway/fix-login"
URL = "https://github.com/octo/demo/pull/7"
A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("address", "number"),
    [
        (URL, 7),
        ("  http://GitHub.com/Octo/Demo/pull/12/files#diff ", 12),
        ("https://github.com/octo/demo/pull/7?x=1", 7),
    ],
)
def test_an_address_is_read(address: str, number: int) -> None:
    """Any case, also of a page below it."""
    assert pull_request_number(a_project(), address) == number


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/octo/other/pull/7",
        "https://github.com.evil.example/octo/demo/pull/7",
        "https://evil.example/https://github.com/octo/demo/pull/7",
        "https://github.com/octo/demo/pull/0",
        "https://github.com/octo/demo/pull/",
        "https://github.com/octo/demo/issues/7",
        "https://github.com/octo/demo/pull/99999999999999",
        "7",
        "",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    """Another repository or host, no pull request, no number that GitHub has."""
    with pytest.raises(InvalidInput, match="url"):
        pull_request_number(a_project(), address)


def test_the_last_three_that_a_text_names_are_taken() -> None:
    """Each once, in the order of their last mention: what an agent opened it tells at its end."""
    text = " ".join(f"https://github.com/octo/demo/pull/{n}" for n in (1, 2, 3, 1, 4))
    assert named_pull_requests(a_project(), f"{text} https://github.com/octo/other/pull/9") == (3, 1, 4)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_addresses(text: str) -> None:
    """Whatever an agent prints: at most three numbers of this repository."""
    assert len(named_pull_requests(a_project(), f"{text}{URL}{text}")) <= 3


@pytest.mark.anyio
@pytest.mark.lesson("S6")
async def test_an_address_attaches_with_facts_in_one_write(room: "Room") -> None:
    """As a number does; an address of another repository asks GitHub nothing."""
    await room.add()
    room.forge.numbers[7] = "PR_1"
    room.forge.observations["PR_1"] = an_observation()
    assert isinstance(await room.service.attach_url("w1", URL), Refreshed)
    room.forge.asked.clear()
    with pytest.raises(InvalidInput):
        await room.service.attach_url("w1", "https://github.com/octo/other/pull/7")
    with pytest.raises(NotFound):
        await room.service.attach_url("nobody", URL)
    assert room.forge.asked == []


@pytest.mark.anyio
async def test_what_a_person_detached_stays_detached(room: "Room") -> None:
    """Nothing of it is left, its branch is looked at for another, and people may attach it again."""
    await room.add()
    room.forge.candidates[BRANCH] = (a_candidate(7),)
    room.forge.numbers[7] = "PR_7"
    room.forge.observations["PR_7"] = an_observation("PR_7")
    await room.service.refresh_workspace("w1")
    assert await room.service.detach("w1", actor="mia")
    snapshot, watch = await room.snapshot(), await room.watch()
    assert (snapshot.node_id, snapshot.facts, snapshot.attached_at) == (None, None, None)
    assert (watch.state_at, watch.checks_at, watch.fetch_began_at) == (None, None, None)
    assert (await room.events())[-1] == PullRequestDetached(node_id="PR_7", number=7)
    assert await room.service.refresh_due() == {"w1": NoPullRequest()}
    assert not await room.service.detach("w1")

    room.forge.candidates[BRANCH] = (a_candidate(7), a_candidate(8))
    room.forge.observations["PR_8"] = an_observation("PR_8", number=8)
    await room.service.refresh_workspace("w1")
    assert (await room.snapshot()).node_id == "PR_8"
    assert (await room.snapshot()).declined == ("PR_7",)

    assert isinstance(await room.service.attach_number("w1", 7), Refreshed)
    snapshot = await room.snapshot()
    assert (snapshot.node_id, snapshot.declined) == ("PR_7", ())


async def on_commit(room: "Room", commit: str) -> None:
    """The worktree was last seen on this commit."""
    facts = GitFacts(workspace_id="w1", branch=BRANCH, head=commit, dirty=False, unpushed=0, at=EPOCH)
    table = room.store.writer(GIT_FACTS)
    await room.store.ledger.transact(lambda tx: table.put(tx, facts))


async def named(room: "Room", *numbers: int) -> None:
    """The agent names these and ends; w1 has no pull request of its branch."""
    await room.store.ledger.transact(lambda tx: room.steps.hint(tx, "w1", numbers=numbers))
    await room.service.refresh_due()


@pytest.mark.anyio
@pytest.mark.lesson("S14", "S16")
async def test_a_pull_request_from_another_branch_is_found_by_its_address(room: "Room") -> None:
    """The agent pushed its work elsewhere and opened it from there: the worktree's commit is its head."""
    await room.add()
    await on_commit(room, A)
    room.forge.numbers[9] = "PR_9"
    head = Head(ref="agent/other", commit=A, repository="octo/demo", tip=A)
    room.forge.observations["PR_9"] = an_observation("PR_9", number=9, head=head)
    room.forge.candidates["agent/other"] = (a_candidate(9),)
    await named(room, 9)
    snapshot = await room.snapshot()
    assert (snapshot.node_id, snapshot.number) == ("PR_9", 9)
    assert (await room.watch()).hinted == ()


@pytest.mark.anyio
@pytest.mark.lesson("S14")
@pytest.mark.parametrize(
    "lie",
    [
        "another commit",
        "the base branch",
        "too old",
        "fork",
        "declined",
        "unknown",
        "unreadable",
        "closed",
    ],
)
async def test_what_an_agent_names_is_hostile(room: "Room", lie: str) -> None:
    """Any can be named: without the commit's word and all other rules it is not attached."""
    await room.add(base_branch="agent/other" if lie == "the base branch" else "main")
    await on_commit(room, B if lie == "another commit" else A)
    candidate = a_candidate(9, created_at=EPOCH - timedelta(hours=1) if lie == "too old" else EPOCH)
    room.forge.numbers[9] = "PR_9"
    head = Head(ref="agent/other", commit=A, repository="octo/demo", tip=A)
    room.forge.observations["PR_9"] = an_observation("PR_9", number=9, head=head, author=Author(login="eve"))
    room.forge.candidates["agent/other"] = (candidate,)
    if lie == "declined":
        room.forge.candidates[BRANCH] = (candidate,)
        await room.service.refresh_workspace("w1")
        await room.service.detach("w1")
        del room.forge.candidates[BRANCH]
    if lie == "fork":  # the repository has one of that branch too
        own = a_candidate(10)
        room.forge.candidates["agent/other"] = (a_candidate(9, head_repository="eve/demo"), own)
    if lie == "unknown":
        room.forge.numbers.clear()
    if lie == "unreadable":
        room.forge.observations["PR_9"] = FetchFailed(kind=FailureKind.FORBIDDEN, problem="because")
    if lie == "closed":
        room.forge.candidates["agent/other"] = ()
    await named(room, 9)
    snapshot = await room.snapshot()
    assert (snapshot.node_id, snapshot.facts) == (None, None)


@pytest.mark.anyio
async def test_names_are_kept_until_a_look_succeeds(room: "Room") -> None:
    """The last three; a failed look keeps them, a good one has used them up."""
    await room.add()
    room.forge.candidates[BRANCH] = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no connection")
    await named(room, 1, 2, 3, 4)
    assert (await room.watch()).hinted == (2, 3, 4)
    del room.forge.candidates[BRANCH]
    room.clock.advance(600)
    await room.service.refresh_due()
    assert (await room.watch()).hinted == ()


@pytest.mark.anyio
async def test_what_a_list_does_not_have_is_looked_up_by_itself(room: "Room") -> None:
    """One of three is missing in the answer: it is asked for alone before that is believed."""
    for n in (1, 2, 3):
        await room.add(f"w{n}", branch=f"b{n}")
        await room.attach(f"w{n}", f"PR_{n}")
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n)
    second = room.forge.observations.pop("PR_2")

    async def found_again() -> None:
        room.forge.observations["PR_2"] = second

    room.forge.before_answer = found_again
    outcomes = await room.service.refresh_due()
    assert {type(outcome) for outcome in outcomes.values()} == {Refreshed}
    assert room.asked("observe") == [("PR_1", "PR_2", "PR_3"), ("PR_2",)]
