"""The work in a worktree: what git's status says of it, and how it is saved without touching it."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import attrs

from headway_core.kernel.errors import Conflict
from headway_local.git import Git, GitRefused
from headway_local.references import commits

PRESERVED = "refs/headway/preserved/"
IGNORED_LIMIT = 100
UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")
"""Files and folders in a worktree's git folder: the person is in the middle of something."""
IDENTITY = ("user.name", "user.email")
HEADWAY = {
    "GIT_AUTHOR_NAME": "Headway",
    "GIT_AUTHOR_EMAIL": "headway@localhost",
    "GIT_COMMITTER_NAME": "Headway",
    "GIT_COMMITTER_EMAIL": "headway@localhost",
}
_PATH_AFTER = {"1": 8, "2": 9, "u": 10}
"""How many words stand before the path in a line of `git status --porcelain=v2`."""


@attrs.frozen(kw_only=True)
class Status:
    """What `git status` says."""

    branch: str | None
    """None when HEAD is detached."""
    head: str | None
    """None before the first commit."""
    dirty: bool
    submodules: tuple[str, ...]
    """Submodules with commits or changes of their own, which no commit here would keep."""
    ignored: tuple[str, ...]


async def status(git: Git, path: str) -> Status:
    answer = await git.ask(
        path,
        *("status", "--porcelain=v2", "--branch", "-z"),
        *("--untracked-files=normal", "--ignored=traditional", "--ignore-submodules=none"),
    )
    head: str | None = None
    branch: str | None = None
    dirty = False
    submodules, ignored = [], []
    lines = iter(answer.out.split("\0"))
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            if name == "branch.oid":
                head = None if value == "(initial)" else value
            if name == "branch.head":
                branch = None if value == "(detached)" else value
        elif kind == "!":
            ignored.append(rest)
        elif kind:
            dirty = True
            if kind == "2":
                next(lines)  # the path that it was renamed from
            if kind in _PATH_AFTER and rest.split(" ")[1].startswith("S"):
                submodules.append(line.split(" ", _PATH_AFTER[kind])[-1])
    return Status(
        branch=branch,
        head=head,
        dirty=dirty,
        submodules=tuple(submodules),
        ignored=tuple(sorted(ignored)[:IGNORED_LIMIT]),
    )


async def on_no_ref(git: Git, path: str, seen: Status) -> bool:
    """Whether HEAD is detached, at commits that nothing else would keep."""
    if seen.branch is not None or seen.head is None:
        return False
    answer = await git.ask(
        path, "for-each-ref", "--count=1", f"--contains={seen.head}", "--format=%(refname)"
    )
    return not answer.out


async def git_folder(git: Git, path: str) -> Path:
    """The folder under `.git/worktrees` that belongs to a worktree."""
    return Path((await git.ask(path, "rev-parse", "--absolute-git-dir")).line)


async def snapshot(git: Git, path: str, seen: Status) -> str:
    """The id of a tree with everything in the worktree that is not ignored.

    The worktree and its index stay as they are. `Conflict` when it holds a repository of its own or a
    changed submodule: their content would not be in the tree.
    """
    if seen.submodules:
        raise Conflict("worktree", path, f"the submodule {seen.submodules[0]!r} holds work of its own")
    async with _index_of_its_own(await git_folder(git, path)) as index:
        environment = {"GIT_INDEX_FILE": str(index)}
        await git.change(
            path, "-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false", "add", "--all",
            environment=environment,
        )  # fmt: skip
        tree = (await git.change(path, "write-tree", environment=environment)).line
    before = seen.head or (await git.ask(path, "hash-object", "-t", "tree", "/dev/null")).line
    changes = await git.ask(path, "diff-tree", "-r", "-z", "--no-renames", before, tree)
    fields = changes.out.split("\0")
    for facts, name in zip(fields[::2], fields[1::2], strict=False):
        if facts.split(" ")[1] == "160000":
            raise Conflict("worktree", path, f"{name!r} is a git repository of its own")
    return tree


@asynccontextmanager
async def _index_of_its_own(folder: Path) -> AsyncIterator[Path]:
    """A copy of the index, so that git need not read what did not change."""
    scratch = Path(await anyio.to_thread.run_sync(lambda: tempfile.mkdtemp(dir=folder, prefix="headway-")))
    try:
        if await anyio.Path(folder, "index").exists():
            await anyio.to_thread.run_sync(shutil.copy2, folder / "index", scratch / "index")
        yield scratch / "index"
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(scratch, ignore_errors=True))


async def is_preserved(git: Git, path: str, tree: str) -> bool:
    answer = await git.ask(path, "for-each-ref", "--format=%(tree)", PRESERVED)
    return tree in answer.out.splitlines()


async def preserve(git: Git, path: str, workspace_id: str) -> str | None:
    """As `Worktrees.preserve`, for a registered worktree."""
    seen = await status(git, path)
    if not seen.dirty:
        if not await on_no_ref(git, path, seen):
            return None
        assert seen.head is not None, "commits on no ref are commits"
        return await _keep(git, path, workspace_id, seen.head)
    tree = await snapshot(git, path, seen)
    if seen.head is not None and tree == await _tree_of(git, path, seen.head):
        # Nothing but the index differs: an earlier attempt ended between the commit and the index.
        await git.change(path, "reset", "--quiet", "--mixed")
        return None
    if seen.branch is not None and not await _unfinished(git, path):
        commit = await _commit(git, path, tree, [seen.head] if seen.head else [], workspace_id)
        try:
            await git.change(path, "update-ref", "-m", "headway: save work", "HEAD", commit, seen.head or "")
        except GitRefused:
            pass
        else:
            await git.change(path, "reset", "--quiet", "--mixed")
            return f"refs/heads/{seen.branch}"
    return await _keep_tree(git, path, workspace_id, tree, seen.head)


async def _keep_tree(git: Git, path: str, workspace_id: str, tree: str, head: str | None) -> str:
    ref = PRESERVED + workspace_id
    former = (await commits(git, path, ref)).get(ref)
    parents = [head] if head else []
    if former is not None:
        if tree == await _tree_of(git, path, former):
            return ref
        parents.append(former)  # what an earlier attempt saved stays reachable
    return await _keep(git, path, workspace_id, await _commit(git, path, tree, parents, workspace_id))


async def _keep(git: Git, path: str, workspace_id: str, commit: str) -> str:
    ref = PRESERVED + workspace_id
    await git.change(path, "update-ref", "-m", "headway: preserve", ref, commit)
    return ref


async def _tree_of(git: Git, path: str, commit: str) -> str:
    return (await git.ask(path, "rev-parse", "--verify", f"{commit}^{{tree}}")).line


async def _unfinished(git: Git, path: str) -> bool:
    folder = await git_folder(git, path)
    for name in UNFINISHED:
        if await anyio.Path(folder, name).exists():
            return True
    return False


async def _commit(git: Git, path: str, tree: str, parents: list[str], workspace_id: str) -> str:
    """A commit object, by the repository's user; by Headway when the repository knows none."""
    known = [await git.ask(path, "config", "--get", key, codes=frozenset({0, 1})) for key in IDENTITY]
    identity = {} if all(answer.line for answer in known) else HEADWAY
    message = (
        "Save work in progress\n\n"
        "Headway saved what was uncommitted here before it removed the worktree.\n\n"
        f"Headway-Workspace: {workspace_id}\n"
    )
    words = [word for parent in parents for word in ("-p", parent)]
    answer = await git.change(path, "commit-tree", tree, *words, "-m", message, environment=identity)
    return answer.line
