"""Reads its pull requests for Headway. A failure is an answer: nothing here raises."""

from collections.abc import Sequence

from forge_in_memory.forge import COLLABORATORS, Comment, MemoryForge, PullRequest, Thread
from headway_core.api import (
    Author,
    Base,
    Candidate,
    Check,
    CheckOutcome,
    ChecksPart,
    ConversationPart,
    FailureKind,
    FetchFailed,
    ForgeReader,
    Head,
    Observation,
    Project,
    Review,
    ReviewThread,
    StatePart,
    ThreadComment,
)

TITLE_CHARACTERS, BODY_CHARACTERS = 300, 8192
NOT_FOUND = FetchFailed(kind=FailureKind.NOT_FOUND, problem="there is no such thing in this forge")
WORDS = {
    CheckOutcome.PASSED: "SUCCESS",
    CheckOutcome.FAILED: "FAILURE",
    CheckOutcome.PENDING: "IN_PROGRESS",
}


class MemoryForgeReader(ForgeReader):
    """Sees everything as it is, at once."""

    def __init__(self, forge: MemoryForge) -> None:
        self._forge = forge

    def _knows(self, project: Project) -> bool:
        return project.repository == self._forge.project.repository

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        known = self._forge.pull_requests
        return {each: self._seen(known[each]) if each in known else NOT_FOUND for each in node_ids}

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        for each in self._forge.pull_requests.values():
            if each.number == number and self._knows(project):
                return each.node_id
        return NOT_FOUND

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        if not self._knows(project):
            return dict.fromkeys(branches, NOT_FOUND)
        return {branch: tuple(map(self._candidate, self._forge.opened(branch))) for branch in branches}

    def _candidate(self, each: PullRequest) -> Candidate:
        return Candidate(
            node_id=each.node_id,
            number=each.number,
            base_ref="main",
            created_at=each.created_at,
            head_repository=self._forge.project.repository,
        )

    def _seen(self, each: PullRequest) -> Observation:
        repository = self._forge.project.repository
        commit = self._forge.branches[each.branch]
        state = StatePart(
            node_id=each.node_id,
            number=each.number,
            url=f"memory://{repository}/pull/{each.number}",
            title=each.title[:TITLE_CHARACTERS],
            author=self._author(self._forge.owner),
            state=each.state,
            draft=each.draft,
            review_decision=None,
            head=Head(ref=each.branch, commit=commit, repository=repository, tip=commit),
            base=Base(ref="main", commit=self._forge.branches["main"]),
            updated_at=each.updated_at,
            merge_queue=None,
        )
        return Observation(
            state=state,
            checks=ChecksPart(commit=commit, checks=self._checks(commit), required=()),
            conversation=ConversationPart(
                reviews=tuple(self._review(*said) for said in each.reviews),
                threads=tuple(self._thread(thread) for thread in each.threads if not thread.resolved),
            ),
            mergeability=None,
        )

    def _checks(self, commit: str) -> tuple[Check, ...]:
        return tuple(
            Check(
                identity=f"run:memory/{name.casefold()}",
                name=name,
                run_id=str(run),
                outcome=outcome,
                word=WORDS[outcome],
            )
            for name, (run, outcome) in self._forge.checks.get(commit, {}).items()
        )

    def _author(self, login: str) -> Author:
        known = login in COLLABORATORS
        return Author(
            login=login,
            node_id=f"U_{login}",
            association="MEMBER" if known else "NONE",
            can_push=known,
            is_viewer=login == self._forge.owner,
        )

    def _review(self, said: Comment, approves: bool) -> Review:  # noqa: FBT001  a pair of the forge
        return Review(
            id=said.id,
            author=self._author(said.author),
            state="APPROVED" if approves else "CHANGES_REQUESTED",
            body=said.body[:BODY_CHARACTERS],
            submitted_at=said.at,
        )

    def _thread(self, thread: Thread) -> ReviewThread:
        comments = tuple(
            ThreadComment(
                id=said.id,
                author=self._author(said.author),
                body=said.body[:BODY_CHARACTERS],
                created_at=said.at,
            )
            for said in thread.comments
        )
        return ReviewThread(id=thread.id, path="src/login.py", line=1, outdated=False, comments=comments)
