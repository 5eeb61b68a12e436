"""What a repository says of itself, asked from any folder in it."""

import anyio

from headway_core.kernel.errors import InvalidInput
from headway_core.projects.ports import Repository
from headway_local.git import Git, presentable, without_credentials
from headway_local.references import Entry, local, on_origin, registered


async def repository(git: Git, path: str) -> Repository:
    """The repository that a folder is in. Raises `InvalidInput` when it is in none that can be used, or
    no default branch can be told.
    """
    main = await main_worktree(git, path)
    url = await git.ask(path, "config", "--get", "remote.origin.url", codes=frozenset({0, 1}))
    return Repository(
        path=main.path,
        default_branch=await _default_branch(git, main),
        origin_url=without_credentials(url.line) if url.line else None,
    )


async def main_worktree(git: Git, path: str) -> Entry:
    """The main worktree of the repository that a folder is in, or the bare repository itself.

    Raises `InvalidInput` when it is in none that can be used.
    """
    if "\0" in path or not await anyio.Path(path).is_dir():
        raise InvalidInput("path", f"{path!r} is no folder")
    inside = await git.ask(path, "rev-parse", "--git-dir", codes=frozenset({0, 128}))
    if inside.code != 0:
        said = presentable(inside.error).splitlines()[:1]
        raise InvalidInput("path", f"{path!r} is in no git repository that can be used ({' '.join(said)})")
    main, *_ = await registered(git, path)
    return main


async def _default_branch(git: Git, main: Entry) -> str:
    head = await git.ask(main.path, "symbolic-ref", "--quiet", on_origin("HEAD"), codes=frozenset({0, 1}))
    if head.code == 0:
        return head.line.removeprefix(on_origin(""))
    if main.branch is not None:
        return main.branch
    # A bare repository has no branch in the list of worktrees.
    head = await git.ask(main.path, "symbolic-ref", "--quiet", "HEAD", codes=frozenset({0, 1}))
    if head.code != 0:
        raise InvalidInput("path", "HEAD is detached and origin names no default branch")
    return head.line.removeprefix(local(""))
