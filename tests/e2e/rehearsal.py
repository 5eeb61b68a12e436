"""Runs of the real `headway demo` in processes of their own, and what they leave behind."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import attrs
from processes import expect_no_process, kill, processes_of

RUN_LIMIT_S = 90.0


@attrs.define(kw_only=True)
class Rehearsal:
    """A chain of runs on one database."""

    folder: Path
    runs: int = 0

    @property
    def database(self) -> Path:
        return self.folder / "demo.db"

    def start(self) -> subprocess.Popen[bytes]:
        """One more run, on the same database."""
        self.runs += 1
        with self.folder.joinpath("err.txt").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "headway", "demo", "--json", "--database", str(self.database)],
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def killed_after(self, seconds: float, *, headway: bool, sandbox: bool) -> bool:
        """Run, and SIGKILL after so long. False: the run had ended before."""
        run = self.start()
        try:
            run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        if sandbox:
            for pid in self.sandboxes():
                kill(pid)
        if headway:
            run.kill()
        if not headway:  # it starts the sandbox again and goes on
            run.wait(RUN_LIMIT_S)
        run.communicate()
        return True

    def to_the_end(self) -> dict[str, object]:
        """Run without a kill; the document that it prints. It must exit with 0."""
        run = self.start()
        out, _ = run.communicate(timeout=RUN_LIMIT_S)
        assert run.returncode == 0, (out.decode(), self.folder.joinpath("err.txt").read_text()[-3000:])
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    def sandboxes(self) -> list[int]:
        """Living server processes of this folder."""
        return [pid for pid, words in self.processes() if "headway_sandbox" in words]

    def processes(self) -> list[tuple[int, str]]:
        """Living processes that have anything to do with this folder."""
        return processes_of(self.folder)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the database holds."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def worktrees(self) -> list[str]:
        """What git knows beside the main worktree."""
        listed = subprocess.run(
            ["git", "worktree", "list", "--porcelain"],
            cwd=self.folder / "demo.db.d" / "world" / "greeter",
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        paths = [line.partition(" ")[2] for line in listed.splitlines() if line.startswith("worktree ")]
        return sorted(path for path in paths if not path.endswith("/greeter"))


def expect_the_end(rehearsal: Rehearsal, document: dict[str, object]) -> None:
    """Three causes, three dispatches, everything ready; nothing lost, nothing orphaned."""
    workspaces, causes, dispatches = (document[name] for name in ("workspaces", "causes", "dispatches"))
    assert isinstance(workspaces, list)
    assert isinstance(causes, list)
    assert isinstance(dispatches, list)
    assert {w["source"] for w in workspaces} == {"MANUAL", "GITHUB_ISSUE", "RESUME_BRANCH"}
    assert {(w["ratchet_state"], w["status_reason"]) for w in workspaces} == {("READY", "READY_TO_MERGE")}
    assert sorted(c["id"].partition(":")[0] for c in causes) == ["CI", "CONFLICT", "FEEDBACK"]
    assert len({c["workspace"] for c in causes}) == len(causes)
    assert sorted(tuple(d["causes"]) for d in dispatches) == sorted((c["id"],) for c in causes)
    assert {d["status"] for d in dispatches} == {"COMPLETED"}
    # one pull request a workspace, and every prompt handed over once
    assert len({w["pull_request"] for w in workspaces}) == len(workspaces)
    prompts = rehearsal.rows("SELECT status, count(*) FROM prompts GROUP BY status")
    assert prompts == [("DELIVERED", 5)], prompts
    # a worktree for each workspace, and none besides
    known = sorted(str(path) for (path,) in rehearsal.rows("SELECT worktree_path FROM workspaces"))
    assert rehearsal.worktrees() == known
    assert sorted(str(p) for p in rehearsal.folder.glob("demo.db.d/worktrees/*/*")) == known
    expect_no_process(rehearsal.folder)
