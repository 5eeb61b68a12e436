"""Where a command is done."""

import attrs

from headway_sandbox import commands, facts, views
from headway_sandbox.errors import Unprocessable
from headway_sandbox.records import Issue, PullRequest, Repository, User
from headway_sandbox.store import Transaction


@attrs.frozen(kw_only=True)
class Desk:
    """Where a command is done: the transaction, and the server's URL for links."""

    tx: Transaction
    url: str

    def repository(self, name: str) -> Repository:
        """Return the named repository, or the only one."""
        if name:
            owner, _, short = name.partition("/")
            return facts.find_repository(self.tx, owner, short)
        known = self.tx.find(Repository)
        if len(known) != 1:
            raise Unprocessable(f"repository: there are {len(known)}, name one")
        return known[0]

    def pull(self, name: str, number: int) -> PullRequest:
        """Return a pull request."""
        return facts.find_pull(self.tx, self.repository(name), number)

    def show(self, pull: PullRequest) -> commands.PullView:
        """Show a pull request as it is now."""
        return views.pull_view(self.tx, pull, url=self.url)

    def user(self, login: str, subject: PullRequest | Issue | Repository) -> User:
        """Return a user who may see the subject's repository."""
        user = facts.find_user(self.tx, login)
        repository = (
            subject if isinstance(subject, Repository) else self.tx.get(Repository, subject.repository)
        )
        facts.require_read(self.tx, repository, user)
        return user
