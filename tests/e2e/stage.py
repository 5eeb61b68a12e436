"""The real `headway` in processes of its own: a real repository and database, nobody else's settings."""

import gc
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, closing, contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import attrs

from headway.cli import main

LIMIT_S = 100.0
_KEPT = ("PATH", "LANG", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


@attrs.frozen(kw_only=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)

    def expect(self, code: int = 0) -> "Said":
        """It ended with this code, and not by an accident."""
        assert "Traceback" not in self.err, self.err
        assert self.code == code, (self.code, self.out, self.err)
        return self


@attrs.define(kw_only=True)
class Stage:
    """A folder with a repository, its origin and the data directory of a Headway."""

    folder: Path
    environment: dict[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "HOME": str(self.folder / "home"),
            "HEADWAY_DATA": str(self.data),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **self.environment,
        }

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def repository(self) -> Path:
        return self.folder / "greeter"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def build(self) -> "Stage":
        """A repository with one commit on main, pushed."""
        self.folder.joinpath("home").mkdir()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.origin)], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.repository)], check=True)
        self.git("remote", "add", "origin", str(self.origin))
        self.commit({"greeting.txt": "Hello\n"}, "Greet")
        self.git("push", "-q", "origin", "main")
        return self

    def git(self, *arguments: str) -> str:
        """Run git in the repository, as its author; what it prints."""
        done = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@localhost", *arguments],
            cwd=self.repository,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self, files: dict[str, str], message: str) -> None:
        """Commit these files on the present branch."""
        for name, text in files.items():
            self.repository.joinpath(name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)

    def install(self, name: str, script: str) -> None:
        """A shell script that is found on the path, as an agent would be."""
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / name
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)
        if not self.environment["PATH"].startswith(f"{programs}:"):
            self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "headway", *arguments]

    def headway(self, *arguments: str, cwd: str | None = None, **environment: str) -> Said:
        """Run the command to its end."""
        return self._run(self.command(*arguments), cwd or str(self.repository), **environment)

    def program(self, path: Path, *arguments: str, cwd: Path | None = None) -> str:
        """Run a program in Python to its good end, by default beside the repository; what it prints."""
        command = [sys.executable, str(path), *arguments]
        return self._run(command, str(cwd or self.folder)).expect().out

    def _run(self, command: Sequence[str], cwd: str, **environment: str) -> Said:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def here(self, *arguments: str, cwd: str | None = None, **environment: str) -> Said:
        """The same within this process: what matters is what it says, and imports take most of its time."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            patch.dict(os.environ, {**self.environment, **environment}, clear=True),
            patch.object(sys, "argv", ["headway", *arguments]),
            chdir(cwd or self.repository),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
            finally:
                gc.unfreeze()  # the command freezes what is there, for a process that ends with it
        return Said(code=code, out=out.getvalue(), err=err.getvalue())

    def ask(self, *arguments: str) -> Any:
        """Run a command that succeeds; the document that it prints."""
        return self.here(*arguments, "--json").expect().document

    @contextmanager
    def running(self, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """`headway up` while the block lasts; it must end well when it is interrupted."""
        up = subprocess.Popen(
            self.command("up"),
            cwd=self.repository,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield up
            up.send_signal(signal.SIGINT)
            _, errors = up.communicate(timeout=LIMIT_S)
            assert up.returncode == 0, errors
            assert "Traceback" not in errors, errors
        finally:
            up.kill()
            up.communicate()

    def until(self, status_reason: str, *, workspace: str, sessions: Sequence[str] | None = None) -> Any:
        """Ask again and again until it stands there, its sessions too if they are given; its card."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            card = self.ask("workspace", "show", workspace)
            stand = [session["status"] for session in card["sessions"]]
            if card["status_reason"] == status_reason and (sessions is None or list(sessions) == stand):
                return card
            assert time.monotonic() < deadline, card
            time.sleep(0.2)  # noqa: TID251  another process works on the real clock

    def facts(self, *tables: str) -> dict[str, list[Any]]:
        """What is stored and what lies in the world: rows, worktrees, branches."""
        with closing(sqlite3.connect(self.data / "headway.db")) as connection:
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            names = tables or sorted(name for (name,) in listed)
            found = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}  # noqa: S608  names from the schema
        found["branches"] = self.git("branch", "--list", "--all").splitlines()
        found["worktrees"] = sorted(str(path) for path in self.data.glob("worktrees/*/*"))
        return found


@contextmanager
def canned(body: bytes, *, status: int = 200, kind: str = "application/json") -> Iterator[str]:
    """A server on loopback that answers everything alike; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
