"""What a repository's reflogs tell: who made a branch, and which commits were made in a worktree."""

import re

from headway_local.git import Git
from headway_local.references import local

MADE_AT_MOST = 50
"""Commits of a worktree that are told."""
_LOOKED_AT = 200
"""Entries of the reflog that are read."""
_MADE = re.compile(
    r"(?:commit(?: \([a-z-]+\))?"
    r"|cherry-pick|revert|am"
    r"|(?:rebase|pull)\b.* \((?:pick|reword|edit|squash|fixup|continue)\)): (?!fast-forward).*"
    r"|(?:merge|pull)\b.*: Merge made .*"
)
"""Entries that say that a commit was made; what was checked out, reset to or fast-forwarded to was there."""


async def made_in(git: Git, path: str) -> tuple[str, ...]:
    """The newest commits that were made in the worktree at `path`, newest first; HEAD has a commit."""
    log = await git.ask(
        path,
        *("log", "--walk-reflogs", f"--max-count={_LOOKED_AT}", "--no-show-signature"),
        *("--format=%H %gs", "HEAD", "--"),
    )
    entries = (line.partition(" ") for line in log.out.splitlines())
    made = dict.fromkeys(commit for commit, _, what in entries if _MADE.fullmatch(what))
    return tuple(made)[:MADE_AT_MOST]


async def first_entry(git: Git, repo_path: str, branch: str) -> str | None:
    """What the oldest entry of a branch's reflog says; None without one."""
    log = await git.ask(
        repo_path, "log", "--walk-reflogs", "--no-show-signature", "--format=%gs", local(branch), "--"
    )
    return next(reversed(log.out.splitlines()), None)
