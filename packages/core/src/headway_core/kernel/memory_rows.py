"""The rows of one table of the ledger in memory."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headway_core.kernel.errors import UniqueClash
from headway_core.kernel.tables import Index, TableSpec

Key = tuple[str | int, ...]


class MemoryRows:
    """The rows of one table and their indexes; every change appends its undoing to a journal."""

    def __init__(self, spec: TableSpec[Any], journal: list[Callable[[], None]]) -> None:
        self.spec = spec
        self.rows: dict[Key, Any] = {}
        self._journal = journal
        self._entries: dict[str, dict[tuple[object, ...], dict[Key, None]]] = {
            i.name: {} for i in spec.indexes
        }

    def set(self, key: Key, record: object) -> None:
        """Store, or remove with None; refuses what a unique index refuses."""
        before = self.rows.get(key)
        for index in self.spec.indexes:
            if index.unique and record is not None:
                value = _indexed(index, record)
                if value is not None and any(k != key for k in self._entries[index.name].get(value, ())):
                    raise UniqueClash(self.spec.name, index.name)
        self._apply(key, before, record)
        self._journal.append(lambda: self._apply(key, record, before))

    def _apply(self, key: Key, before: object, after: object) -> None:
        for index in self.spec.indexes:
            entries = self._entries[index.name]
            old = None if before is None else _indexed(index, before)
            new = None if after is None else _indexed(index, after)
            if old is not None:
                entries[old].pop(key)
                if not entries[old]:
                    del entries[old]
            if new is not None:
                entries.setdefault(new, {})[key] = None
        if after is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = after

    def candidates(self, equal: Mapping[str, object]) -> Iterable[Any]:
        """The rows that may match: those of the first full index whose columns the equalities cover."""
        for index in self.spec.indexes:
            if not index.only and equal.keys() >= set(index.columns):
                value = tuple(equal[column] for column in index.columns)
                return [self.rows[key] for key in self._entries[index.name].get(value, ())]
        return self.rows.values()


def _indexed(index: Index, record: object) -> tuple[object, ...] | None:
    if any(getattr(record, column) not in allowed for column, allowed in index.only.items()):
        return None
    value = tuple(getattr(record, column) for column in index.columns)
    return None if None in value else value
