"""Whose a pull request is: evidence or nothing, and one live workspace a pull request."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from headway_core.kernel.errors import Conflict, UniqueClash
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    NoPullRequest,
    PullRequestTaken,
    Refreshed,
    TakenElsewhere,
    Unchanged,
)
from headway_core.pull_requests.model import SNAPSHOTS, GitHubState, Head
from headway_core.pull_requests.ports import Candidate
from headway_core.workspaces.model import GIT_FACTS, GitFacts, ResumeBranchSource, WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.observations import a_candidate, an_observation
from headway_testing.records import a_project

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

BRANCH = "headway/fix-login"
A, B, C = "a" * 40, "b" * 40, "c" * 40


def from_a_fork(number: int, commit: str | None = B, **changes: object) -> Candidate:
    """One that somebody opened from a fork whose branch has our branch's name."""
    fields: dict[str, Any] = {
        "head_repository": "eve/demo",
        "in_repository": False,
        "head_commit": commit,
        "created_at": EPOCH + timedelta(days=1),
    }
    return a_candidate(number, **fields | changes)


async def git_says(room: "Room", **facts: Any) -> None:
    known: dict[str, Any] = {"branch": BRANCH, "head": A, "dirty": False, "unpushed": 0, "at": EPOCH}
    table = room.store.writer(GIT_FACTS)
    row = GitFacts(workspace_id="w1", **known | facts)
    await room.store.ledger.transact(lambda tx: table.put(tx, row))


async def found(room: "Room", *candidates: Candidate, branch: str = BRANCH) -> str | None:
    """What a look at these attaches."""
    room.forge.candidates[branch] = candidates
    for each in candidates:
        head = Head(ref=branch, commit=each.head_commit or A, repository=each.head_repository, tip=None)
        room.forge.observations[each.node_id] = an_observation(each.node_id, number=each.number, head=head)
    await room.service.refresh_workspace("w1")
    return (await room.snapshot()).node_id


# Forks: anybody can name a branch of theirs as ours is named.


@pytest.mark.parametrize("made", [None, (), (A,)])
async def test_a_forks_is_not_attached_when_its_head_was_not_made_here(
    room: "Room", made: tuple[str, ...] | None
) -> None:
    """Its branch has our branch's name, and that is all."""
    await room.add()
    await git_says(room, made=made)
    assert await found(room, from_a_fork(7)) is None
    assert await room.events() == []


async def test_nothing_is_evidence_before_git_was_asked(room: "Room") -> None:
    """A workspace of which git has said nothing attaches no fork's; nor one whose head is not told."""
    await room.add()
    assert await found(room, from_a_fork(7, A)) is None
    await git_says(room)
    assert await found(room, from_a_fork(7, None)) is None


async def test_a_resumed_branch_attaches_no_forks_either(room: "Room") -> None:
    """Many forks have a `develop`, older than the workspace too, and at the commit that origin's had."""
    old = EPOCH - timedelta(days=300)
    await room.add(branch="develop", source=ResumeBranchSource(branch="develop"))
    await git_says(room, branch="develop", head=A, made=())
    forks = [from_a_fork(7, B, created_at=old), from_a_fork(8, A, created_at=old)]
    assert await found(room, *forks, branch="develop") is None


async def test_what_was_only_fetched_into_the_worktree_is_no_evidence(room: "Room") -> None:
    """HEAD of a fresh worktree is the base's tip, which everybody can push to a fork."""
    await room.add()
    await git_says(room, head=B, made=())
    assert await found(room, from_a_fork(7, B)) is None


@pytest.mark.parametrize("made", [(B,), (C, B), None])
async def test_a_forks_whose_head_was_made_here_is_attached(
    room: "Room", made: tuple[str, ...] | None
) -> None:
    """The agent pushed its work to a fork, and may have committed since."""
    await room.add()
    await git_says(room, head=B if made is None else made[0], made=made)
    assert await found(room, from_a_fork(7)) == "PR_7"


async def test_after_a_rename_ones_own_stays_ones_own(room: "Room") -> None:
    """By node id: the new name of the repository is not the project's, and a fork's is no better."""
    await room.add()
    await git_says(room, made=(A,))
    own = a_candidate(8, head_repository="octo/renamed", in_repository=True, head_commit=A)
    assert await found(room, from_a_fork(7, A), own) == "PR_8"


async def test_a_repository_that_took_the_old_name_is_a_stranger(room: "Room") -> None:
    """Another repository has the project's name by now: the id tells them apart."""
    await room.add()
    stranger = a_candidate(7, head_repository="octo/demo", in_repository=False, head_commit=B)
    assert await found(room, stranger) is None


