"""An open Headway: one attribute a noun, and the runner."""

from contextlib import AbstractAsyncContextManager

import anyio

from headway_core.api.board import Board
from headway_core.api.events import Events
from headway_core.api.fixers import Fixers
from headway_core.api.forge_actions import ForgeActions
from headway_core.api.hosts import Hosts
from headway_core.api.projects import Projects
from headway_core.api.pull_requests import PullRequests
from headway_core.api.ratchet import Ratchet
from headway_core.api.sessions import Sessions
from headway_core.api.settings import Settings
from headway_core.api.workspaces import Workspaces
from headway_core.kernel.feed import EventFeed
from headway_core.operations.running import HostRunner


class Headway:
    """What `headway.open()` gives: operations to call, and a runner to start.

    Every operation can raise `Unavailable` when the database can't be used now, and `OutcomeUnknown`, one
    of its kind, when a connection died just as a change was committed. Ids are texts; times are in UTC.

    Attributes:
        workspaces: Tasks, each on a branch in a worktree.
        projects: Local repositories, and where their pull requests live.
        sessions: Conversations with agents.
        fixers: The one session of a workspace that mends its pull request.
        pull_requests: Read anew, attached, detached.
        forge_actions: Replies, comments and requests for review, each done once.
        ratchet: The automation, and why it does or does not act.
        board: A card for each workspace.
        events: Everything that happened, in order.
        settings: Quiet time, budgets, limits, trust.
        hosts: The machines of this database.
    """

    def __init__(
        self,
        *,
        workspaces: Workspaces,
        projects: Projects,
        sessions: Sessions,
        fixers: Fixers,
        pull_requests: PullRequests,
        forge_actions: ForgeActions,
        ratchet: Ratchet,
        board: Board,
        events: Events,
        settings: Settings,
        hosts: Hosts,
        runner: HostRunner,
        feed: EventFeed,
    ) -> None:
        self.workspaces = workspaces
        self.projects = projects
        self.sessions = sessions
        self.fixers = fixers
        self.pull_requests = pull_requests
        self.forge_actions = forge_actions
        self.ratchet = ratchet
        self.board = board
        self.events = events
        self.settings = settings
        self.hosts = hosts
        self._runner = runner
        self._feed = feed

    def changes(self) -> anyio.Event:
        """Say when something changes: take it before you look, and wait for it after. It asks nobody.

        Returns:
            An event that is set at the next commit in this process that people can see.
        """
        return self._feed.changes()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Be this host's runner of the database: recover, and do the duties until the block ends.

        Leaving the block stops promptly; agents that run go on under their supervisors and are adopted by
        the next runner.

        Returns:
            A context manager to enter with `async with`. Its block is cancelled by what ends the runner.

        Raises:
            Conflict: Another process is this host's runner.
            Retired: This host was retired, when the block is entered or while it runs.
        """
        return self._runner.running()
