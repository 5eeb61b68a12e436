"""Creation: one command, checked outside, then one transaction over the owners of its facts."""

from typing import assert_never

import attrs

from headway_core.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import Transaction
from headway_core.operations.branch_names import BranchPrefixes, free_branch
from headway_core.operations.issue_prompt import body_hash, issue_prompt
from headway_core.operations.model import CreateWorkspace, GitHubIssue, Manual, ResumeBranch
from headway_core.operations.ports import Issue, IssueAddress, IssueReader
from headway_core.operations.validation import (
    given_name,
    given_prompt,
    issue_name,
    issue_words,
    name_from_outside,
)
from headway_core.projects.model import Project
from headway_core.projects.steps import ProjectSteps
from headway_core.pull_requests.model import Author
from headway_core.pull_requests.steps import PullRequestSteps
from headway_core.ratchet.steps import RatchetSteps
from headway_core.ratchet.trust import Trust
from headway_core.sessions.model import Purpose, Session
from headway_core.sessions.steps import SessionSteps
from headway_core.settings.model import SettingsRecord
from headway_core.settings.steps import SettingsSteps
from headway_core.workspaces.model import (
    GitHubIssueSource,
    ManualSource,
    ResumeBranchSource,
    SessionPolicy,
    Workspace,
    WorkspaceSource,
)
from headway_core.workspaces.ports import Worktrees
from headway_core.workspaces.steps import WorkspaceSteps

KEY_LENGTH = 200


@attrs.frozen(kw_only=True)
class _Draft:
    """A command, and the answers of git and of the forge that it takes."""

    name: str
    source: WorkspaceSource
    branch: str | None
    """None: to be made of `branch_words`."""
    branch_words: str
    """What a new branch is called by: agents read it."""
    base_branch: str
    prompt: str | None
    policy: SessionPolicy
    issue: int | None = None
    allow_duplicate: bool = False
    taken: frozenset[str] = frozenset()
    """Branches that the repository has where a generated name would be."""


