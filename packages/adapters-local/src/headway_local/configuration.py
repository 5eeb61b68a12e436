"""What a repository's configuration says, read when it changed: by git itself, and nothing in it is obeyed.

The reading is one `git config --list`, which starts no program. Between it and the command that it is for an
agent may write again: one user id is no wall.
"""

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
import attrs

from headway_local.discovery import (
    Located,
    Stamp,
    Unclear,
    find,
    find_at,
    may_hold_repositories,
    stamp,
)
from headway_local.overrides import LFS, NOTHING, OF_REPOSITORY, Overrides, Setting, overrides
from headway_local.paths import real_path

LIST = ("config", "--list", "--includes", "--show-scope", "--show-origin", "-z")
LIST_FILE = ("config", "--list", "--no-includes", "--show-scope", "--show-origin", "-z", "--file")
LIST_ENTRIES = ("ls-files", "--stage", "-z")
NESTING_LIMIT = 8
INCLUDE_LIMIT = 20
"""How many files the conditional includes of a repository may name."""
KNOWN_LIMIT = 1_000
"""Repositories and worktrees that are remembered."""
SETTLING_NS = 100_000_000
COARSE_SETTLING_NS = 2_000_000_000
"""A file that was written so short a time ago may change once more without looking changed; the second where
the file system tells whole seconds alone.
"""

T = TypeVar("T")
Ask = Callable[[str, tuple[str, ...]], Awaitable[str]]
"""What git prints in a folder; raises when it refuses."""


@attrs.frozen
class Steering:
    """How a command of ours is run in a folder, so that the repository does not steer it."""

    top: Path | None
    """The top folder of the worktree; None where there is none."""
    overrides: Overrides

    @property
    def environment(self) -> dict[str, str]:
        """A repository may say that its worktree is elsewhere; ours is around its `.git`."""
        return {**self.overrides.environment, **({"GIT_WORK_TREE": str(self.top)} if self.top else {})}


@attrs.frozen
class _Read:
    """What was read, and what must be as it was for it to hold."""

    watched: tuple[Path, ...]
    stamp: Stamp
    settings: tuple[Setting, ...]