# What an agent names is judged by what git says since the agent ended.


async def named(room: "Room", *numbers: int) -> None:
    at = room.clock.now()
    await room.store.ledger.transact(lambda tx: room.steps.hint(tx, "w1", happened_at=at, numbers=numbers))


async def opened_elsewhere(room: "Room", commit: str = B) -> None:
    """The agent pushed to another branch, and opened #9 from there."""
    room.forge.numbers[9] = "PR_9"
    head = Head(ref="agent/other", commit=commit, repository="octo/demo", tip=commit)
    room.forge.observations["PR_9"] = an_observation("PR_9", number=9, head=head)
    room.forge.candidates["agent/other"] = (a_candidate(9, head_commit=commit, in_repository=True),)


@pytest.mark.lesson("S14", "S16")
async def test_a_name_is_kept_until_git_was_asked_since(room: "Room") -> None:
    """What git said before the agent's end does not use it up, however often it is looked at meanwhile."""
    await room.add()
    await git_says(room, head=A)
    await opened_elsewhere(room)
    await named(room, 9)
    for pause_s in (0, 5, 10, 30, 180):
        room.clock.advance(pause_s)
        await room.service.refresh_due()
        assert (await room.snapshot()).node_id is None
        assert (await room.watch()).hinted == (9,)
    await git_says(room, branch="agent/other", head=B, at=room.clock.now())
    await room.hint()
    await room.service.refresh_due()
    assert (await room.snapshot()).node_id == "PR_9"
    assert (await room.watch()).hinted == ()


async def test_a_name_is_kept_while_github_does_not_know_it_yet(room: "Room") -> None:
    """A replica lags: the first looks find nothing, and the name is not used up by them."""
    await room.add()
    await named(room, 9)
    await git_says(room, head=B, at=room.clock.now())
    await room.service.refresh_due()
    await opened_elsewhere(room)
    room.clock.advance(5)
    await room.service.refresh_due()
    assert (await room.snapshot()).node_id == "PR_9"


async def test_an_agent_that_went_back_to_its_branch_is_believed_by_the_reflog(room: "Room") -> None:
    """HEAD is on the first branch again; the commit of the other one was made here."""
    await room.add()
    await opened_elsewhere(room)
    await named(room, 9)
    await git_says(room, head=A, made=(B, A), at=room.clock.now())
    await room.service.refresh_due()
    assert (await room.snapshot()).node_id == "PR_9"


@pytest.mark.parametrize("git", ["asked", "away"])
async def test_a_name_is_not_kept_for_ever(room: "Room", git: str) -> None:
    """One that is somebody else's is gone with the first looks, or when git could not be asked for long."""
    await room.add()
    await git_says(room, head=A)
    await opened_elsewhere(room)
    await named(room, 9)
    if git == "asked":
        await git_says(room, head=A, at=room.clock.now())
    room.clock.advance(60 if git == "asked" else 600)
    await room.service.refresh_due()
    assert ((await room.watch()).hinted, (await room.snapshot()).node_id) == ((), None)


# One live workspace a pull request, whatever the clone.


async def in_another_clone(room: "Room") -> None:
    """w2 is of the same branch and the same repository, registered from another clone."""
    other = a_project(id="p2", slug="demo-2", repo_path="/elsewhere/demo", github_repo="Demo")
    projects = room.store.writer(PROJECTS)
    await room.store.ledger.transact(lambda tx: projects.add(tx, other))
    await room.add("w2", project_id="p2")


@pytest.fixture
async def shared(room: "Room") -> "Room":
    """Two workspaces of one branch, of two clones; #7 is open, and w1 has it."""
    await room.add("w1")
    await in_another_clone(room)
    room.forge.candidates[BRANCH] = (a_candidate(7),)
    room.forge.numbers[7] = "PR_7"
    room.forge.observations["PR_7"] = an_observation("PR_7")
    assert isinstance(await room.service.refresh_workspace("w1"), Refreshed)
    return room


async def test_a_pull_request_is_one_workspaces(shared: "Room") -> None:
    """The second one is told whose it is, in one event, however often it looks."""
    taken = TakenElsewhere(number=7, workspace_id="w1")
    assert await shared.service.refresh_workspace("w2") == taken
    assert await shared.service.refresh_workspace("w2") == taken
    snapshot = await shared.snapshot("w2")
    assert (snapshot.node_id, snapshot.facts) == (None, None)
    assert (snapshot.taken, snapshot.taken_by) == (7, "w1")
    assert [e for e in await shared.events() if isinstance(e, PullRequestTaken)] == [
        PullRequestTaken(number=7, taken_by="w1")
    ]
    assert (await shared.snapshot("w1")).claim == "github.com:PR_7"


