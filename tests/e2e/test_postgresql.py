"""The command and the library on PostgreSQL: nothing is different but the URL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from processes import expect_no_process, kill, processes_of
from stage import Stage

import headway
from headway.config import Config
from headway_core.kernel.errors import InvalidInput
from headway_testing.postgresql import Server

LIMIT_S = 120


@pytest.fixture
def url(postgresql: Server, tmp_path: Path) -> Iterator[str]:
    name = f"command_{os.getpid()}"
    yield postgresql.create_database(name)
    for pid, _ in processes_of(tmp_path):
        kill(pid)
    postgresql.drop_database(name)


def demo(url: str, data: Path) -> dict[str, list[dict[str, object]]]:
    run = subprocess.run(
        [sys.executable, "-m", "headway", "demo", "--json", "--database", url],
        env={**os.environ, "HEADWAY_DATA": str(data)},
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, (run.stdout.decode(), run.stderr.decode()[-3000:])
    document: dict[str, list[dict[str, object]]] = json.loads(run.stdout)
    return document


def test_the_demo(url: str, tmp_path: Path) -> None:
    """The main job ends as on SQLite: a dispatch a cause, all ready; another run finds it so."""
    first = demo(url, tmp_path)
    assert {w["ratchet_state"] for w in first["workspaces"]} == {"READY"}
    assert [d["status"] for d in first["dispatches"]] == ["COMPLETED"] * 3
    assert demo(url, tmp_path)["dispatches"] == first["dispatches"]
    expect_no_process(tmp_path)


def test_two_machines(url: str, tmp_path: Path) -> None:
    """What is created on one machine is seen on another that has the same database."""
    stage = Stage(folder=tmp_path, environment={"HEADWAY_DATABASE": url}).build()
    stage.headway("init", "--github", "acme/greeter").expect()
    stage.headway("workspace", "create", "--name", "Known").expect()
    other = attrs.evolve(stage)
    other.environment["HEADWAY_DATA"] = str(tmp_path / "other")
    assert [card["name"] for card in other.ask("workspace", "list")] == ["Known"]
    assert not list(tmp_path.rglob("headway.db"))


@pytest.mark.anyio
async def test_embedded(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`headway.open` takes the URL; this host's things are in its data directory; no password is render."""
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path / "data"))
    async with headway.open(url) as hw:
        assert await hw.workspaces.list() == []
    assert (tmp_path / "data").is_dir()
    assert "hunter2" not in repr(Config.beside("postgresql://ann:hunter2@host/mine"))
    with pytest.raises(InvalidInput, match="neither sqlite"):
        async with headway.open("mysql://host/mine"):
            pytest.fail("opened")
