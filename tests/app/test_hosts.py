"""`headway host` and `headway workspace move`: two data directories on one database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from stage import Stage


def database_of(stage: Stage) -> str:
    return f"sqlite:///{stage.data / 'headway.db'}"


def another_machine(stage: Stage) -> Stage:
    """The same database and repository, a data directory of its own."""
    other = attrs.evolve(stage, environment={"HEADWAY_DATABASE": database_of(stage)})
    other.environment["HEADWAY_DATA"] = str(stage.folder / "other")
    return other


def long_ago(stage: Stage) -> None:
    """Nobody was seen for days: what a test can't wait for."""
    with closing(sqlite3.connect(stage.data / "headway.db")) as connection:
        connection.execute("UPDATE hosts_seen SET at = '2020-01-01T00:00:00.000000+00:00'")
        connection.commit()


def hosts(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.ask("host", "list")
    return found


def test_no_host_yet(registered: Stage) -> None:
    """A command is no runner: without one there is no host."""
    assert hosts(registered) == []
    assert "headway up" in registered.here("host", "list").expect().out


def test_who_is_not_there_is_not_retired(registered: Stage) -> None:
    """An unknown host, and one whose runner was seen just now, are refused; nothing is changed."""
    with registered.running():
        registered.here("workspace", "create", "--name", "Known").expect()
        registered.until("NO_SESSION_STARTED", workspace="Known")
    [host] = hosts(registered)
    assert (host["lost_at"], host["retired_at"]) == (None, None)
    refused = registered.here("host", "retire", host["id"], "--json").expect(1)
    assert refused.document["error"] == "Conflict"
    assert "stop it first" in refused.document["message"]
    unknown = registered.here("host", "retire", "nobody", "--json").expect(1)
    assert unknown.document["error"] == "NotFound"
    assert hosts(registered) == [host]


def test_a_retired_hosts_workspace_is_taken_over(registered: Stage) -> None:
    """Another machine's runner finds it lost, a person retires it and moves what it had pushed."""
    other = another_machine(registered)
    with registered.running():
        registered.here("workspace", "create", "--name", "Known").expect()
        before = registered.until("NO_SESSION_STARTED", workspace="Known")
    worktree = Path(before["worktree_path"])
    registered.git("-C", str(worktree), "push", "-q", "origin", before["branch"])
    [gone] = hosts(registered)
    long_ago(registered)
    with other.running():
        other.until("HOST_LOST", workspace="Known")
        early = other.here("workspace", "move", "Known", "--json").expect(1)
        assert "not retired" in early.document["message"]
        retired = other.ask("host", "retire", gone["id"])
        assert retired["retired_at"] is not None
        assert {host["id"]: host["retired_at"] is None for host in hosts(other)}[gone["id"]] is False
        # The machine is gone with its worktree; here both share one repository.
        registered.git("worktree", "remove", "--force", str(worktree))
        other.here("workspace", "move", "Known").expect()
        after = other.until("NO_SESSION_STARTED", workspace="Known")
    assert after["branch"] == before["branch"]
    assert Path(after["worktree_path"]).is_relative_to(registered.folder / "other" / "worktrees")
    assert "retired" in other.here("host", "list").expect().out


def test_a_retired_host_does_not_run(registered: Stage) -> None:
    """Its runner is refused with the reason, and nothing is provisioned."""
    with registered.running():
        registered.here("workspace", "create", "--name", "Known").expect()
        registered.until("NO_SESSION_STARTED", workspace="Known")
    long_ago(registered)
    [host] = hosts(registered)
    another_machine(registered).here("host", "retire", host["id"]).expect()
    refused = registered.here("up", "--json").expect(1)
    assert refused.document["error"] == "Retired"
    assert "retired" in refused.document["message"]
