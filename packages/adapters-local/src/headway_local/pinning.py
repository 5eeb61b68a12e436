"""The refs of a workspace that keep what no branch has.

Each is under `refs/headway/preserved/<workspace id>/`: `work` (the files), `index` (what was staged), `raw`
(bytes that a checkout would not give back), `git` (what the worktree's own git folder alone held: its reflog,
its own refs, a rebase or merge under way), `object-…` (a tag, tree or blob that it alone named) and
`earlier-…` (what an earlier attempt had saved).
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from headway_local.git import Git, GitRefused
from headway_local.inventory import read_regular
from headway_local.loose import chunks, loose_in, texts_in, unfinished
from headway_local.references import commits, is_id, tree_of

PRESERVED = "refs/headway/preserved/"
IDENTITY = ("user.name", "user.email")
HEADWAY = {
    "GIT_AUTHOR_NAME": "Headway",
    "GIT_AUTHOR_EMAIL": "headway@localhost",
    "GIT_COMMITTER_NAME": "Headway",
    "GIT_COMMITTER_EMAIL": "headway@localhost",
}
TRAILER = "Headway-Workspace"


class Pins:
    """Writes and reads the refs of one workspace. Everything can be repeated."""

    def __init__(self, git: Git, repo_path: str, workspace_id: str) -> None:
        self._git = git
        self.repo = repo_path
        self.workspace_id = workspace_id
        self.prefix = f"{PRESERVED}{workspace_id}"

    async def refs(self) -> dict[str, str]:
        """Those that exist, with their commits; one of older versions has no name behind the id."""
        answer = await self._git.ask(
            self.repo, "for-each-ref", "--format=%(objectname) %(refname)", self.prefix
        )
        return {name: commit for commit, _, name in (line.partition(" ") for line in answer.out.splitlines())}

    async def make_room(self) -> None:
        """Give the one ref of an older version a name under the workspace's."""
        former = (await commits(self._git, self.repo, self.prefix)).get(self.prefix)
        if former is not None:
            aside = f"refs/headway/moving/{self.workspace_id}"
            await self._set(aside, former)
            await self._git.change(self.repo, "update-ref", "-d", self.prefix, former)
            await self._set(f"{self.prefix}/earlier-{former[:12]}", former)
            await self._git.change(self.repo, "update-ref", "-d", aside, former)

    async def keep(self, name: str, commit: str) -> None:
        """Let the ref be at this commit; what it was at stays reachable under another name."""
        ref = f"{self.prefix}/{name}"
        former = (await commits(self._git, self.repo, ref)).get(ref)
        if former == commit:
            return
        if former is not None:
            await self._set(f"{self.prefix}/earlier-{former[:12]}", former)
        await self._set(ref, commit)

    async def _set(self, ref: str, commit: str) -> None:
        await self._git.change(self.repo, "update-ref", "-m", "headway: preserve", ref, commit)

    async def forget(self, name: str, commit: str) -> None:
        """Remove a ref whose commit is on a branch by now."""
        await self._git.change(self.repo, "update-ref", "-d", f"{self.prefix}/{name}", commit)

    async def keep_tree(self, name: str, tree: str, parents: Sequence[str], *, on_any: bool = False) -> str:
        """Let the ref hold this tree, on these commits; its commit, the former one when it says the same.

        With `on_any` one on other commits says the same.
        """
        ref = f"{self.prefix}/{name}"
        former = (await commits(self._git, self.repo, ref)).get(ref)
        if former is not None:
            told = await self._git.ask(self.repo, "log", "-1", "--format=%T %P", former)
            said = told.line.split()
            if said == [tree, *parents] or (on_any and said[0] == tree):
                return former
        commit = await self._commit(tree, parents)
        await self.keep(name, commit)
        return commit

    async def _commit(self, tree: str, parents: Sequence[str]) -> str:
        """A commit object, by the repository's user; by Headway when the repository knows none."""
        known = [
            await self._git.ask(self.repo, "config", "--get", key, codes=frozenset({0, 1}))
            for key in IDENTITY
        ]
        identity = {} if all(answer.line for answer in known) else HEADWAY
        message = (
            "Save work in progress\n\n"
            "Headway saved what was uncommitted here before it removed the worktree.\n\n"
            f"{TRAILER}: {self.workspace_id}\n"
        )
        words = [word for parent in parents for word in ("-p", parent)]
        answer = await self._git.change(
            self.repo, "commit-tree", tree, *words, "-m", message, environment=identity
        )
        return answer.line

    # The worktree's own git folder

    async def keep_administration(self, admin: Path, head: str | None, work: str | None) -> None:
        """Keep what is in no file of the worktree and on no ref, before the folder goes.

        `work` is the tree of the worktree's files, if they are kept: what was staged is then kept when it is
        another one.
        """
        await self._keep_loose(admin)
        await self._keep_index(admin, head, work)  # last: an index that git can't read refuses

    async def _keep_loose(self, admin: Path) -> None:
        loose = await loose_in(self._git, self.repo, admin)
        for each in loose.others:
            await self._keep_object(each)
        busy = unfinished(admin)
        if not loose.commits and not busy:
            return
        ref = f"{self.prefix}/git"
        former = (await commits(self._git, self.repo, ref)).get(ref)
        if busy:
            tree = await self._tree_of_files(admin, await anyio.to_thread.run_sync(texts_in, admin))
        else:
            tree = await tree_of(self._git, self.repo, None)
        if former is not None and not loose.commits and tree == await tree_of(self._git, self.repo, former):
            return
        parents = [*loose.commits, *([former] if former else [])]
        await self.keep("git", await self._commit(tree, parents))

    async def _keep_object(self, each: str) -> None:
        """Let a ref hold a tag, or a commit that has the tree or the blob."""
        name = f"object-{each[:12]}"
        match (await self._git.ask(self.repo, "cat-file", "-t", each)).line:
            case "tree":
                await self.keep_tree(name, each, [])
            case "blob":
                await self.keep_tree(name, await self._tree_of([f"100644,{each},{name}"]), [])
            case _:
                await self.keep(name, each)

    async def _keep_index(self, admin: Path, head: str | None, work: str | None) -> None:
        if not await anyio.Path(admin, "index").is_file():
            return
        async with index_copy(admin) as index:
            tree = await self._staged_tree(admin, index)
        others = {*await self._trees_before(head), *([work] if work else [])}
        if tree in others:
            return
        elsewhere = set().union(*[await self._blobs_of(other) for other in others])
        if not await self._blobs_of(tree) <= elsewhere:
            await self.keep_tree("index", tree, [head] if head else [], on_any=True)

    async def _blobs_of(self, tree: str) -> set[str]:
        listed = await self._git.ask(self.repo, "ls-tree", "-r", "--object-only", "--full-tree", tree)
        return set(listed.out.split())

    async def _trees_before(self, head: str | None) -> set[str]:
        """What the index has when nothing is staged: the tree of HEAD, or what HEAD was before it took up the
        saved work, which is not in the index.
        """
        if head is None:
            return {await tree_of(self._git, self.repo, None)}
        form = f"--format=%T %(trailers:key={TRAILER},valueonly,separator=%x2C)"
        told = (await self._git.ask(self.repo, "log", "-1", form, head)).line
        tree, _, owner = told.partition(" ")
        if owner.strip() != self.workspace_id:
            return {tree}
        parents = (await self._git.ask(self.repo, "log", "-1", "--format=%P", head)).line.split()
        return {tree, *[await tree_of(self._git, self.repo, parent) for parent in parents or (None,)]}

    async def _staged_tree(self, admin: Path, index: Path) -> str:
        """A tree of everything that is staged; the sides of a conflict lie in folders of their own."""
        environment, its = {"GIT_INDEX_FILE": str(index)}, f"--git-dir={admin}"
        answer = await self._git.change(
            str(admin), its, "ls-files", "--unmerged", "-z", environment=environment
        )
        sides = [line.partition("\t")[::2] for line in answer.out.split("\0") if line]
        for some in chunks(sorted({name for _, name in sides})):
            await self._git.change(
                str(admin), its, "update-index", "--force-remove", "--", *some, environment=environment
            )
        entries = [(*facts.split(" "), name) for facts, name in sides]
        await self._add(
            [f"{mode},{blob},.headway-side-{side}/{name}" for mode, blob, side, name in entries],
            environment,
            its,
        )
        return (await self._git.change(str(admin), its, "write-tree", environment=environment)).line

    async def _add(self, entries: Sequence[str], environment: dict[str, str], *options: str) -> None:
        for some in chunks(entries):
            words = [word for entry in some for word in ("--cacheinfo", entry)]
            await self._git.change(
                self.repo, *options, "update-index", "--add", *words, environment=environment
            )

    async def _tree_of_files(self, folder: Path, files: Sequence[str]) -> str:
        """A tree of files as they are, byte by byte."""
        blobs: list[str] = []
        for some in chunks(files):
            written = await self._git.change(
                self.repo, "hash-object", "-w", "--no-filters", "--", *(str(folder / name) for name in some)
            )
            blobs += written.out.splitlines()
        return await self._tree_of([f"100644,{blob},{name}" for blob, name in zip(blobs, files, strict=True)])

    async def _tree_of(self, entries: Sequence[str]) -> str:
        """A tree of these entries: mode, id and name."""
        with tempfile.TemporaryDirectory(prefix="headway-") as place:
            environment = {"GIT_INDEX_FILE": str(Path(place, "index"))}
            await self._git.change(self.repo, "read-tree", "--empty", environment=environment)
            await self._add(entries, environment)
            return (await self._git.change(self.repo, "write-tree", environment=environment)).line

    async def keep_raw(self, folder: Path, files: Sequence[str], head: str | None) -> None:
        """Keep the very bytes of these files."""
        tree = await self._tree_of_files(folder, sorted(files))
        await self.keep_tree("raw", tree, [head] if head else [])


@asynccontextmanager
async def index_copy(admin: Path) -> AsyncIterator[Path]:
    """A copy of the index, so that git need not read what did not change, and the true one stays as it is."""
    place = Path(await anyio.to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="headway-")))
    try:
        if await anyio.Path(admin, "index").is_file():
            await anyio.to_thread.run_sync(shutil.copy2, admin / "index", place / "index")
        yield place / "index"
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(place, ignore_errors=True))


async def head_of(git: Git, repo_path: str, admin: Path) -> tuple[str | None, str | None]:
    """The branch and the commit of a worktree's HEAD, from its git folder: each None when there is none."""
    content = await anyio.to_thread.run_sync(read_regular, admin / "HEAD")
    said = os.fsdecode(content or b"").strip()
    if not said.startswith("ref: "):
        return None, said if is_id(said) else None
    ref = said.removeprefix("ref: ")
    if not ref.startswith("refs/"):
        return None, None
    try:
        tip = (await commits(git, repo_path, ref)).get(ref)
    except GitRefused:
        return None, None
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None, tip