class WorkspaceCreationService:
    """Creates workspaces. It holds nothing: each fact is written by its owner's step."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        settings: SettingsSteps,
        projects: ProjectSteps,
        workspaces: WorkspaceSteps,
        pull_requests: PullRequestSteps,
        ratchet: RatchetSteps,
        sessions: SessionSteps,
        worktrees: Worktrees,
        branch_prefixes: BranchPrefixes,
        issues: IssueReader,
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._projects = projects
        self._workspaces = workspaces
        self._pull_requests = pull_requests
        self._ratchet = ratchet
        self._sessions = sessions
        self._worktrees = worktrees
        self._branch_prefixes = branch_prefixes
        self._issues = issues

    async def create(
        self, command: CreateWorkspace, *, idempotency_key: str | None = None, actor: str = "headway"
    ) -> Workspace:
        """Create a workspace in NEW; its provisioning follows on a host, also after a restart.

        A repeated `idempotency_key` returns the first result, whatever the command says. `NotFound` for a
        project that is unknown or archived, and for an issue that GitHub does not have; `InvalidInput`
        names the field, also `base_branch` of an empty repository and the setting `branch_prefix` when
        nothing can be made below it; `Conflict` for a branch that is held, checked out or (as a new one)
        exists, for an issue that a live workspace works on, and for a confirmed text that has changed.
        Nothing is left behind by any of them.
        """
        if idempotency_key is not None:
            if not 1 <= len(idempotency_key) <= KEY_LENGTH:
                raise InvalidInput("idempotency_key", f"must be 1 to {KEY_LENGTH} characters")
            key = idempotency_key
            first = await self._ledger.read(lambda tx: self._workspaces.created_with(tx, key))
            if first is not None:
                return first
        project = await self._ledger.read(lambda tx: self._projects.known(tx, command.project_id))
        if project.archived:
            raise NotFound("project", command.project_id)
        draft = await self._draft(project, command)
        return await self._ledger.transact(
            lambda tx: self._store(
                tx, project.id, command, draft, idempotency_key=idempotency_key, actor=actor
            )
        )

    def _store(
        self,
        tx: Transaction,
        project_id: str,
        command: CreateWorkspace,
        draft: _Draft,
        *,
        idempotency_key: str | None,
        actor: str,
    ) -> Workspace:
        if idempotency_key is not None and (first := self._workspaces.created_with(tx, idempotency_key)):
            return first
        project = self._projects.live(tx, project_id)  # and it stays so: it can't be archived meanwhile
        settings = self._settings.current(tx)
        policy = draft.policy if settings.session_limit > 0 else SessionPolicy.NONE
        restores = command.restores if isinstance(command, ResumeBranch) else None
        workspace = self._workspaces.create(
            tx,
            host_id=None if restores is None else self._restorable(tx, restores).host_id,
            project_id=project.id,
            name=draft.name,
            description=command.description,
            source=draft.source,
            session_policy=policy,
            branch=draft.branch or self._new_branch(tx, settings, project.id, draft),
            branch_is_generated=draft.branch is None,
            base_branch=draft.base_branch,
            claims_issue=self._issue_to_claim(tx, project.id, draft),
            idempotency_key=idempotency_key,
            actor=actor,
        )
        self._pull_requests.open_record(tx, workspace)
        enabled = settings.ratchet_default if command.ratchet is None else command.ratchet
        self._ratchet.open_record(tx, workspace, enabled=enabled)
        if policy is not SessionPolicy.NONE:
            session = self._sessions.create(
                tx, workspace=workspace, purpose=Purpose.CHAT, label="chat", actor=actor
            )
            if isinstance(session, Session) and draft.prompt is not None and policy is SessionPolicy.START:
                # It waits in the outbox until the workspace is READY (L15).
                self._sessions.enqueue(tx, session, draft.prompt, actor=actor)
        return self._workspaces.known(tx, workspace.id)  # its first session has changed it

    def _restorable(self, tx: Transaction, workspace_id: str) -> Workspace:
        """An archived workspace: what is preserved of it is on its host. `Conflict` when it lives."""
        restored = self._workspaces.known(tx, workspace_id)
        if restored.is_live:
            raise Conflict("workspace", workspace_id, "it is not archived")
        return restored

    def _new_branch(self, tx: Transaction, settings: SettingsRecord, project_id: str, draft: _Draft) -> str:
        return free_branch(
            tx,
            self._workspaces,
            project_id=project_id,
            prefix=settings.branch_prefix,
            name=draft.branch_words,
            taken=draft.taken,
        )

    def _issue_to_claim(self, tx: Transaction, project_id: str, draft: _Draft) -> int | None:
        """The issue, unless a duplicate is allowed and somebody has it already."""
        if draft.issue is None or not draft.allow_duplicate:
            return draft.issue
        return None if self._workspaces.holder_of_issue(tx, project_id, draft.issue) else draft.issue

    async def _draft(self, project: Project, command: CreateWorkspace) -> _Draft:
        match command:
            case Manual():
                return await self._manual(project, command)
            case ResumeBranch():
                return await self._resume(project, command)
            case GitHubIssue():
                return await self._issue(project, command)
            case _:
                assert_never(command)

    async def _manual(self, project: Project, command: Manual) -> _Draft:
        name, prompt = given_name(command.name), given_prompt(command.initial_prompt)
        policy = _policy(command.session_policy, prompt)
        if command.base_branch is not None:
            await self._expect_branch_name("base_branch", command.base_branch)
        if command.branch is not None:
            await self._expect_branch_name("branch", command.branch)
            blocking = await self._worktrees.in_the_way(project.repo_path, command.branch)
            if blocking is not None:
                raise InvalidInput("branch", f"the branch {blocking!r} leaves no room for it")
            if await self._worktrees.find_branch(project.repo_path, command.branch) is not None:
                raise Conflict("branch", command.branch, "it exists; resume it, or choose another name")
        base_branch = await self._expect_base(project, command.base_branch)
        taken = await self._expect_prefix(project) if command.branch is None else frozenset[str]()
        return _Draft(
            name=name,
            source=ManualSource(initial_prompt=prompt),
            branch=command.branch,
            branch_words=name,
            base_branch=base_branch,
            prompt=prompt,
            policy=policy,
            taken=taken,
        )

    async def _resume(self, project: Project, command: ResumeBranch) -> _Draft:
        name = name_from_outside(command.branch, otherwise="branch")
        if command.name is not None:
            name = given_name(command.name)
        prompt = given_prompt(command.initial_prompt)
        policy = _policy(command.session_policy, prompt)
        await self._expect_branch_name("branch", command.branch)
        checkout = await self._worktrees.find_branch(project.repo_path, command.branch)
        if checkout is None:
            raise InvalidInput("branch", f"there is no branch {command.branch!r}, here or on origin")
        if checkout.checked_out_at is not None:
            raise Conflict("branch", command.branch, f"it is checked out at {checkout.checked_out_at}")
        return _Draft(
            name=name,
            source=ResumeBranchSource(branch=command.branch, restores=command.restores),
            branch=command.branch,
            branch_words=name,
            base_branch=project.default_branch,
            prompt=prompt,
            policy=policy,
        )

    async def _issue(self, project: Project, command: GitHubIssue) -> _Draft:
        at = self._issue_address(project, command)
        name = None if command.name is None else given_name(command.name)
        base_branch = await self._expect_base(project, None)
        taken = await self._expect_prefix(project)
        settings = await self._ledger.read(self._settings.current)
        issue = _judged(await self._read_issue(project, at.number), settings)
        found_hash = None if issue is None else body_hash(issue.body)
        confirmed = command.confirmed_body_hash
        if confirmed is not None and found_hash is not None and confirmed.lower() != found_hash:
            raise Conflict("issue", str(at.number), "its text is not the one that was confirmed")
        prompt = issue_prompt(
            at.number,
            at.url,
            issue,
            body_confirmed=confirmed is not None,
            size=settings.prompt_limit_bytes,
        )
        title = issue_name(at.number, issue.title if issue else None)
        # People read the title of a stranger as the name; the branch and the folder are read by agents too.
        vouched_for = title if issue is not None and issue.trusted else issue_words(at.number)
        return _Draft(
            name=name or title,
            source=GitHubIssueSource(
                number=at.number, url=at.url, title=issue.title if issue else None, body_hash=found_hash
            ),
            branch=None,
            branch_words=name or vouched_for,
            base_branch=base_branch,
            prompt=prompt,
            policy=command.session_policy or SessionPolicy.START,
            issue=at.number,
            allow_duplicate=command.allow_duplicate,
            taken=taken,
        )

    def _issue_address(self, project: Project, command: GitHubIssue) -> IssueAddress:
        """`InvalidInput` (`number`, `url`) when it is no issue of the project, or two of them."""
        number, url = command.number, command.url
        if number is not None and number < 1:
            raise InvalidInput("number", "must be 1 or more")
        if url is None:
            if number is None:
                raise InvalidInput("number", "neither the issue's number nor its address is given")
            return IssueAddress(number=number, url=self._issues.address_of(project, number))
        found = self._issues.issue_at(project, url)
        if found is None or number not in {None, found.number}:
            asked = "an issue" if number is None else f"issue {number}"
            raise InvalidInput("url", f"is not {asked} of {project.github_host}/{project.repository}")
        return found

    async def _read_issue(self, project: Project, number: int) -> Issue | None:
        try:
            return await self._issues.read(project, number)
        except Unavailable:
            return None  # the work does not wait for GitHub; its prompt says that the text is missing

    async def _expect_base(self, project: Project, asked: str | None) -> str:
        """What the new branch starts from, which must have a commit."""
        base = asked or project.default_branch
        if not await self._worktrees.has_commit(project.repo_path, base):
            which = repr(base) if asked else f"the project's default branch {base!r}"
            raise InvalidInput("base_branch", f"{which} has no commit, here or on origin")
        return base

    async def _expect_prefix(self, project: Project) -> frozenset[str]:
        """The repository's branches below the prefix, which must leave room for more of them."""
        prefix = (await self._ledger.read(self._settings.current)).branch_prefix
        await self._branch_prefixes.expect(prefix, project)
        return await self._worktrees.branches_below(project.repo_path, prefix)

    async def _expect_branch_name(self, field: str, name: str) -> None:
        if not await self._worktrees.valid_branch_name(name):
            raise InvalidInput(field, f"{name!r} is no branch name that git takes")


def _policy(asked: SessionPolicy | None, prompt: str | None) -> SessionPolicy:
    """The session policy, which must fit the prompt: none gets lost, and nothing starts without one."""
    if asked is None:
        return SessionPolicy.NONE if prompt is None else SessionPolicy.START
    if asked is SessionPolicy.START and prompt is None:
        raise InvalidInput("initial_prompt", "session policy start needs one")
    if asked is not SessionPolicy.START and prompt is not None:
        raise InvalidInput("initial_prompt", f"session policy {asked} has no use for it")
    return asked


def _judged(issue: Issue | None, settings: SettingsRecord) -> Issue | None:
    """The issue, trusted also when its author is on the list of the settings."""
    if issue is None or issue.trusted:
        return issue
    account = issue.account or (None if issue.author is None else Author(login=issue.author))
    return attrs.evolve(issue, trusted=account is not None and Trust(settings=settings).lists(account))