class Configuration:
    """The configuration of repositories; it remembers what it read."""

    def __init__(self, ask: Ask, lfs_repositories: Iterable[str] = ()) -> None:
        self._ask = ask
        self._with_lfs = frozenset(map(real_path, lfs_repositories))
        self._read: dict[Path, _Read] = {}
        self._within: dict[Path, tuple[Stamp, tuple[Path, ...]]] = {}

    async def steering(self, cwd: str, environment: Mapping[str, str]) -> Steering:
        """Whatever `ask` raises, and `OSError`, when it can't be read."""
        found = find(cwd)
        if found is None:
            return Steering(None, NOTHING)
        settings = await self._settings(cwd, found, _personal(environment), NESTING_LIMIT)
        if isinstance(found, Unclear):
            return Steering(None, overrides(settings, environment))
        if not self._with_lfs.isdisjoint((found.common_dir, found.common_dir.parent)):
            settings += LFS
        return Steering(found.top, overrides(settings, environment))

    async def _settings(
        self, cwd: str, found: Located | Unclear, personal: tuple[Path, ...], depth: int
    ) -> tuple[Setting, ...]:
        """What holds in a repository, and what those within it say, into which some commands look."""
        if isinstance(found, Unclear):
            return _parsed(await self._ask(cwd, LIST), Path(cwd))
        settings = await self._of_one(cwd, found, personal)
        for folder in await self._repositories_within(found) if depth else ():
            inner = find_at(folder)
            if inner is not None:  # what has none is not looked into
                theirs = await self._settings(str(folder), inner, personal, depth - 1)
                settings += tuple(setting for setting in theirs if _counts_around(setting))
        return settings

    async def _of_one(self, cwd: str, found: Located, personal: tuple[Path, ...]) -> tuple[Setting, ...]:
        name = found.git_dir if found.has_own_settings else found.common_dir
        for key in (name, found.git_dir):
            known = self._read.get(key)
            if known is not None and known.stamp == stamp(*known.watched):
                return known.settings
        files = (found.shared_settings, found.own_settings, *personal)
        before = stamp(*files)
        settings = _parsed(await self._ask(cwd, LIST), found.top or Path(cwd))
        if any(setting.scope in OF_REPOSITORY and _includes(setting) for setting in settings):
            return settings + await self._included(cwd, settings)  # more files than can be watched
        others = {setting.file for setting in settings if setting.scope not in OF_REPOSITORY} - {None}
        if any(_includes(setting) for setting in settings):
            name = found.git_dir
            others.add(found.git_dir / "HEAD")
        watched = files + tuple(file for file in others if file is not None and file not in files)
        read = _Read(watched, before + stamp(*watched[len(files) :]), settings)
        if _settled(read.stamp):
            _remember(self._read, name, read)
        return settings

    async def _included(self, cwd: str, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
        """What the files say that the repository includes by condition, whether it holds now or not: a
        command may make another worktree.
        """
        found: tuple[Setting, ...] = ()
        waiting = _targets(
            setting
            for setting in settings
            if setting.scope in OF_REPOSITORY and setting.key.startswith("includeif.")
        )
        done: set[Path] = set()
        while waiting:
            file = waiting.pop()
            if file in done:
                continue
            done.add(file)
            if len(done) > INCLUDE_LIMIT:
                raise OSError(0, "the repository's configuration includes too many files", str(file))
            listed = _parsed(await self._ask(cwd, (*LIST_FILE, str(file))), Path(cwd))
            waiting += _targets(listed)
            found += tuple(attrs.evolve(setting, scope="local") for setting in listed)
        return found

    async def _repositories_within(self, found: Located) -> tuple[Path, ...]:
        """The folders of the worktree that the index has as repositories of their own."""
        if found.top is None:
            return ()
        seen = stamp(found.git_dir / "index")
        known, folders = self._within.get(found.git_dir, (None, ()))
        if known == seen:
            return folders
        folders = ()
        if await anyio.to_thread.run_sync(may_hold_repositories, found):
            listed = await self._ask(str(found.top), LIST_ENTRIES)
            entries = (entry.partition("\t") for entry in listed.split("\0"))
            folders = tuple(found.top / name for facts, _, name in entries if facts.startswith("160000 "))
        if _settled(seen):
            _remember(self._within, found.git_dir, (seen, folders))
        return folders


def _remember(known: dict[Path, T], key: Path, value: T) -> None:
    if len(known) >= KNOWN_LIMIT:
        known.clear()
    known[key] = value


def _settled(seen: Stamp) -> bool:
    now = time.time_ns()
    ages = ((now - file[-1], file[-1] % 1_000_000_000 == 0) for file in seen if file)
    return all(abs(age) > (COARSE_SETTLING_NS if coarse else SETTLING_NS) for age, coarse in ages)


def _personal(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where git looks for the person's configuration, and for the system's on most systems."""
    home = Path(environment.get("HOME", "/"))
    folder = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return (Path("/etc/gitconfig"), home / ".gitconfig", folder / "git/config")


def _parsed(text: str, base: Path) -> tuple[Setting, ...]:
    """What `LIST` prints: the scope, the origin, and the key with its value on a line of its own."""
    fields = text.split("\0")
    settings = []
    for scope, origin, item in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        kind, _, file = origin.partition(":")
        key, has_value, value = item.partition("\n")
        settings.append(
            Setting(
                scope,
                base / file if kind == "file" else None,
                key,
                value if has_value else None,
            )
        )
    return tuple(settings)


def _counts_around(setting: Setting) -> bool:
    """Whether a setting of a repository within another counts for that; git itself writes `core.worktree`."""
    return setting.scope in OF_REPOSITORY and setting.key != "core.worktree"


def _includes(setting: Setting) -> bool:
    return setting.key.startswith(("include.", "includeif."))


def _targets(settings: Iterable[Setting]) -> list[Path]:
    """The files that settings include, by git's rule; those that are not there count for nothing."""
    named = ((setting.file, setting.value) for setting in settings if _includes(setting) and setting.value)
    files = [Path(file or "/").parent / os.path.expanduser(value) for file, value in named]  # noqa: PTH111 - works without a home
    return [file for file in files if file.is_file()]
