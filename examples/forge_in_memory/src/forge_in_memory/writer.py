"""Writes for Headway, each thing with a mark by which its effect is found again."""

from typing import assert_never

from forge_in_memory.forge import Comment as Said
from forge_in_memory.forge import MemoryForge, PullRequest
from headway_core.api import (
    Comment,
    ForgeWriter,
    InvalidInput,
    NotFound,
    OpenPullRequest,
    Order,
    Project,
    Reply,
    RequestReview,
    Resolve,
    Written,
)


class MemoryForgeWriter(ForgeWriter):
    """Acts as the owner of the repository."""

    def __init__(self, forge: MemoryForge) -> None:
        self._forge = forge

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        match order:
            case OpenPullRequest(head=branch):
                known = [each for each in self._forge.pull_requests.values() if each.branch == branch]
                marked = [each for each in known if mark in each.body]
                found = next(iter([*self._forge.opened(branch), *marked]), None)
                return Written(node_id=found.node_id) if found else None
            case Reply(thread_id=thread_id):
                return self._marked(self._forge.thread(thread_id)[1].comments, mark)
            case Resolve(thread_id=thread_id):
                _, thread = self._forge.thread(thread_id)
                return Written(node_id=thread_id) if thread.resolved else None
            case Comment(pull_request=node_id):
                return self._marked(self._forge.pull_request(node_id).comments, mark)
            case RequestReview(pull_request=node_id, reviewers=reviewers):
                asked = {*reviewers} <= self._forge.pull_request(node_id).asked
                return Written(node_id=node_id) if asked else None
            case _:
                assert_never(order)

    async def write(self, project: Project, order: Order, mark: str) -> Written:
        match order:
            case OpenPullRequest():
                return Written(node_id=self._open(project, order, mark).node_id)
            case Reply(thread_id=thread_id, body=body):
                return self._say(self._forge.thread(thread_id)[1].comments, body, mark)
            case Resolve(thread_id=thread_id):
                await self._forge.resolve_thread(thread_id)
                return Written(node_id=thread_id)
            case Comment(pull_request=node_id, body=body):
                return self._say(self._forge.pull_request(node_id).comments, body, mark)
            case RequestReview(pull_request=node_id, reviewers=reviewers):
                self._forge.pull_request(node_id).asked.update(reviewers)
                return Written(node_id=node_id)
            case _:
                assert_never(order)

    def _open(self, project: Project, order: OpenPullRequest, mark: str) -> PullRequest:
        if project.repository != self._forge.project.repository:
            raise NotFound("repository", project.repository)
        if order.head not in self._forge.branches or order.base != "main":
            raise InvalidInput("pull request", "it needs a branch that is pushed, and goes into main")
        if self._forge.opened(order.head):
            raise InvalidInput("pull request", f"{order.head!r} has one that is open")
        body = f"{order.body}\n\n{mark}"
        return self._forge.add_pull_request(order.head, order.title, body, draft=order.draft)

    def _say(self, comments: list[Said], body: str, mark: str) -> Written:
        said = self._forge.comment(self._forge.owner, f"{body}\n\n{mark}")
        comments.append(said)
        return Written(node_id=said.id)

    def _marked(self, comments: list[Said], mark: str) -> Written | None:
        """What has the mark and is our own: others can read marks, and repeat them."""
        ours = [said for said in comments if said.author == self._forge.owner and mark in said.body]
        return Written(node_id=ours[0].id) if ours else None
