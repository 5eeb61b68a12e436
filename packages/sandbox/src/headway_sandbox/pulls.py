"""Pull requests and the branches they follow."""

import attrs

from headway_sandbox import checks
from headway_sandbox.errors import Unprocessable
from headway_sandbox.facts import base_oid, git_of, merge_state, tip
from headway_sandbox.git import Git
from headway_sandbox.records import (
    Branch,
    PullRequest,
    PullState,
    Push,
    Repository,
    Thread,
    User,
)
from headway_sandbox.store import Transaction


@attrs.define
class RefWatch:
    """Notices pushes cheaply: git is asked only when the refs on disk look different."""

    _seen: dict[int, object] = attrs.field(factory=dict)

    def refresh(self, tx: Transaction) -> bool:
        """Take over every branch that moved; say whether one did."""
        moved = [self._refresh(tx, repository) for repository in tx.find(Repository)]
        return any(moved)

    def _refresh(self, tx: Transaction, repository: Repository) -> bool:
        signature = git_of(repository).signature()
        if self._seen.get(repository.id) == signature:
            return False
        moved = follow(tx, repository)
        self._seen[repository.id] = signature
        return moved


def follow(tx: Transaction, repository: Repository) -> bool:
    """Compare the origin's branches with what was last seen, and draw GitHub's conclusions."""
    git = git_of(repository)
    present = git.branches()
    known = {branch.name: branch for branch in tx.find(Branch, repository=repository.id)}
    moved = [name for name in {**known, **present} if _tip_of(known, name) != present.get(name)]
    for name in moved:
        _store_tip(tx, repository, known.get(name), name=name, oid=present.get(name))
    # Bases first: a head's CI depends on whether it merges into the new base.
    for name in moved:
        if (oid := present.get(name)) is not None:
            _base_moved(tx, repository, git, base=name, oid=oid)
    for name in moved:
        _head_moved(tx, repository, git, head=name, oid=present.get(name))
    return bool(moved)


def _tip_of(known: dict[str, Branch], name: str) -> str | None:
    return known[name].oid if name in known else None


def _store_tip(
    tx: Transaction, repository: Repository, known: Branch | None, *, name: str, oid: str | None
) -> None:
    tx.add(
        Push(
            id=tx.next_id(),
            repository=repository.id,
            branch=name,
            before=known.oid if known else None,
            after=oid,
            at=tx.stamp,
        )
    )
    if known is None and oid is not None:
        tx.add(Branch(id=tx.next_id(), repository=repository.id, name=name, oid=oid))
    elif known is not None and oid is not None:
        tx.replace(known, oid=oid)
    elif known is not None:
        tx.remove(known)


def _base_moved(tx: Transaction, repository: Repository, git: Git, *, base: str, oid: str) -> None:
    for pull in tx.find(PullRequest, repository=repository.id, base=base, state=PullState.OPEN):
        if git.is_ancestor(pull.head_oid, oid):
            _end_merged(tx, pull, by=pull.author, commit=oid, base=pull.base_oid)
        else:
            tx.replace(pull, base_oid=oid)  # updatedAt stays: pushes to the base do not move it


def _head_moved(tx: Transaction, repository: Repository, git: Git, *, head: str, oid: str | None) -> None:
    pulls = tx.find(PullRequest, repository=repository.id, head=head, state=PullState.OPEN)
    for pull in pulls:
        if oid is None:
            close(tx, repository, pull)
            continue
        if pull.head_oid == oid:
            continue
        _outdate_threads(tx, git, pull, oid)
        moved = tx.replace(
            pull,
            head_oid=oid,
            updated_at=tx.stamp,
            lagging_oid=pull.head_oid,
            lagging_at=pull.updated_at,
        )
        checks.start_for_pull(tx, repository, moved)
    if oid is not None and repository.ci_on_push:
        checks.start(tx, repository, branch=head, oid=oid, event="push")


def _outdate_threads(tx: Transaction, git: Git, pull: PullRequest, oid: str) -> None:
    for thread in tx.find(Thread, pull=pull.id, outdated=False):
        if thread.line is None or thread.original_line is None:
            continue
        line = git.line_after(thread.path, thread.original_line, old=thread.commit_oid, new=oid)
        tx.replace(thread, line=line, outdated=line is None)


def next_number(tx: Transaction, repository: Repository) -> int:
    """Draw the next number; issues and pull requests share them."""
    number = tx.get(Repository, repository.id).next_number
    tx.replace(tx.get(Repository, repository.id), next_number=number + 1)
    return number


