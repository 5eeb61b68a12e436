"""Whose words may trigger a fixer or be quoted to it (I10)."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from headway_core.forge_actions.model import ActionStatus, ForgeAction, Reply, own_mark
from headway_core.pull_requests.model import Author
from headway_core.sessions.model import Session
from headway_core.settings.model import OwnAccount, SettingsRecord

_BOT = "[bot]"
"""REST writes it behind an app's name, GraphQL says the kind of the account: `x` and `x[bot]` are one."""


def is_bot(author: Author) -> bool:
    """Whether an app or a bot wrote it, however the source tells."""
    return author.is_bot or author.login.casefold().endswith(_BOT)


@attrs.frozen(kw_only=True)
class Trust:
    """The policy, and the turns and the replies of our own agents in this workspace."""

    settings: SettingsRecord
    turns: tuple[tuple[datetime, datetime | None], ...] = ()
    """When sessions ran, start and end; None: still."""
    replies: tuple[tuple[str, datetime], ...] = ()
    """The threads that we replied to, with when; also of replies that somebody has deleted since."""

    def hears(self, author: Author, text: str, at: datetime) -> bool:
        """Whether this is feedback: a trusted person's words, and not Headway's or its agents' own (R3).

        `at` is when the text was written or last edited: what was edited is judged again.
        """
        return self.trusts(author) and not self.is_ours(author, text, at)

    def trusts(self, author: Author) -> bool:
        """Whether the author can push to the repository, or is on the list; by association where GitHub did
        not say.
        """
        if self.lists(author):
            return True
        if author.is_viewer and self.settings.own_account is OwnAccount.NEVER:
            return False
        if author.can_push is not None:
            return author.can_push
        return author.is_associated

    def lists(self, author: Author) -> bool:
        """Whether the author is on the list of the settings, by a login or the node id."""
        return author.node_id in self.settings.trusted or bool(_names(author) & self._logins)

    def is_ours(self, author: Author, text: str, at: datetime) -> bool:
        """Whether Headway or an agent of it wrote this: the token's account did, and put our mark in its own
        place, or while a session ran. A mark that somebody else wrote, or that is quoted, says nothing.
        """
        return author.is_viewer and (
            own_mark(text) is not None
            or any(start <= at and (end is None or at <= end) for start, end in self.turns)
        )

    def replies_in(self, thread_id: str) -> list[datetime]:
        """When we replied in a thread, as far as we know ourselves."""
        return [at for thread, at in self.replies if thread == thread_id]

    @property
    def _logins(self) -> set[str]:
        return {entry.casefold() for entry in self.settings.trusted}


def _names(author: Author) -> set[str]:
    """The names by which an author may be listed. A person is not trusted by the name of an app."""
    login = author.login.casefold()
    name = login.removesuffix(_BOT)
    return {name, name + _BOT} if is_bot(author) else {login}


_POSTED = (ActionStatus.POSTING, ActionStatus.DONE)


def trust_in(
    settings: SettingsRecord, sessions: Iterable[Session], actions: Iterable[ForgeAction] = ()
) -> Trust:
    """The policy in a workspace, by all of its sessions, and by what was asked of the forge there."""
    turns = tuple((each.started_at, each.ended_at) for each in sessions if each.started_at is not None)
    replies = tuple(
        (each.order.thread_id, each.created_at)
        for each in actions
        if isinstance(each.order, Reply) and each.status in _POSTED
    )
    return Trust(settings=settings, turns=turns, replies=replies)