async def test_a_person_is_refused_it_too(shared: "Room") -> None:
    """By number and by address, with whose it is; nothing is changed for the first one."""
    for attach in (
        shared.service.attach_number("w2", 7),
        shared.service.attach_url("w2", "https://github.com/octo/demo/pull/7"),
    ):
        with pytest.raises(Conflict, match="workspace w1 has it"):
            await attach
    assert (await shared.snapshot("w1")).node_id == "PR_7"


async def test_what_headway_opened_itself_is_not_taken_from_another(shared: "Room") -> None:
    """Who knows no more than its id attaches nothing that another workspace has."""
    assert not await shared.store.ledger.transact(lambda tx: shared.steps.attach(tx, "w2", "PR_7"))
    assert (await shared.snapshot("w2")).node_id is None
    assert await shared.service.refresh_due() == {"w2": TakenElsewhere(number=7, workspace_id="w1")}


@pytest.mark.parametrize("how", ["archived", "detached", "switched"])
async def test_it_is_free_again(shared: "Room", how: str) -> None:
    """When the first one is archived, lets it go or has another one, the second one finds it."""
    await shared.service.refresh_workspace("w2")
    if how == "archived":
        await shared.change_workspace("w1", status=WorkspaceStatus.ARCHIVED)
        await shared.store.ledger.transact(lambda tx: shared.steps.release(tx, "w1"))
        assert (await shared.snapshot("w1")).node_id == "PR_7"
    elif how == "detached":
        await shared.service.detach("w1")
    else:
        await shared.attach("w1", "PR_8")
    assert isinstance(await shared.service.refresh_workspace("w2"), Refreshed)
    snapshot = await shared.snapshot("w2")
    assert (snapshot.node_id, snapshot.taken, snapshot.taken_by) == ("PR_7", None, None)


async def test_that_nothing_is_taken_any_more_is_told(shared: "Room") -> None:
    """Once it is closed, the second one has none of its own and nothing that is another's."""
    await shared.service.refresh_workspace("w2")
    shared.forge.candidates[BRANCH] = ()
    assert await shared.service.refresh_workspace("w2") == NoPullRequest()
    assert (await shared.events())[-1] == PullRequestTaken(number=None, taken_by=None)


async def test_a_closed_one_of_its_own_stays_beside_one_that_is_taken(shared: "Room") -> None:
    """What it had is still told, and read."""
    shared.forge.observations["PR_5"] = an_observation("PR_5", number=5, state=GitHubState.CLOSED)
    shared.forge.numbers[5] = "PR_5"
    await shared.service.attach_number("w2", 5)
    assert await shared.service.refresh_workspace("w2") == TakenElsewhere(number=7, workspace_id="w1")
    snapshot = await shared.snapshot("w2")
    assert (snapshot.node_id, snapshot.taken) == ("PR_5", 7)
    shared.forge.candidates[BRANCH] = ()
    assert await shared.service.refresh_workspace("w2") == Unchanged()


async def test_ids_are_those_of_one_host(room: "Room") -> None:
    """An enterprise server may count as another one does: one id, two pull requests."""
    await room.add("w1")
    other = a_project(id="p2", slug="other", repo_path="/other", github_host="git.example")
    projects = room.store.writer(PROJECTS)
    await room.store.ledger.transact(lambda tx: projects.add(tx, other))
    await room.add("w2", project_id="p2")
    await room.attach("w1", "PR_7")
    await room.attach("w2", "PR_7")
    assert [(await room.snapshot(each)).node_id for each in ("w1", "w2")] == ["PR_7", "PR_7"]


async def test_the_index_is_the_backstop(shared: "Room") -> None:
    """Whoever was not seen by the query is refused by the index, and what he wrote is rolled back."""
    table = shared.store.writer(SNAPSHOTS)

    def unseen(tx: Transaction) -> None:
        tx.lock("w2")
        row = table.get(tx, "w2")
        assert row is not None
        table.replace(tx, attrs.evolve(row, node_id="PR_7", claim="github.com:PR_7"))

    with pytest.raises(UniqueClash):
        await shared.store.ledger.transact(unseen)
    assert (await shared.snapshot("w2")).node_id is None
