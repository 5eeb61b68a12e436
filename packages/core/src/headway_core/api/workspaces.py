"""Workspaces: created, looked at, provisioned again, moved, archived."""

from typing import TYPE_CHECKING

from headway_core.operations.model import ArchiveResult, CreateWorkspace, PreservedOf
from headway_core.workspaces.model import Workspace
from headway_core.workspaces.output import InitOutput

if TYPE_CHECKING:
    from headway_core.operations.archive import ArchiveService
    from headway_core.operations.creation import WorkspaceCreationService
    from headway_core.operations.moving import MovingService
    from headway_core.operations.preserving import PreservingService
    from headway_core.operations.provisioning import ProvisioningService
    from headway_core.workspaces.service import WorkspaceLifecycleService


class Workspaces:
    """Everything that is asked of workspaces: `hw.workspaces`."""

    def __init__(
        self,
        *,
        creation: "WorkspaceCreationService",
        lifecycle: "WorkspaceLifecycleService",
        provisioning: "ProvisioningService",
        archive: "ArchiveService",
        moving: "MovingService",
        preserving: "PreservingService",
    ) -> None:
        self._creation = creation
        self._lifecycle = lifecycle
        self._provisioning = provisioning
        self._archive = archive
        self._moving = moving
        self._preserving = preserving

    async def create(
        self, command: CreateWorkspace, *, idempotency_key: str | None = None, actor: str = "headway"
    ) -> Workspace:
        """Create a workspace: from a person's words, from a branch, or from an issue.

        It comes back at once, in NEW; the runner of a host provisions it, also after a restart. Nothing is
        left behind when it is refused.

        Args:
            command: `Manual`, `ResumeBranch` or `GitHubIssue`.
            idempotency_key: 1 to 200 characters. Creating again with the same key returns the first
                workspace, whatever the command says. None: each call creates one.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace as it is stored.

        Raises:
            InvalidInput: A field of the command, or the key, can't be; the error names it: `base_branch` also
                when it has no commit, `branch_prefix` when the setting fits nothing in the project.
            NotFound: There is no such project, it is archived, or there is no such issue.
            Conflict: Another workspace is on the branch or works on the issue, the branch is checked out,
                a new branch exists already, or the confirmed text of the issue has changed.
            PermissionDenied: The token may not read the issue.
            Unavailable: Git can't be asked. An issue that can't be reached refuses nothing: the agent is
                told that its text is missing.
        """
        return await self._creation.create(command, idempotency_key=idempotency_key, actor=actor)

    async def get(self, workspace_id: str) -> Workspace:
        """Look at one workspace, archived or not.

        Args:
            workspace_id: Its id.

        Returns:
            The workspace as it is stored.

        Raises:
            NotFound: There is none with this id.
        """
        return await self._lifecycle.get(workspace_id)

    async def list(self, *, archived: bool = False) -> list[Workspace]:
        """List the workspaces.

        Args:
            archived: Whether the archived ones are wanted too.

        Returns:
            The live ones, and with `archived` all, oldest first.
        """
        return await self._lifecycle.list(archived=archived)

    async def output(self, workspace_id: str) -> InitOutput:
        """Read what a provisioning printed: git, and the project's start-up script.

        Args:
            workspace_id: The workspace's id.

        Returns:
            The output of the present run, else of the last; its middle is left out when it is long.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._lifecycle.init_output(workspace_id)

    async def retry(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Have a provisioning that failed, or went through with a warning, run again.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace, in PROVISIONING; in NEW when it never had a worktree.

        Raises:
            NotFound: There is no such workspace.
            IllegalTransition: It is in a status in which nothing is to be repeated.
            RetriesUsed: It was repeated as often as it may be.
            Conflict: An agent runs in it.
        """
        return await self._provisioning.retry(workspace_id, actor=actor)

    async def cancel(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Ask a provisioning to end. One that has not begun fails at once; one under way soon.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace as it is now stored.

        Raises:
            NotFound: There is no such workspace.
            IllegalTransition: It is neither in NEW nor in PROVISIONING.
        """
        return await self._lifecycle.cancel(workspace_id, actor=actor)

    async def release(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Let sessions start again in a workspace that was stopped, now that a person has looked.

        It is stopped when what is found of an agent can't all be true, since nobody can know then what runs
        in its worktree. One that is not stopped stays as it is.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace, which nothing keeps any more.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._lifecycle.release(workspace_id, actor=actor)

    async def archive(
        self, workspace_id: str, *, lose_ignored: bool = False, actor: str = "headway"
    ) -> ArchiveResult:
        """Stop its sessions, keep its work on the branch, and remove its worktree. Safe to repeat.

        It is done on the workspace's own host, within this call. No work is ever lost: what is on no branch
        is preserved, and where that fails the workspace goes back to the status that it had.
        `preserved` lists it, `restore` brings it back, and only `drop` loses it.

        Args:
            workspace_id: The workspace's id.
            lose_ignored: Remove the worktree although it has files that git ignores, which are lost then.
            actor: Who asks, as the events tell it.

        Returns:
            `Settled` with the workspace, in ARCHIVED, or back in its former status with the reason in its
            `error`; `Busy` when somebody else acts on it now; `NotDue` when it is another host's;
            `HoldsIgnored` when ignored files would be lost. Nothing was done but for `Settled`.

        Raises:
            NotFound: There is no such workspace.
            IllegalTransition: It is neither READY nor FAILED.
            Unavailable: Git can't be asked what the worktree holds.
        """
        return await self._archive.archive(workspace_id, lose_ignored=lose_ignored, actor=actor)

    async def preserved(self) -> tuple[PreservedOf, ...]:
        """List what archives and retries have kept on this host.

        Returns:
            For each workspace that has something: where it is, how large, and since when; the oldest first.

        Raises:
            Unavailable: Git can't be asked.
        """
        return await self._preserving.preserved()

    async def restore(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Create a new workspace on the branch of an archived one, with everything that is preserved of it.

        Uncommitted files are uncommitted again, a folder that was kept is copied into the new worktree; a
        `.git` that was not the worktree's comes back under another name. What is preserved stays so. A branch
        that was deleted is made again, where that work was made on it.

        Args:
            workspace_id: The archived workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The new workspace, in NEW; what was brought back is told in its output.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: Its branch exists no more, and nothing that is preserved tells where it was.
            Conflict: It is not archived, what is kept of it is on another host, or its branch is in use.
            Unavailable: Git can't be asked.
        """
        return await self._preserving.restore(workspace_id, actor=actor)

    async def drop(self, workspace_id: str) -> None:
        """Lose what is preserved of a workspace, for good. Its branch stays.

        Args:
            workspace_id: The workspace's id.

        Raises:
            NotFound: There is no such workspace.
            Conflict: What is kept of it is on another host, or somebody acts on it now.
            Unavailable: Git can't be asked.
        """
        await self._preserving.drop(workspace_id)

    async def move_here(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Take a workspace over from a host that was retired.

        It gets a fresh worktree on this host, of its branch as it was pushed; what ran on the other host
        counts as lost, and what was not pushed stays there.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace, in PROVISIONING, pinned to this host.

        Raises:
            NotFound: There is no such workspace.
            Conflict: Its host is not retired, it is on this host already, or this host is retired.
            IllegalTransition: It is archived.
        """
        return await self._moving.move_here(workspace_id, actor=actor)
