"""`headway up` while its database is away: a line, and it goes on when the database is back."""

import signal
import subprocess
import threading
import time

from stage import Stage

from headway_testing.postgresql import LocalServer


def test_a_database_that_goes_away_and_comes_back(stage: Stage, own_postgresql: LocalServer) -> None:
    """No traceback, also not of the board; afterwards the runner provisions what was made meanwhile."""
    stage.environment["HEADWAY_DATABASE"] = own_postgresql.create_database("away")
    stage.here("init", "--github", "acme/greeter").expect()
    up = subprocess.Popen(
        stage.command("up"),
        cwd=stage.repository,
        env=stage.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    told: list[str] = []
    assert up.stderr is not None
    reader = threading.Thread(target=lambda: told.extend(up.stderr or ()))
    reader.start()
    try:
        _until(told, "running")
        own_postgresql.stop()
        try:
            _until(told, "failed; again")
            _until(told, "the board is looked at again")
        finally:
            own_postgresql.start()
        stage.here("workspace", "create", "--name", "x").expect()
        stage.until("NO_SESSION_STARTED", workspace="x")
        assert up.poll() is None
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0
    finally:
        up.kill()
        reader.join(30)
        up.stderr.close()
        own_postgresql.drop_database("away")
    errors = "".join(told)
    assert "Traceback" not in errors
    assert all("it goes on when that is back" in line for line in told if line.startswith("ERROR")), errors


def _until(told: list[str], words: str) -> None:
    deadline = time.monotonic() + 60
    while not any(words in line for line in told):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)  # noqa: TID251  another process works on the real clock
