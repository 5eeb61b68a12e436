"""The server that tests and benchmarks start for themselves, and what is said where there is none."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from headway_testing import postgresql
from headway_testing.postgresql import LocalServer, NoServer, Server, find_binaries, running_server


def test_none_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server is installed that is said, with the variable that would name one."""
    monkeypatch.setattr(postgresql, "_DEBIAN", tmp_path)
    monkeypatch.setattr(postgresql, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoServer, match="HEADWAY_TEST_POSTGRES"):
        find_binaries()


def test_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several versions the newest is taken, by its number; without one, that on the path."""
    on_path = tmp_path / "bin"
    for folder in (tmp_path / "9.6" / "bin", tmp_path / "15" / "bin", tmp_path / "16" / "lib", on_path):
        folder.mkdir(parents=True)
        (folder / "initdb").touch(mode=0o755)
    monkeypatch.setattr(postgresql, "_DEBIAN", tmp_path)
    assert find_binaries() == tmp_path / "15" / "bin"
    monkeypatch.setattr(postgresql, "_DEBIAN", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(on_path))
    assert find_binaries() == on_path


def test_given(own_postgresql: LocalServer) -> None:
    """A server that the variable names is used as it is."""
    url = own_postgresql.url("postgres")
    with running_server({"HEADWAY_TEST_POSTGRES": url}) as server:
        assert server.url("postgres") == url
        assert server.execute("SELECT 1", database="postgres") == [(1,)]


@pytest.mark.parametrize(("mode", "said"), [(0o755, "no room"), (0o644, "Permission denied")])
def test_broken(monkeypatch: pytest.MonkeyPatch, mode: int, said: str) -> None:
    """A server that can't be made says why, in the words of `initdb` or of the system."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to nobody
        program = Path(folder, "15", "bin", "initdb")
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho 'no room' >&2\nexit 1\n")
        program.chmod(mode)
        Path(folder).chmod(0o755)
        monkeypatch.setattr(postgresql, "_DEBIAN", Path(folder))
        with pytest.raises(NoServer, match=said), postgresql.local_server():
            pytest.fail("started")


STARTS = """
import sys, time
from headway_testing.postgresql import local_server
with local_server() as server:
    print(server.url("x"), flush=True)
    time.sleep(600)
"""


def test_gone_with_who_started_it(own_postgresql: LocalServer) -> None:
    """A server ends when whoever started it is killed: no test run leaves one behind."""
    owner = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    folder = owner.stdout.readline().strip().rpartition("host=")[2]
    servers = [each for each in psutil.process_iter(["cmdline"]) if folder in str(each.info["cmdline"])]
    assert servers
    owner.kill()
    owner.communicate()
    _, alive = psutil.wait_procs(servers, timeout=30)
    assert alive == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_absence(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    ci: str,
    outcome: type[BaseException],
) -> None:
    """Without a server the tests fail where CI says that one must be there, and are left out elsewhere."""
    plugins: list[Any] = list(request.config.pluginmanager.get_plugins())
    [shared] = [plugin for plugin in plugins if hasattr(plugin, "server_or_reason")]

    @contextmanager
    def nothing() -> Iterator[Server]:
        raise NoServer("there is none")
        yield

    monkeypatch.setitem(os.environ, "CI", ci)
    with pytest.raises(outcome, match="there is none"), shared.server_or_reason(nothing()):
        pytest.fail("started")
