"""An open Headway: one attribute a noun, and the runner."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
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
    from headway_core.api.webhooks import Webhooks
    from headway_core.api.workspaces import Workspaces
    from headway_core.kernel.feed import EventFeed
    from headway_core.operations.running import HostRunner


class Headway:
    """What `headway.open()` gives: operations to call, and a runner to start.

    Every operation can raise `Unavailable` when the database can't be used now, and `OutcomeUnknown`, one
    of its kind, when a connection died just as a change was committed. Ids are texts; times are in UTC.

    What stands behind a noun is made when the noun is used first.
    """

    def __init__(
        self,
        *,
        workspaces: "Callable[[], Workspaces]",
        projects: "Callable[[], Projects]",
        sessions: "Callable[[], Sessions]",
        fixers: "Callable[[], Fixers]",
        pull_requests: "Callable[[], PullRequests]",
        forge_actions: "Callable[[], ForgeActions]",
        ratchet: "Callable[[], Ratchet]",
        board: "Callable[[], Board]",
        events: "Callable[[], Events]",
        settings: "Callable[[], Settings]",
        hosts: "Callable[[], Hosts]",
        webhooks: "Callable[[], Webhooks]",
        runner: "Callable[[], HostRunner]",
        feed: "Callable[[], EventFeed]",
    ) -> None:
        self._workspaces = workspaces
        self._projects = projects
        self._sessions = sessions
        self._fixers = fixers
        self._pull_requests = pull_requests
        self._forge_actions = forge_actions
        self._ratchet = ratchet
        self._board = board
        self._events = events
        self._settings = settings
        self._hosts = hosts
        self._webhooks = webhooks
        self._runner = runner
        self._feed = feed

    @cached_property
    def workspaces(self) -> "Workspaces":
        """Tasks, each on a branch in a worktree."""
        return self._workspaces()

    @cached_property
    def projects(self) -> "Projects":
        """Local repositories, and where their pull requests live."""
        return self._projects()

    @cached_property
    def sessions(self) -> "Sessions":
        """Conversations with agents."""
        return self._sessions()

    @cached_property
    def fixers(self) -> "Fixers":
        """The one session of a workspace that mends its pull request."""
        return self._fixers()

    @cached_property
    def pull_requests(self) -> "PullRequests":
        """Read anew, attached, detached."""
        return self._pull_requests()

    @cached_property
    def forge_actions(self) -> "ForgeActions":
        """Replies, comments and requests for review, each done once."""
        return self._forge_actions()

    @cached_property
    def ratchet(self) -> "Ratchet":
        """The automation, and why it does or does not act."""
        return self._ratchet()

    @cached_property
    def board(self) -> "Board":
        """A card for each workspace."""
        return self._board()

    @cached_property
    def events(self) -> "Events":
        """Everything that happened, in order."""
        return self._events()

    @cached_property
    def settings(self) -> "Settings":
        """Quiet time, budgets, limits, trust."""
        return self._settings()

    @cached_property
    def hosts(self) -> "Hosts":
        """The machines of this database."""
        return self._hosts()

    @cached_property
    def webhooks(self) -> "Webhooks":
        """What the forge delivers by itself."""
        return self._webhooks()

    def changes(self) -> anyio.Event:
        """Say when something changes: take it before you look, and wait for it after. It asks nobody.

        Returns:
            An event that is set at the next commit in this process that people can see.
        """
        return self._feed().changes()

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
        return self._runner().running()
