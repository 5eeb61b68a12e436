"""Plumbing on a bare repository: reads, real merges, commits without a working copy.

Every argument list is built here; names from outside go in as full refs, as object names or after
`--`. Hooks, prompts and the machine's configuration are off.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs

from headway_sandbox.errors import SandboxError, Unprocessable

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_OID = re.compile(r"[0-9a-f]{40,64}")
_CONFLICT = 1  # exit code of `git merge-tree` for a merge with conflicts


class GitFailed(SandboxError):
    """git ended with an error; the message holds what it said."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the scrubbed environment that git runs in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LANG": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file",
        **(extra or {}),
    }


@attrs.frozen
class Git:
    """A bare repository."""

    directory: Path

    def _run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (0,),
    ) -> tuple[int, str]:
        command = ["git", f"--git-dir={self.directory}", "-c", "core.hooksPath=/dev/null"]
        try:
            done = subprocess.run(  # noqa: S603 (argument list, names checked or fully qualified)
                [*command, *arguments],
                input=stdin,
                capture_output=True,
                env=environment(env),
                cwd=self.directory,
                check=False,
            )
        except OSError as error:
            raise GitFailed(f"git {arguments[0]} failed: {error}") from error
        if done.returncode not in accept:
            said = done.stderr.decode(errors="replace").strip()
            message = f"git {arguments[0]} failed: {said}"
            raise GitFailed(message)
        return done.returncode, done.stdout.decode(errors="surrogateescape")

    def check_repository(self) -> None:
        """Raise `Unprocessable` unless this is a bare repository that git can read."""
        try:
            _, answer = self._run("rev-parse", "--is-bare-repository")
        except GitFailed as error:
            message = f"origin: {self.directory} is no git repository"
            raise Unprocessable(message) from error
        if answer.strip() != "true":
            message = f"origin: {self.directory} is not bare"
            raise Unprocessable(message)

    def signature(self) -> object:
        """Return a value that differs whenever a branch moved; costs no process."""
        heads = self.directory / "refs" / "heads"
        loose = []
        for folder, _, names in os.walk(heads):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 (hot path)
                try:
                    with open(path, "rb") as file:  # noqa: PTH123 (hot path)
                        loose.append((path, file.read()))
                except FileNotFoundError:
                    continue
        try:
            packed = (self.directory / "packed-refs").stat()
        except FileNotFoundError:
            return sorted(loose), None
        return sorted(loose), (packed.st_mtime_ns, packed.st_ino, packed.st_size)

    def branches(self) -> dict[str, str]:
        """Return the tip of each branch."""
        _, text = self._run("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
        pairs = (line.split(" ", 1) for line in text.splitlines())
        return {ref.removeprefix("refs/heads/"): oid for oid, ref in pairs}

    def check_branch_name(self, name: str) -> None:
        """Raise `Unprocessable` unless git accepts the name for a branch."""
        code, _ = self._run("check-ref-format", f"refs/heads/{name}", accept=(0, 1))
        if code or name.startswith("-"):
            message = f"{name!r} is no name for a branch"
            raise Unprocessable(message)

    def commit_exists(self, oid: str) -> bool:
        """Say whether `oid` is a full object name of a commit that is here."""
        if not _OID.fullmatch(oid):
            return False
        code, _ = self._run("cat-file", "-e", f"{oid}^{{commit}}", accept=(0, 1, 128))
        return code == 0

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Say whether `newer` contains `older`."""
        code, _ = self._run("merge-base", "--is-ancestor", older, newer, accept=(0, 1))
        return code == 0

    def merge_tree(self, base: str, head: str) -> str | None:
        """Merge two commits; return the tree, or None when they conflict."""
        code, text = self._run(
            "merge-tree", "--write-tree", "--no-messages", base, head, accept=(0, _CONFLICT)
        )
        return None if code == _CONFLICT else text.split("\n", 1)[0]

    def line_after(self, path: str, line: int, *, old: str, new: str) -> int | None:
        """Follow a line of `path` from one commit to another; None when it was changed."""
        _, text = self._run(
            "diff", "--no-renames", "--no-ext-diff", "-U0", old, new, "--", f":(literal){path}"
        )
        moved = line
        for match in _HUNK.finditer(text):
            start, removed, added = (
                int(match[1]),
                int(match[2] or 1) if match[2] is not None else 1,
                int(match[4]) if match[4] is not None else 1,
            )
            if removed and start <= line < start + removed:
                return None
            if start < line:
                moved += added - removed
        return moved

    def commit_tree(self, tree: str, *, parents: tuple[str, ...], message: str, author: str) -> str:
        """Write a commit and return its name."""
        who = {"NAME": author, "EMAIL": f"{author}@users.noreply.localhost"}
        env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
        flags = [argument for parent in parents for argument in ("-p", parent)]
        _, oid = self._run("commit-tree", tree, *flags, stdin=message.encode(), env=env)
        return oid.strip()

    def tree_with(self, base: str, files: Mapping[str, str | None]) -> str:
        """Return the tree of commit `base` with files replaced (None: removed)."""
        entries = b""
        for path, content in files.items():
            if path.startswith("/") or {"..", ".", ".git", ""} & set(path.split("/")):
                message = f"{path!r} is no path in a repository"
                raise Unprocessable(message)
            name = path.encode(errors="surrogateescape")
            if content is None:
                entries += b"0 " + b"0" * len(base) + b"\t" + name + b"\0"
                continue
            _, blob = self._run("hash-object", "-w", "--stdin", stdin=content.encode())
            entries += b"100644 " + blob.strip().encode() + b"\t" + name + b"\0"
        with tempfile.TemporaryDirectory(prefix="headway-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self._run("read-tree", base, env=env)
            self._run("update-index", "-z", "--index-info", stdin=entries, env=env)
            return self._run("write-tree", env=env)[1].strip()

    def tree_of(self, commit: str) -> str:
        """Return the tree of a commit."""
        return self._run("rev-parse", "--verify", f"{commit}^{{tree}}")[1].strip()

    def move_branch(self, name: str, *, old: str | None, new: str) -> None:
        """Compare-and-swap a branch (old None: it must not exist)."""
        try:
            self._run("update-ref", f"refs/heads/{name}", new, old or "0" * len(new))
        except GitFailed as error:
            message = f"branch {name!r} moved meanwhile"
            raise Unprocessable(message) from error

    def delete_branch(self, name: str, *, old: str) -> None:
        """Delete a branch that still is at `old`."""
        self._run("update-ref", "-d", f"refs/heads/{name}", old)
