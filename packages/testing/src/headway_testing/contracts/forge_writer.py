"""What every `ForgeWriter` does. An adapter's test subclasses `ForgeWriterContract` and gives it a stage."""

import enum
from typing import ClassVar

import pytest

from headway_core.forge_actions.model import Comment, OpenPullRequest, Reply, RequestReview, Resolve
from headway_core.forge_actions.ports import ForgeWriter
from headway_core.kernel.errors import HeadwayError, InvalidInput, NotFound
from headway_testing.contracts.forge_stage import RepositoryStage
from headway_testing.contracts.suite import Capability, PortContract

MARK = "<!-- headway:action-1 -->"
OTHER = "<!-- headway:action-2 -->"
MISSING = "no-such-thread"


class ForgeWriterCapability(Capability):
    """What a forge may be unable to do; an order that it can't do is refused by `InvalidInput`."""

    THREADS = enum.auto()
    """Review threads can be answered and resolved."""
    COMMENTS = enum.auto()
    """The conversation of a pull request can be commented on."""
    REVIEW_REQUESTS = enum.auto()
    """People can be asked for reviews."""


@pytest.mark.anyio
class ForgeWriterContract(PortContract):
    """Subclasses define the fixtures `writer` (a `ForgeWriter`) and `stage` (a `RepositoryStage`)."""

    port = ForgeWriter
    capabilities: ClassVar[frozenset[ForgeWriterCapability]] = frozenset(ForgeWriterCapability)

    async def test_a_pull_request_is_opened_once(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """One that is open is found by its branches, with whatever mark, and a second one is refused."""
        await stage.push("fix")
        order = OpenPullRequest(head="fix", base="main", title="Fix", body="It works now.", draft=False)
        assert await writer.find(stage.project, order, MARK) is None
        written = await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, MARK) == written
        assert await writer.find(stage.project, order, OTHER) == written
        with pytest.raises(InvalidInput):
            await writer.write(stage.project, order, MARK)

    async def test_a_pull_request_that_is_over_is_found_by_its_mark(
        self, writer: ForgeWriter, stage: RepositoryStage
    ) -> None:
        """After its end, a pull request is the effect of its own order, and of no other."""
        await stage.push("fix")
        order = OpenPullRequest(head="fix", base="main", title="Fix", body="It works now.", draft=False)
        written = await writer.write(stage.project, order, MARK)
        await stage.close(written.node_id)
        assert await writer.find(stage.project, order, MARK) == written
        assert await writer.find(stage.project, order, OTHER) is None

    async def test_what_is_not_pushed_is_refused(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """A pull request of a branch that the forge does not have is refused, and not there afterwards."""
        order = OpenPullRequest(head="nowhere", base="main", title="Fix", body="", draft=False)
        with pytest.raises(HeadwayError):
            await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, MARK) is None

    async def test_a_thread_is_answered(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """A reply is found in its thread by its own mark alone."""
        self.needs(ForgeWriterCapability.THREADS)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        order = Reply(thread_id=await stage.start_thread(node_id, "Why?"), body="Because")
        other = Reply(thread_id=await stage.start_thread(node_id, "And this?"), body="Because")
        assert await writer.find(stage.project, order, MARK) is None
        written = await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, MARK) == written
        assert await writer.find(stage.project, order, OTHER) is None
        assert await writer.find(stage.project, other, MARK) is None

    async def test_a_thread_is_resolved(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """A resolved thread is found, whoever resolved it; resolving it again is no error."""
        self.needs(ForgeWriterCapability.THREADS)
        await stage.push("fix")
        node_id, _ = await stage.open_pull_request("fix")
        order = Resolve(thread_id=await stage.start_thread(node_id, "Why?"))
        assert await writer.find(stage.project, order, MARK) is None
        written = await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, OTHER) == written
        assert await writer.write(stage.project, order, MARK) == written

    async def test_a_thread_that_is_gone_is_not_found(
        self, writer: ForgeWriter, stage: RepositoryStage
    ) -> None:
        """Nothing is written to a thread that does not exist."""
        self.needs(ForgeWriterCapability.THREADS)
        for order in (Reply(thread_id=MISSING, body="Because"), Resolve(thread_id=MISSING)):
            with pytest.raises(NotFound):
                await writer.write(stage.project, order, MARK)

    async def test_a_comment_is_found_by_its_mark(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """A comment is written to one conversation, and found there by its own mark alone."""
        self.needs(ForgeWriterCapability.COMMENTS)
        orders = []
        for branch in ("fix", "other"):
            await stage.push(branch)
            node_id, number = await stage.open_pull_request(branch)
            orders.append(Comment(pull_request=node_id, number=number, body="Please look"))
        order, elsewhere = orders
        assert await writer.find(stage.project, order, MARK) is None
        written = await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, MARK) == written
        assert await writer.find(stage.project, order, OTHER) is None
        assert await writer.find(stage.project, elsewhere, MARK) is None

    async def test_a_review_is_asked_for(self, writer: ForgeWriter, stage: RepositoryStage) -> None:
        """A pull request of which all were asked to review it is found, with whatever mark."""
        self.needs(ForgeWriterCapability.REVIEW_REQUESTS)
        await stage.push("fix")
        node_id, number = await stage.open_pull_request("fix")
        order = RequestReview(pull_request=node_id, number=number, reviewers=(stage.reviewer,))
        more = RequestReview(pull_request=node_id, number=number, reviewers=(stage.reviewer, "somebody-else"))
        assert await writer.find(stage.project, order, MARK) is None
        written = await writer.write(stage.project, order, MARK)
        assert await writer.find(stage.project, order, OTHER) == written
        assert await writer.find(stage.project, more, MARK) is None