def open_pull(
    tx: Transaction,
    repository: Repository,
    *,
    author: User,
    head: str,
    base: str,
    title: str,
    body: str,
    draft: bool,
) -> PullRequest:
    """Open a pull request between two branches of the repository, and start its CI."""
    head = head.removeprefix(f"{repository.owner}:")
    git = git_of(repository)
    head_tip, base_tip = tip(tx, repository, head), tip(tx, repository, base)
    if not title.strip():
        message = "Title can't be blank"
        raise Unprocessable(message)
    if base_tip is None:
        message = f"Base ref must be a branch, {base!r} is none"
        raise Unprocessable(message)
    if head_tip is None:
        message = f"Head sha can't be blank, Head ref must be a branch, {head!r} is none"
        raise Unprocessable(message)
    same = {"repository": repository.id, "head": head, "base": base, "state": PullState.OPEN}
    if tx.first(PullRequest, **same):
        message = f"A pull request already exists for {repository.owner}:{head}."
        raise Unprocessable(message)
    if git.is_ancestor(head_tip, base_tip):
        message = f"No commits between {base} and {head}"
        raise Unprocessable(message)
    pull = tx.add(
        PullRequest(
            id=tx.next_id(),
            repository=repository.id,
            number=next_number(tx, repository),
            author=author.id,
            title=title,
            body=body,
            state=PullState.OPEN,
            draft=draft,
            head=head,
            base=base,
            head_oid=head_tip,
            base_oid=base_tip,
            created_at=tx.stamp,
            updated_at=tx.stamp,
        )
    )
    checks.start_for_pull(tx, repository, pull)
    return pull


def touch(tx: Transaction, pull: PullRequest) -> PullRequest:
    """Move updatedAt, as comments, reviews and pushes do."""
    return tx.replace(tx.get(PullRequest, pull.id), updated_at=tx.stamp)


def edit(
    tx: Transaction, pull: PullRequest, *, title: str | None, body: str | None, draft: bool | None
) -> PullRequest:
    """Change the texts or the draft flag; None leaves as it is."""
    texts = {name: text for name, text in (("title", title), ("body", body)) if text is not None}
    if texts:
        pull = tx.replace(pull, **texts, last_edited_at=tx.stamp)
    return tx.replace(pull, draft=pull.draft if draft is None else draft, updated_at=tx.stamp)


def close(tx: Transaction, repository: Repository, pull: PullRequest) -> PullRequest:
    """Close without merging; a closed one stays as it is."""
    if pull.state is not PullState.OPEN:
        return pull
    return tx.replace(
        pull,
        state=PullState.CLOSED,
        base_oid=base_oid(tx, repository, pull),
        closed_at=tx.stamp,
        updated_at=tx.stamp,
    )


def reopen(tx: Transaction, repository: Repository, pull: PullRequest) -> PullRequest:
    """Open a closed pull request again at the branch's present tip, and start CI for it."""
    if pull.state is PullState.OPEN:
        return pull
    head_tip = tip(tx, repository, pull.head)
    if pull.state is PullState.MERGED or head_tip is None or tip(tx, repository, pull.base) is None:
        message = f"pull request {pull.number} cannot be reopened: merged, or a branch is gone"
        raise Unprocessable(message)
    opened = tx.replace(
        pull,
        state=PullState.OPEN,
        head_oid=head_tip,
        closed_at=None,
        updated_at=tx.stamp,
    )
    checks.start_for_pull(tx, repository, opened)
    return opened


def merge(
    tx: Transaction, repository: Repository, pull: PullRequest, *, by: User, squash: bool
) -> PullRequest:
    """Merge for real in the origin; raises `Unprocessable` where GitHub's button is grey."""
    git = git_of(repository)
    base = base_oid(tx, repository, pull)
    state = merge_state(tx, repository, pull)
    if pull.state is not PullState.OPEN or state in {"DIRTY", "DRAFT", "BLOCKED", "BEHIND"}:
        message = f"pull request {pull.number} is not mergeable: {pull.state}, {state}"
        raise Unprocessable(message)
    tree = git.merge_tree(base, pull.head_oid)
    if tree is None:
        message = f"pull request {pull.number} is not mergeable: merge conflict"
        raise Unprocessable(message)
    commit = git.commit_tree(
        tree,
        parents=(base,) if squash else (base, pull.head_oid),
        message=f"{pull.title} (#{pull.number})",
        author=by.login,
    )
    # Recorded first, so that following the base finds it merged; rolled back if the swap fails.
    merged = _end_merged(tx, pull, by=by.id, commit=commit, base=base)
    git.move_branch(pull.base, old=base, new=commit)
    follow(tx, repository)
    return merged


def _end_merged(tx: Transaction, pull: PullRequest, *, by: int, commit: str, base: str) -> PullRequest:
    return tx.replace(
        pull,
        state=PullState.MERGED,
        base_oid=base,
        merged_at=tx.stamp,
        closed_at=tx.stamp,
        merged_by=by,
        merge_commit=commit,
        updated_at=tx.stamp,
    )
