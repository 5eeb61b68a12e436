"""What `origin` has. It is asked: a remote-tracking ref tells only what the clone's refspec fetches, and a
clone of one branch, as every shallow one is, never learns of a branch that was pushed from it.
"""

from contextlib import suppress

from anyio import current_time, move_on_after

from headway_core.kernel.errors import Unavailable
from headway_local.git import Git, GitRefused
from headway_local.references import commits, local, on_origin

LIMIT_S = 60.0
LOOK_S = 10.0
"""For how long somebody waits to be told what `origin` has, when little depends on it."""
SILENCE_S = 60.0
"""For how long an `origin` that did not answer is not asked again about what was pushed."""


class Origin:
    """The remote `origin` of repositories; it remembers only which of them did not answer just now."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._silent_until: dict[str, float] = {}

    async def tips(self, cwd: str, *branches: str, limit_s: float = LIMIT_S) -> dict[str, str] | None:
        """The tips of those of the branches that it has; None when it can't be asked."""
        try:
            answer = await self._git.ask(
                cwd,
                *("ls-remote", "--quiet", "--", "origin", *(local(branch) for branch in branches)),
                limit_s=limit_s,
            )
        except Unavailable:
            return None
        tips = {name: tip for tip, _, name in (line.partition("\t") for line in answer.out.splitlines())}
        return {branch: tips[local(branch)] for branch in branches if local(branch) in tips}

    async def fetch(self, cwd: str, branch: str, tip: str) -> str | None:
        """Bring `origin/<branch>` up to date; its commit, or None when that failed.

        The clone's own refspec has no say: it could move branches that somebody works on.
        """
        if (await commits(self._git, cwd, on_origin(branch))).get(on_origin(branch)) == tip:
            return tip
        try:
            await self._git.change(
                cwd,
                *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
                *("--no-prune", "--refmap=", "--", "origin", f"+{local(branch)}:{on_origin(branch)}"),
            )
        except Unavailable:
            return None
        return (await commits(self._git, cwd, on_origin(branch))).get(on_origin(branch))

    async def unpushed(
        self, repo_path: str, path: str, head: str, branch: str | None, base_branch: str
    ) -> int:
        """How many commits of a worktree's head its branch on `origin` does not have; of one that is not
        there, or of a detached head: the base.

        `origin` is asked only when what is known here says that there are some; when it does not answer,
        what is known here stands.
        """
        refs = [on_origin(base_branch), local(base_branch)]
        if branch is not None:
            refs.insert(0, on_origin(branch))
        known = await commits(self._git, path, *refs)
        against = [f"^{known[ref]}" for ref in refs if ref in known][:1]
        count = int((await self._git.ask(path, "rev-list", "--count", head, *against)).line)
        if not count or current_time() < self._silent_until.get(repo_path, 0.0):
            return count
        names = [base_branch] if branch is None else [branch, base_branch]
        tips = await self.tips(path, *names, limit_s=LOOK_S)
        if tips is None:
            self._silent_until[repo_path] = current_time() + SILENCE_S
            return count
        if branch is not None and branch in tips:
            if known.get(on_origin(branch)) == tips[branch]:
                return count
            beyond = await self._beyond_branch(path, head, branch, tips[branch])
        else:
            # A base that went on elsewhere does not have this head, unless somebody brought it here.
            beyond = await self._beyond(path, head, tips.get(base_branch))
        return count if beyond is None else beyond

    async def _beyond_branch(self, path: str, head: str, branch: str, tip: str) -> int | None:
        """As `_beyond`, of the tip of a branch, which is kept as git keeps it after a push."""
        beyond = await self._beyond(path, head, tip)
        if beyond is not None:
            with suppress(GitRefused):
                await self._git.change(path, "update-ref", "-m", "headway: on origin", on_origin(branch), tip)
            return beyond
        with move_on_after(LIMIT_S):
            return await self._beyond(path, head, await self.fetch(path, branch, tip))
        return None

    async def _beyond(self, path: str, head: str, tip: str | None) -> int | None:
        """How many commits a head has beyond a tip; None when no tip is given, or it is not known here."""
        if tip is None:
            return None
        answer = await self._git.ask(path, "rev-list", "--count", head, f"^{tip}", codes=frozenset({0, 128}))
        return int(answer.line) if answer.code == 0 else None
