"""The state file: SQLite, one table a record class, every request one transaction."""

import contextlib
import functools
import json
import os
import secrets
import sqlite3
import time
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

import attrs

from headway_sandbox import records, serialize
from headway_sandbox.errors import NotFound, Unprocessable

FORMAT = 2
RECORDS: tuple[type, ...] = (
    records.User,
    records.Repository,
    records.FormerName,
    records.Hook,
    records.Delivery,
    records.Membership,
    records.Branch,
    records.Push,
    records.Issue,
    records.PullRequest,
    records.Review,
    records.ReviewRequest,
    records.Thread,
    records.Comment,
    records.QueueExit,
    records.CheckSuite,
    records.CheckRun,
    records.CommitStatus,
    records.Fault,
    records.LackingField,
    records.Answer,
    records.MergeTrial,
    records.RateWindow,
)


class Record(Protocol):
    """Any class of `records`."""

    __attrs_attrs__: ClassVar[Any]

    @property
    def id(self) -> int:
        """Key, unique over all kinds."""


R = TypeVar("R", bound=Record)


def stamp(seconds: float) -> str:
    """Write seconds since the epoch as GitHub writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Transaction:
    """Read and write access for the length of one request; ids and the time come from here."""

    def __init__(self, connection: sqlite3.Connection, *, now: float) -> None:
        """Wrap an open transaction that began at `now` (seconds since the epoch)."""
        self._connection = connection
        # An answer reads the same few records hundreds of times.
        self._read: defaultdict[type, dict[tuple[object, ...], list[Any]]] = defaultdict(dict)
        self.changes: list[tuple[Record | None, Record]] = []
        """What was written, with what it was before, oldest first."""
        self.now = now
        self.stamp = stamp(now)

    def next_id(self) -> int:
        """Draw an id that no record has or had."""
        row = self._connection.execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'next_id' RETURNING value"
        ).fetchone()
        return int(row[0])

    def set_clock(self, at: float | None) -> None:
        """Let the time of later transactions stand at `at`; None: it goes on by itself."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (at,))

    def get(self, kind: type[R], record_id: int) -> R:
        """Return the record; raises `NotFound`."""
        found = self.first(kind, id=record_id)
        if found is None:
            message = f"no {kind.__name__} with id {record_id}"
            raise NotFound(message)
        return found

    def first(self, kind: type[R], **where: object) -> R | None:
        """Return the oldest record whose fields equal `where`, or None."""
        return next(iter(self.find(kind, **where)), None)

    def find(self, kind: type[R], **where: object) -> list[R]:
        """Return the records whose fields equal `where`, oldest first."""
        condition = " AND ".join(f'"{name}" IS ?' for name in where) or "1"
        return self._select(kind, f"{condition} ORDER BY id", tuple(where.values()))

    def after(self, kind: type[R], record_id: int, *, limit: int) -> list[R]:
        """Return at most `limit` records with a greater id, oldest first."""
        return self._select(kind, "id > ? ORDER BY id LIMIT ?", (record_id, limit))

    def _select(self, kind: type[R], clause: str, values: tuple[object, ...]) -> list[R]:
        read = self._read[kind]
        if (clause, *values) not in read:
            read[clause, *values] = self._fetch(kind, clause, values)
        return list(read[clause, *values])

    def _fetch(self, kind: type[R], clause: str, values: tuple[object, ...]) -> list[R]:
        rows = self._connection.execute(
            f'SELECT * FROM "{_table(kind)}" WHERE {clause}',  # noqa: S608 (ours: names are field names)
            values,
        )
        loaders = _loaders(kind)
        return [
            kind(**{name: load(value) for (name, load), value in zip(loaders, row, strict=True)})
            for row in rows
        ]

    def add(self, record: R) -> R:
        """Store a new record."""
        self.changes.append((None, record))
        return self._write("INSERT", record)

    def replace(self, record: R, **changes: object) -> R:
        """Store `record` with `changes` in place of the one with its id, and return it."""
        changed: R = attrs.evolve(cast("Any", record), **changes)
        before = self.first(type(changed), id=changed.id)
        self.changes.append((cast("Record | None", before), changed))
        return self._write("REPLACE", changed)

    def remove(self, record: Record) -> None:
        """Delete the record."""
        self._read.pop(type(record), None)
        self._connection.execute(
            f'DELETE FROM "{_table(type(record))}" WHERE id = ?',  # noqa: S608 (class name)
            (record.id,),
        )

    def _write(self, verb: str, record: R) -> R:
        self._read.pop(type(record), None)
        names = [name for name, _ in _loaders(type(record))]
        marks = ", ".join("?" * len(names))
        self._connection.execute(
            f'{verb} INTO "{_table(type(record))}" VALUES ({marks})',
            tuple(_dump(getattr(record, name)) for name in names),
        )
        return record


def _table(kind: type) -> str:
    return kind.__name__


def _dump(value: object) -> object:
    if isinstance(value, tuple | Mapping):
        return json.dumps(serialize.encode(value))
    return str(value) if isinstance(value, str) else value


@functools.cache
def _loaders(kind: type) -> tuple[tuple[str, Callable[[object], object]], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, _loader(hints[field.name])) for field in attrs.fields(kind))


def _loader(hint: object) -> Callable[[object], object]:
    if typing.get_origin(hint) in {tuple, Mapping}:
        return lambda value: serialize.decode(cast("type", hint), json.loads(cast("str", value)))
    if hint is bool:
        return bool
    if hint in {int, str, float, int | None, str | None}:
        return lambda value: value
    return lambda value: serialize.decode(cast("type", hint), value)


class Store:
    """An open state file. Not thread-safe: callers see to it that one thread uses it at a time."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or create the file (mode 0600); raises `Unprocessable` for another format."""
        self.path = path
        self.before_commit: Callable[[Transaction], None] = lambda _: None
        """Called as the last thing of every transaction."""
        self._clock = clock
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives the death of the process, which is what is promised; not of the machine.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value)")
        with self.transaction() as _:
            self._prepare()

    def _prepare(self) -> None:
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version == FORMAT:
            return
        if version:
            message = f"{self.path} has format {version}, this sandbox reads {FORMAT}"
            raise Unprocessable(message)
        self._connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [
                ("next_id", 1000),
                ("control_token", f"sbx_{secrets.token_hex(20)}"),
                ("instance", secrets.token_hex(8)),
                ("port", None),
            ],
        )
        for kind in RECORDS:
            columns = ", ".join(
                f'"{name}"' + (" INTEGER PRIMARY KEY" if name == "id" else "") for name, _ in _loaders(kind)
            )
            self._connection.execute(f'CREATE TABLE "{_table(kind)}" ({columns})')
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run the block as one unit: committed when it ends, undone when it raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            tx = Transaction(self._connection, now=self.now())
            yield tx
            self.before_commit(tx)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def now(self) -> float:
        """The world's time: that of the clock, unless it was stopped."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()
        return self._clock() if row is None or row[0] is None else float(row[0])

    @property
    def control_token(self) -> str:
        """The bearer token of the control API."""
        return str(self._meta("control_token"))

    @property
    def instance(self) -> str:
        """A name for this world, the same over restarts."""
        return str(self._meta("instance"))

    @property
    def port(self) -> int | None:
        """The port of this world, or None before it was chosen."""
        value = self._meta("port")
        return None if value is None else int(cast("int", value))

    @port.setter
    def port(self, port: int) -> None:
        self._connection.execute("UPDATE meta SET value = ? WHERE key = 'port'", (port,))

    def _meta(self, key: str) -> object:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0]
