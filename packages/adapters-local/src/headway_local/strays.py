"""Worktrees in the folder of ours that no live workspace knows, and whether they hold work."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
from headway_core.workspaces.ports import StrayWorktree
from headway_local import inventory, kept
from headway_local.away import Away
from headway_local.folders import LEAVING_PREFIX, TRASH_PREFIX, empty_trash, marker_of, occupied
from headway_local.git import Git
from headway_local.paths import real_path
from headway_local.references import Entry, registered


class Strays:
    """Finds them. `unpushed` says how many commits of a worktree, by its path, nobody else has."""

    def __init__(self, git: Git, away: Away, unpushed: Callable[[str, str], Awaitable[int]]) -> None:
        self._git = git
        self._away = away
        self._unpushed = unpushed

    async def all(self, repo_path: str, base_path: str, known: frozenset[str]) -> tuple[StrayWorktree, ...]:
        """As `Worktrees.strays`."""
        base = await anyio.to_thread.run_sync(real_path, base_path)
        entries = {entry.path: entry for entry in await registered(self._git, repo_path)}
        main = next(iter(entries))
        folders = {path for path, entry in entries.items() if not entry.gone and base in Path(path).parents}
        if await anyio.Path(base).is_dir():
            await anyio.to_thread.run_sync(empty_trash, base)
            async for child in anyio.Path(base).iterdir():
                if await child.is_dir() and not await child.is_symlink():
                    folders.add(str(child))
        outside = {str(real_path(path)) for path in known} | {main}
        # A folder on the way to a known worktree is no stray.
        on_the_way = {str(parent) for path in folders | outside for parent in Path(path).parents}
        return tuple(
            [
                StrayWorktree(
                    path=path,
                    owner=inventory.owner_of(inventory.administration(repo_path, Path(path))),
                    holds_work=await self._holds_work(repo_path, path, entries.get(path)),
                )
                for path in sorted(folders - outside - on_the_way)
                if not Path(path).name.startswith((TRASH_PREFIX, LEAVING_PREFIX, kept.KEPT))
            ]
        )

    async def _holds_work(self, repo_path: str, path: str, entry: Entry | None) -> bool:
        try:
            admin = inventory.administration(repo_path, Path(path))
            unfinished = not inventory.is_finished(repo_path, Path(path))
            if unfinished and await anyio.Path(marker_of(Path(path))).exists():
                return False
            if entry is None:
                return await anyio.to_thread.run_sync(occupied, Path(path))
            if admin is None or not inventory.stands(Path(path), admin):
                return True
            await self._away.expect_nothing_to_lose(Path(path), admin, lose_ignored=False)
            return await self._unpushed(repo_path, path) > 0
        except (Unavailable, InvalidInput, Conflict, OSError):
            return True
