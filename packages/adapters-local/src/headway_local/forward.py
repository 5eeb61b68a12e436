"""A clean worktree is brought forward to a commit of its branch at origin, and never moved otherwise."""

from headway_core.kernel.errors import Unavailable
from headway_local import snapshots
from headway_local.git import Git, GitRefused
from headway_local.origin import Origin
from headway_local.references import is_ancestor


async def fast_forward(git: Git, origin: Origin, path: str, branch: str, commit: str) -> bool:
    """Whether the worktree stands at the commit then. Nothing that lies in it is overwritten: not what git
    ignores either.
    """
    seen = await snapshots.status(git, path)
    if seen.branch != branch or seen.dirty or seen.head is None:
        return False
    if seen.head == commit:
        return True
    if not await _knows(git, path, commit):
        tips = await origin.tips(path, branch)
        if tips is None:
            raise Unavailable("git", "origin could not be asked for the head of the pull request")
        if branch not in tips:
            return False
        await origin.fetch(path, branch, tips[branch])
        if not await _knows(git, path, commit):
            return False
    if not await is_ancestor(git, path, seen.head, commit):
        return False
    try:
        await git.change(
            path, "merge", "--quiet", "--ff-only", "--no-overwrite-ignore", "--no-autostash", commit
        )
    except GitRefused:
        return False
    return True


async def _knows(git: Git, path: str, commit: str) -> bool:
    answer = await git.ask(path, "cat-file", "-e", f"{commit}^{{commit}}", codes=frozenset({0, 1, 128}))
    return answer.code == 0
