"""A typed client of the control API: one method a command, on asyncio and Trio.

Every changing method takes `key`, an idempotency key: after a crash of either side the same call
with the same key answers what the first one did, and does nothing again.
"""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx

from headway_sandbox import commands, serialize
from headway_sandbox.commands import (
    CommentView,
    CommitView,
    DeliveryView,
    Done,
    Health,
    HookView,
    IssueView,
    PullView,
    Remark,
    RepositoryView,
    ReviewView,
    RunView,
    StatusView,
    SuiteView,
    ThreadView,
    UserSpec,
    UserView,
    WorldState,
)
from headway_sandbox.errors import CommandRefused
from headway_sandbox.records import CheckStatus, Conclusion, FaultKind, QueueState, ReviewState, StatusState

_T = TypeVar("_T")


class SandboxControl:
    """The control API of one server; an async context manager.

    Raises `CommandRefused` when the server says no, `httpx.TransportError` when it is not there.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        """Take the server's URL and control token; `timeout` is in seconds."""
        self._client = httpx.AsyncClient(
            base_url=f"{url}/control/",
            headers={"authorization": f"bearer {token}"},
            timeout=timeout,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection pool."""
        await self._client.__aexit__(kind, error, traceback)

    async def send(self, order: object, answer: type[_T], *, key: str | None = None) -> _T:
        """Send any command of `commands` and read its answer."""
        name = type(order).__name__
        headers = {} if key is None else {"idempotency-key": key}
        response = await self._client.post(
            name, content=json.dumps(serialize.encode(order), sort_keys=True), headers=headers
        )
        return _read(name, response, answer)

    async def health(self) -> Health:
        """Ask who serves."""
        return _read("health", await self._client.get("health"), Health)

    async def state(self) -> WorldState:
        """Return everything there is."""
        return _read("state", await self._client.get("state"), WorldState)

    async def shutdown(self) -> None:
        """Ask the server to end."""
        _read("shutdown", await self._client.post("shutdown"), Done)

    async def create_repository(
        self, order: commands.CreateRepository, *, key: str | None = None
    ) -> RepositoryView:
        """Serve another repository, or find it served already."""
        return await self.send(order, RepositoryView, key=key)

    async def change_repository(
        self, order: commands.ChangeRepository, *, key: str | None = None
    ) -> RepositoryView:
        """Change settings of a repository."""
        return await self.send(order, RepositoryView, key=key)

    async def rename_repository(
        self, *, name: str = "", owner: str = "", repository: str = "", key: str | None = None
    ) -> RepositoryView:
        """Rename or transfer a repository; the former name redirects."""
        order = commands.RenameRepository(name=name, owner=owner, repository=repository)
        return await self.send(order, RepositoryView, key=key)

    async def create_user(self, user: UserSpec, *, repository: str = "", key: str | None = None) -> UserView:
        """Create a user, or change what a known one may do."""
        return await self.send(commands.CreateUser(user=user, repository=repository), UserView, key=key)

    async def create_issue(
        self, user: str, title: str, body: str = "", *, repository: str = "", key: str | None = None
    ) -> IssueView:
        """Open an issue."""
        order = commands.CreateIssue(user=user, title=title, body=body, repository=repository)
        return await self.send(order, IssueView, key=key)

    async def open_pull_request(
        self,
        user: str,
        head: str,
        title: str,
        *,
        base: str = "",
        body: str = "",
        draft: bool = False,
        repository: str = "",
        key: str | None = None,
    ) -> PullView:
        """Open a pull request for a pushed branch."""
        order = commands.OpenPullRequest(
            user=user, head=head, title=title, base=base, body=body, draft=draft, repository=repository
        )
        return await self.send(order, PullView, key=key)

    async def edit_pull_request(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        draft: bool | None = None,
        repository: str = "",
        key: str | None = None,
    ) -> PullView:
        """Change texts or the draft flag."""
        order = commands.EditPullRequest(
            number=number, title=title, body=body, draft=draft, repository=repository
        )
        return await self.send(order, PullView, key=key)

    async def review(
        self,
        user: str,
        number: int,
        state: ReviewState,
        body: str = "",
        *,
        threads: tuple[Remark, ...] = (),
        repository: str = "",
        key: str | None = None,
    ) -> ReviewView:
        """Submit a review with threads."""
        order = commands.SubmitReview(
            user=user, number=number, state=state, body=body, threads=threads, repository=repository
        )
        return await self.send(order, ReviewView, key=key)

    async def approve(
        self, user: str, number: int, body: str = "", *, repository: str = "", key: str | None = None
    ) -> ReviewView:
        """Approve a pull request."""
        return await self.review(user, number, ReviewState.APPROVED, body, repository=repository, key=key)

    async def dismiss_review(self, review: int, *, key: str | None = None) -> ReviewView:
        """Dismiss a review."""
        return await self.send(commands.DismissReview(review=review), ReviewView, key=key)

    async def request_review(
        self, number: int, user: str, *, repository: str = "", key: str | None = None
    ) -> PullView:
        """Ask a user for a review."""
        order = commands.RequestReview(number=number, user=user, repository=repository)
        return await self.send(order, PullView, key=key)

    async def reply_to_thread(
        self, user: str, thread: int, body: str, *, key: str | None = None
    ) -> CommentView:
        """Reply in a thread."""
        order = commands.ReplyToThread(user=user, thread=thread, body=body)
        return await self.send(order, CommentView, key=key)

    async def resolve_thread(
        self, user: str, thread: int, *, resolved: bool = True, key: str | None = None
    ) -> ThreadView:
        """Resolve a thread, or unresolve it."""
        order = commands.ResolveThread(user=user, thread=thread, resolved=resolved)
        return await self.send(order, ThreadView, key=key)

    async def comment(
        self, user: str, number: int, body: str, *, repository: str = "", key: str | None = None
    ) -> CommentView:
        """Comment on a pull request or an issue."""
        order = commands.AddComment(user=user, number=number, body=body, repository=repository)
        return await self.send(order, CommentView, key=key)

    async def edit_comment(
        self,
        comment: int,
        *,
        body: str | None = None,
        minimized: bool | None = None,
        key: str | None = None,
    ) -> CommentView:
        """Edit or hide a comment."""
        order = commands.EditComment(comment=comment, body=body, minimized=minimized)
        return await self.send(order, CommentView, key=key)

    async def merge(
        self, user: str, number: int, *, squash: bool = False, repository: str = "", key: str | None = None
    ) -> PullView:
        """Merge for real in the origin."""
        order = commands.MergePullRequest(user=user, number=number, squash=squash, repository=repository)
        return await self.send(order, PullView, key=key)

    async def close(self, number: int, *, repository: str = "", key: str | None = None) -> PullView:
        """Close without merging."""
        order = commands.ClosePullRequest(number=number, repository=repository)
        return await self.send(order, PullView, key=key)

    async def reopen(self, number: int, *, repository: str = "", key: str | None = None) -> PullView:
        """Reopen a closed pull request."""
        order = commands.ReopenPullRequest(number=number, repository=repository)
        return await self.send(order, PullView, key=key)

    async def delete_branch(self, branch: str, *, repository: str = "", key: str | None = None) -> None:
        """Delete a branch in the origin."""
        await self.send(commands.DeleteBranch(branch=branch, repository=repository), Done, key=key)

    async def commit_files(
        self,
        user: str,
        branch: str,
        files: Mapping[str, str | None],
        message: str,
        *,
        start: str = "",
        repository: str = "",
        key: str | None = None,
    ) -> CommitView:
        """Commit files onto a branch in the origin; None removes a file."""
        order = commands.CommitFiles(
            branch=branch, files=files, message=message, user=user, start=start, repository=repository
        )
        return await self.send(order, CommitView, key=key)

    async def force_push(
        self, user: str, branch: str, commit: str, *, repository: str = "", key: str | None = None
    ) -> CommitView:
        """Move a branch of the origin to any commit."""
        order = commands.ForcePush(user=user, branch=branch, commit=commit, repository=repository)
        return await self.send(order, CommitView, key=key)

    async def set_queue_entry(
        self,
        number: int,
        state: QueueState | None,
        *,
        position: int = 1,
        commit: str = "",
        reason: str = "manual",
        repository: str = "",
        key: str | None = None,
    ) -> PullView:
        """Put a pull request into the merge queue, or take it out (None)."""
        order = commands.SetQueueEntry(
            number=number,
            state=state,
            position=position,
            commit=commit,
            reason=reason,
            repository=repository,
        )
        return await self.send(order, PullView, key=key)

    async def create_hook(self, secret: str, *, repository: str = "", key: str | None = None) -> HookView:
        """Add a webhook: every change leaves a delivery to fetch."""
        return await self.send(commands.CreateHook(secret=secret, repository=repository), HookView, key=key)

    async def deliveries(
        self, *, after: int = 0, limit: int = 1000, repository: str = ""
    ) -> tuple[DeliveryView, ...]:
        """Fetch webhook deliveries, oldest first; lose, repeat and reorder them as you like."""
        order = commands.ListDeliveries(after=after, limit=limit, repository=repository)
        return (await self.send(order, commands.DeliveriesView)).deliveries

    async def set_status(
        self,
        user: str,
        commit: str,
        context: str,
        state: StatusState,
        *,
        description: str | None = None,
        target_url: str | None = None,
        repository: str = "",
        key: str | None = None,
    ) -> StatusView:
        """Add a commit status to a branch's tip or a commit."""
        order = commands.SetStatus(
            user=user,
            commit=commit,
            context=context,
            state=state,
            description=description,
            target_url=target_url,
            repository=repository,
        )
        return await self.send(order, StatusView, key=key)

    async def report_check(
        self,
        commit: str,
        name: str,
        status: CheckStatus,
        conclusion: Conclusion | None = None,
        *,
        app: str = "other-app",
        title: str | None = None,
        summary: str | None = None,
        workflow: str | None = None,
        event: str | None = None,
        fresh: bool = False,
        repository: str = "",
        key: str | None = None,
    ) -> RunView:
        """Report a check run of another app, or of a job: under its workflow's first run, or a new one."""
        order = commands.ReportCheck(
            commit=commit,
            name=name,
            status=status,
            conclusion=conclusion,
            app=app,
            title=title,
            summary=summary,
            workflow=workflow,
            event=event,
            fresh=fresh,
            repository=repository,
        )
        return await self.send(order, RunView, key=key)

    async def report_suite(
        self,
        commit: str,
        workflow: str,
        conclusion: Conclusion | None,
        *,
        event: str = "pull_request",
        status: CheckStatus = CheckStatus.COMPLETED,
        repository: str = "",
        key: str | None = None,
    ) -> SuiteView:
        """Report a run of a workflow that has no check runs."""
        order = commands.ReportSuite(
            commit=commit,
            workflow=workflow,
            event=event,
            status=status,
            conclusion=conclusion,
            repository=repository,
        )
        return await self.send(order, SuiteView, key=key)

    async def rerun(self, run: int, *, fresh: bool = False, key: str | None = None) -> RunView:
        """Run a finished job again under a new id, in place or as a fresh run of the workflow."""
        return await self.send(commands.RerunCheck(run=run, fresh=fresh), RunView, key=key)

    async def add_fault(
        self,
        kind: FaultKind,
        *,
        count: int = 1,
        seconds: float = 0.0,
        operation: str | None = None,
        applied: bool = False,
        key: str | None = None,
    ) -> None:
        """Spoil the next answers of /graphql (by operation), of REST (`rest`), or of both."""
        order = commands.AddFault(
            kind=kind, count=count, seconds=seconds, operation=operation, applied=applied
        )
        await self.send(order, Done, key=key)

    async def set_clock(self, at: float | None, *, key: str | None = None) -> None:
        """Let the world's time stand at a moment (seconds since the epoch); None: the machine's again."""
        await self.send(commands.SetClock(at=at), Done, key=key)

    async def lack_fields(self, *fields: str, key: str | None = None) -> None:
        """Be a server whose schema lacks these (`Type.field`); none: it lacks nothing."""
        await self.send(commands.LackFields(fields=fields), Done, key=key)

    async def clear_faults(self, *, key: str | None = None) -> None:
        """Forget all faults."""
        await self.send(commands.ClearFaults(), Done, key=key)


def _read(command: str, response: httpx.Response, answer: type[_T]) -> _T:
    if response.status_code != httpx.codes.OK:
        try:
            message = str(response.json()["message"])
        except (ValueError, KeyError, TypeError):
            message = response.text[:200]
        raise CommandRefused(command, status=response.status_code, message=message)
    return serialize.decode(answer, response.json())
