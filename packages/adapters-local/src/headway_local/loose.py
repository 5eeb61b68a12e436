"""What only a git folder of its own names: a worktree's, or a submodule's. Its logs, refs and states."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio.to_thread
import attrs

from headway_local.git import Git
from headway_local.inventory import FILE_LIMIT, read_regular

UNFINISHED = (
    *("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG"),
    *("sequencer", "SQUASH_MSG"),
)
"""Files and folders in a worktree's git folder: the person is in the middle of something."""
AT_ONCE = 200
"""Names and ids that one command is given."""
PARENTS_REDUCED = 50
"""Commits of which those are sought that the others do not reach; more are taken as they are."""
_ID = re.compile(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
_TO_DO = ("todo", "git-rebase-todo", "git-rebase-todo.backup", "done")
"""What is still to be picked, where git abbreviates ids."""
_ABBREVIATED = re.compile(rb"^[a-z]+ (?:-[cC] )?([0-9a-f]{4,64})\b", re.MULTILINE)
_NO_IDS = ("modules", "objects", "lfs")
_NO_TEXT = (*_NO_IDS, "index", "sharedindex.")


def chunks(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """The words in groups that a command line holds."""
    return (words[start : start + AT_ONCE] for start in range(0, len(words), AT_ONCE))


def unfinished(admin: Path) -> bool:
    """Whether a merge, a rebase or the like is under way."""
    return any(os.path.lexists(admin / name) for name in UNFINISHED)


def texts_in(admin: Path) -> list[str]:
    """The files of the git folder that git would read on with, but for locks and the index."""
    names = (str(path.relative_to(admin)) for path in _files_in(admin, _NO_TEXT))
    return sorted(name for name in names if not name.endswith(".lock"))


def ids_in(admin: Path) -> list[str]:
    """Every id in the text of the git folder, where logs, refs and states keep them."""
    found: dict[bytes, None] = {}
    for path in _files_in(admin, _NO_IDS):
        if path.name == "index":
            continue
        content = read_regular(path, FILE_LIMIT) or b""
        found |= dict.fromkeys(_ID.findall(content))
        if path.name in _TO_DO:
            found |= dict.fromkeys(_ABBREVIATED.findall(content))
    return [each.decode() for each in found if each.strip(b"0")]


def _files_in(admin: Path, left_out: tuple[str, ...]) -> Iterator[Path]:
    for parent, folders, names in os.walk(admin):
        if Path(parent) == admin:
            folders[:] = [name for name in folders if not name.startswith(left_out)]
            names[:] = [name for name in names if not name.startswith(left_out)]
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_LIMIT:
                yield path


@attrs.frozen(kw_only=True)
class Loose:
    """Objects that are named there and that no ref reaches."""

    commits: tuple[str, ...]
    """Without those that others of them reach."""
    others: tuple[str, ...]
    """Tags, trees and blobs."""

    def __bool__(self) -> bool:
        return bool(self.commits or self.others)


async def loose_in(git: Git, repo_path: str, admin: Path) -> Loose:
    """Objects that the git folder names and that no ref of the repository reaches."""
    found: dict[str, None] = {}
    for some in chunks(await anyio.to_thread.run_sync(ids_in, admin)):
        # `--objects`: a ref may be of a tag, a tree or a blob as well.
        answer = await git.ask(
            repo_path,
            *("--no-replace-objects", "rev-list", "--objects", "--no-object-names", "--ignore-missing"),
            *(*some, "--not", "--single-worktree", "--all"),
        )
        reached = set(answer.out.split())
        for each in some:
            full = each if each in reached else _completed(each, reached)
            if full is not None:
                found[full] = None
    commits, others = await _by_kind(git, repo_path, list(found))
    if 1 < len(commits) <= PARENTS_REDUCED:
        answer = await git.ask(repo_path, "--no-replace-objects", "merge-base", "--independent", *commits)
        commits = answer.out.split()
    return Loose(commits=tuple(commits), others=tuple(others))


def _completed(abbreviated: str, ids: set[str]) -> str | None:
    if len(abbreviated) in {40, 64}:
        return None
    return next((each for each in ids if each.startswith(abbreviated)), None)


async def _by_kind(git: Git, repo_path: str, ids: list[str]) -> tuple[list[str], list[str]]:
    commits: set[str] = set()
    for some in chunks(ids):
        plain = await git.ask(
            repo_path,
            *("--no-replace-objects", "rev-list", "--no-walk", "--ignore-missing", *some),
        )
        commits |= set(plain.out.split())
    return [each for each in ids if each in commits], [each for each in ids if each not in commits]
