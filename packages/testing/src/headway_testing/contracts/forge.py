"""What every `ForgeReader` does: subclass `ForgeReaderContract`, and give it a stage."""

import enum
from typing import ClassVar

import attrs
import pytest

from headway_core.pull_requests.model import CheckOutcome, FailureKind, GitHubState, Mergeability
from headway_core.pull_requests.ports import Candidate, FetchFailed, ForgeReader, Observation
from headway_testing.contracts.forge_stage import PullRequestStage
from headway_testing.contracts.suite import Capability, PortContract

MISSING = 999_999
TITLE_CHARACTERS, BODY_CHARACTERS = 300, 8192
MANY = 30


class ForgeReaderCapability(Capability):
    """What a forge may lack; the rest holds for each."""

    CHECKS = enum.auto()
    """Checks are reported of commits."""
    REVIEWS = enum.auto()
    """People review pull requests, in threads too."""
    MERGEABILITY = enum.auto()
    """It tells whether a head merges into its base."""
    MERGE_QUEUE = enum.auto()
    """Pull requests can wait in a merge queue."""
    LIMITS = enum.auto()
    """It counts what it is asked, and says so."""


@pytest.mark.anyio
class ForgeReaderContract(PortContract):
    """Subclasses define the fixtures `forge` (a `ForgeReader`) and `stage` (a `PullRequestStage`)."""

    port = ForgeReader
    capabilities: ClassVar[frozenset[ForgeReaderCapability]] = frozenset(ForgeReaderCapability)

    async def test_a_branch_without_a_pull_request_has_none(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """Every branch that was asked for is answered for: nothing is an answer."""
        await stage.push("fix")
        assert await forge.of_branches(stage.project, ["fix", "nowhere"]) == {"fix": (), "nowhere": ()}

    async def test_a_pull_request_is_found_by_its_branch(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """What is open is found with its number, its base and its repository, and with no other branch."""
        commits = {branch: await stage.push(branch) for branch in ("fix", "other")}
        node_id, number = await stage.open_pull_request("fix")
        found = await forge.of_branches(stage.project, ["fix", "other"])
        candidate = only_candidate(found["fix"])
        assert (candidate.node_id, candidate.number, candidate.base_ref) == (node_id, number, "main")
        assert candidate.head_repository == stage.project.repository
        assert candidate.head_commit in {commits["fix"], None}
        assert candidate.in_repository in {True, None}
        assert found["other"] == ()

    async def test_many_branches_are_answered_at_once(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """However many are asked for, each has an answer of its own."""
        await stage.push("fix")
        await stage.open_pull_request("fix")
        names = ["fix", *(f"branch-{number}" for number in range(MANY))]
        found = await forge.of_branches(stage.project, names)
        assert {name: answer for name, answer in found.items() if answer != ()}.keys() == {"fix"}
        assert set(found) == set(names)

    async def test_a_number_is_resolved(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """A number is told as its node id; one that no pull request has is not found."""
        await stage.push("fix")
        node_id, number = await stage.open_pull_request("fix")
        assert await forge.resolve(stage.project, number) == node_id
        failed = await forge.resolve(stage.project, MISSING)
        assert isinstance(failed, FetchFailed)
        assert failed.kind is FailureKind.NOT_FOUND

    async def test_another_repository_is_a_failure_and_no_error(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """A repository that is not there is told in the answers; nothing is raised."""
        nowhere = attrs.evolve(stage.project, github_repo="no-such-repository")
        assert isinstance(await forge.resolve(nowhere, 1), FetchFailed)
        found = await forge.of_branches(nowhere, ["fix"])
        assert isinstance(found["fix"], FetchFailed)
        await forge.trigger_merge_check(nowhere, 1)

    @pytest.mark.parametrize("draft", [True, False])
    async def test_a_pull_request_is_read(
        self, forge: ForgeReader, stage: PullRequestStage, draft: bool
    ) -> None:
        """Who it is and where it stands: number, title, branches, commits, draft, open."""
        commit = await stage.push("fix")
        node_id, number = await stage.open_pull_request("fix", draft=draft)
        state = (await observed(forge, stage, node_id)).state
        assert (state.node_id, state.number, state.title) == (node_id, number, "Fix login")
        assert (state.head.ref, state.head.commit, state.head.tip) == ("fix", commit, commit)
        assert (state.head.repository, state.base.ref) == (stage.project.repository, "main")
        assert (state.state, state.draft) == (GitHubState.OPEN, draft)
        assert str(number) in state.url

    async def test_one_that_is_missing_hurts_no_other(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """Of several, each is answered for: one that is not there is not found, the others are read."""
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        found = await forge.observe(stage.project, [node_id, "no-such-node"])
        failed = found["no-such-node"]
        assert isinstance(found[node_id], Observation)
        assert isinstance(failed, FetchFailed)
        assert failed.kind is FailureKind.NOT_FOUND

    async def test_a_push_moves_the_head(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """The head is the branch's newest commit, and its time does not go back."""
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        before = await observed(forge, stage, node_id)
        commit = await stage.push("fix")
        after = await observed(forge, stage, node_id)
        assert commit != before.state.head.commit
        assert (after.state.head.commit, after.state.head.tip) == (commit, commit)
        assert after.state.updated_at >= before.state.updated_at

    async def test_each_end_is_told(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """Closed, open again, merged: and only what is open is found by its branch."""
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        await stage.close(node_id)
        assert (await observed(forge, stage, node_id)).state.state is GitHubState.CLOSED
        assert (await forge.of_branches(stage.project, ["fix"]))["fix"] == ()
        await stage.reopen(node_id)
        assert (await observed(forge, stage, node_id)).state.state is GitHubState.OPEN
        assert only_candidate((await forge.of_branches(stage.project, ["fix"]))["fix"]).node_id == node_id
        await stage.merge(node_id)
        assert (await observed(forge, stage, node_id)).state.state is GitHubState.MERGED

    async def test_a_long_title_is_cut(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """Outside text has a limit: a title 300 characters."""
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix", title="é" * 2 * TITLE_CHARACTERS)
        title = (await observed(forge, stage, node_id)).state.title
        assert title.startswith("é")
        assert len(title) <= TITLE_CHARACTERS

    async def test_checks_are_those_of_the_head(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """Of each check the newest run counts; its identity stays, and another head has its own."""
        self.needs(ForgeReaderCapability.CHECKS)
        commit = await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        runs = []
        for outcome in (CheckOutcome.PENDING, CheckOutcome.FAILED, CheckOutcome.PASSED):
            await stage.report_check(commit, "unit tests", outcome)
            part = (await observed(forge, stage, node_id)).checks
            assert part is not None
            (check,) = part.checks
            assert (part.commit, check.name, check.outcome) == (commit, "unit tests", outcome)
            runs.append(check)
        assert len({run.identity for run in runs}) == 1
        await stage.report_check(commit, "lint", CheckOutcome.PASSED)
        part = (await observed(forge, stage, node_id)).checks
        assert part is not None
        assert {check.name for check in part.checks} == {"unit tests", "lint"}
        moved = await stage.push("fix")
        part = (await observed(forge, stage, node_id)).checks
        assert part is not None
        assert (part.commit, part.checks) == (moved, ())

    async def test_reviews_and_open_threads_are_told(
        self, forge: ForgeReader, stage: PullRequestStage
    ) -> None:
        """Who requested changes, and the threads that are not resolved, with who said what."""
        self.needs(ForgeReaderCapability.REVIEWS)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        await stage.review(node_id, approves=False, body="Not like this")
        thread = await stage.start_thread(node_id, "Why?")
        part = (await observed(forge, stage, node_id)).conversation
        assert part is not None
        review = next(each for each in part.reviews if each.state == "CHANGES_REQUESTED")
        assert (review.author.login, review.body) == (stage.reviewer, "Not like this")
        (found,) = part.threads
        assert (found.id, [comment.body for comment in found.comments]) == (thread, ["Why?"])
        assert found.comments[0].author.login == stage.reviewer
        await stage.resolve_thread(thread)
        await stage.review(node_id, approves=True, body="Better")
        part = (await observed(forge, stage, node_id)).conversation
        assert part is not None
        assert part.threads == ()
        assert "APPROVED" in {each.state for each in part.reviews}

    async def test_long_words_are_cut(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """A comment has a limit of 8 KiB, whoever wrote it."""
        self.needs(ForgeReaderCapability.REVIEWS)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        await stage.start_thread(node_id, "é" * 2 * BODY_CHARACTERS)
        part = (await observed(forge, stage, node_id)).conversation
        assert part is not None
        assert 0 < len(part.threads[0].comments[0].body) <= BODY_CHARACTERS

    async def test_a_conflict_is_told(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """A head that merges does until its base moves into its way."""
        self.needs(ForgeReaderCapability.MERGEABILITY)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        assert await mergeability(forge, stage, node_id) is Mergeability.CLEAN
        await stage.move_base_into_conflict(node_id)
        assert await mergeability(forge, stage, node_id) is Mergeability.CONFLICT

    async def test_the_merge_queue_is_told(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """A pull request that waits in the queue says so."""
        self.needs(ForgeReaderCapability.MERGE_QUEUE)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        assert (await observed(forge, stage, node_id)).state.merge_queue is None
        await stage.enqueue(node_id)
        entry = (await observed(forge, stage, node_id)).state.merge_queue
        assert entry is not None
        assert entry.state == entry.state.upper()

    async def test_limits_are_told(self, forge: ForgeReader, stage: PullRequestStage) -> None:
        """After a call, what is left of each budget is known: never more than its limit."""
        self.needs(ForgeReaderCapability.LIMITS)
        await forge.of_branches(stage.project, ["fix"])
        assert forge.limits()
        assert all(0 <= each.remaining <= each.limit for each in forge.limits())


def only_candidate(found: tuple[Candidate, ...] | FetchFailed) -> Candidate:
    """The one pull request of a branch."""
    assert isinstance(found, tuple), found
    (candidate,) = found
    return candidate


async def observed(forge: ForgeReader, stage: PullRequestStage, node_id: str) -> Observation:
    """What is seen of a pull request."""
    found = (await forge.observe(stage.project, [node_id]))[node_id]
    assert isinstance(found, Observation), found
    return found


async def mergeability(forge: ForgeReader, stage: PullRequestStage, node_id: str) -> Mergeability | None:
    """Whether it merges; a forge that works it out on demand is asked to, as the service does."""
    seen = await observed(forge, stage, node_id)
    if seen.mergeability is Mergeability.UNKNOWN:
        await forge.trigger_merge_check(stage.project, seen.state.number)
        seen = await observed(forge, stage, node_id)
    return seen.mergeability
