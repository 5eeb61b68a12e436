"""Whose words may trigger a fixer or be quoted to it (I10)."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from headway_core.forge_actions.model import MARK
from headway_core.pull_requests.model import Author
from headway_core.sessions.model import Session
from headway_core.settings.model import OwnAccount, SettingsRecord


@attrs.frozen(kw_only=True)
class Trust:
    """The policy, and the turns of our own agents in this workspace."""

    settings: SettingsRecord
    turns: tuple[tuple[datetime, datetime | None], ...] = ()
    """When sessions ran, start and end; None: still."""

    def hears(self, author: Author, text: str, at: datetime) -> bool:
        """Whether this is feedback: a trusted person's words, and not Headway's or its agents' own (R3).

        `at` is when the text was written or last edited: what was edited is judged again.
        """
        return self.trusts(author) and not MARK.search(text) and not self._is_ours(author, at)

    def trusts(self, author: Author) -> bool:
        """Whether the author can push to the repository, or is on the list; by association where GitHub did
        not say.
        """
        if author.node_id in self.settings.trusted or author.login.casefold() in self._logins:
            return True
        if author.is_viewer and self.settings.own_account is OwnAccount.NEVER:
            return False
        if author.can_push is not None:
            return author.can_push
        return author.is_associated

    @property
    def _logins(self) -> set[str]:
        return {entry.casefold() for entry in self.settings.trusted}

    def _is_ours(self, author: Author, at: datetime) -> bool:
        """Whether it may be an agent's: the token's account wrote it while a session ran."""
        return author.is_viewer and any(
            start <= at and (end is None or at <= end) for start, end in self.turns
        )


def trust_in(settings: SettingsRecord, sessions: Iterable[Session]) -> Trust:
    """The policy in a workspace, by all of its sessions."""
    turns = tuple((each.started_at, each.ended_at) for each in sessions if each.started_at is not None)
    return Trust(settings=settings, turns=turns)
