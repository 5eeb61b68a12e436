"""What git knows of a repository: its refs and its registered worktrees, and which names are fit for one."""

import os
import re

import attrs

from headway_core.kernel.errors import InvalidInput
from headway_local.git import Git
from headway_local.paths import real_path

_LIKE_A_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
COMPONENT_LIMIT = 200
"""Bytes of one part of a branch's name: each is a file name, and git appends `.lock`."""


def is_id(word: str) -> bool:
    """Whether it is the whole id of an object."""
    return _LIKE_A_COMMIT.fullmatch(word) is not None


async def valid_branch_name(git: Git, name: str) -> bool:
    """Git's own rules, and ours: nothing that could be read as an option, a commit or two lines."""
    try:
        parts = name.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    if name.startswith("-") or "\0" in name or _LIKE_A_COMMIT.fullmatch(name):
        return False
    if any(len(part) > COMPONENT_LIMIT for part in parts):
        return False
    # Outside of any repository, so that `@{-1}` names nothing.
    answer = await git.ask("/", "check-ref-format", "--branch", name, codes=frozenset({0, 1, 128}))
    return answer.code == 0 and answer.line == name


async def expect_branch_name(git: Git, name: str, *, field: str) -> None:
    if not await valid_branch_name(git, name):
        raise InvalidInput(field, f"{name!r} is no name for a branch")


def local(branch: str) -> str:
    return f"refs/heads/{branch}"


def on_origin(branch: str) -> str:
    return f"refs/remotes/origin/{branch}"


async def commits(git: Git, cwd: str, *names: str) -> dict[str, str]:
    """The object ids of those of the refs (full names) that exist."""
    answer = await git.ask(cwd, "for-each-ref", "--format=%(objectname) %(refname)", *names)
    found = {name: commit for commit, _, name in (line.partition(" ") for line in answer.out.splitlines())}
    return {name: found[name] for name in names if name in found}


async def upstream(git: Git, cwd: str, branch: str) -> str | None:
    """The full name of what a local branch is configured to follow, which need not exist; None: nothing."""
    answer = await git.ask(cwd, "for-each-ref", "--format=%(refname) %(upstream)", local(branch))
    found = dict(line.partition(" ")[::2] for line in answer.out.splitlines())
    return found.get(local(branch)) or None


async def is_ancestor(git: Git, cwd: str, older: str, newer: str) -> bool:
    """Whether the newer commit reaches the older one."""
    answer = await git.ask(cwd, "merge-base", "--is-ancestor", older, newer, codes=frozenset({0, 1}))
    return answer.code == 0


async def tree_of(git: Git, cwd: str, commit: str | None) -> str:
    """The tree of a commit; of None the empty one, which is made."""
    if commit is None:
        return (await git.change(cwd, "hash-object", "-w", "-t", "tree", "/dev/null")).line
    return (await git.ask(cwd, "rev-parse", "--verify", f"{commit}^{{tree}}")).line


@attrs.frozen(kw_only=True)
class Entry:
    """A worktree that is registered with a repository."""

    path: str
    """Real path; it may have been deleted behind git's back."""
    branch: str | None
    """Without `refs/heads/`; None when detached or bare."""
    lock_reason: str | None
    """None when it is not locked."""
    gone: bool
    """Nothing is there any more. What git calls prunable may hold work."""


async def registered(git: Git, cwd: str) -> tuple[Entry, ...]:
    """All worktrees of the repository, the main one (or the bare repository) first."""
    answer = await git.ask(cwd, "worktree", "list", "--porcelain", "-z")
    entries = []
    for block in answer.out.split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.strip("\0").split("\0"))
        if "worktree" in facts:
            entries.append(_entry(facts))
    return tuple(entries)


def _entry(facts: dict[str, str]) -> Entry:
    return Entry(
        path=str(real_path(facts["worktree"])),
        branch=facts["branch"].removeprefix("refs/heads/") if "branch" in facts else None,
        lock_reason=facts.get("locked"),
        gone=not os.path.lexists(facts["worktree"]),
    )
