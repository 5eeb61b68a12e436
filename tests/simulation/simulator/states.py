"""States of a world, so that a crash in a state that was crashed in before need not be tried again.

A crash leaves what is stored, the disks and processes of the machines, and the forge: that is the state. Two
states that differ in nothing but their times, and in numbers that only count, are the same state.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from simulator.invariants import Invariants
from simulator.world import World

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation
    from simulator.machine import Machine

COUNTERS = frozenset({"version", "token", "observation", "position"})
"""Fields that count how often something was done."""


class States:
    """Tells the states of one world apart, and remembers the faces of records, which never change."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faces: dict[int, tuple[Any, int]] = {}

    def now(self) -> int:
        """The present state; equal for equal ones, within this process."""
        world, github = self._world, self._world.github
        return hash(
            (
                *((table, *self._rows(table)) for table in sorted(world.store.stored)),
                *(self._machine(machine) for machine in world.machines),
                *sorted(github.branches.items()),
                *((pull.node_id, self._face(pull.now)) for pull in github.pulls.values()),
                *github.marks,
            )
        )

    def _rows(self, table: str) -> list[Any]:
        rows, store = self._world.store.rows(table), self._world.store
        if table == "claims":
            now = self._world.at()
            return sorted(key for key, claim in rows.items() if claim.expires_at > now)
        if table == "consumer_positions":
            last = store.log[-1].position if store.log else 0
            return sorted((key, last - row.position) for key, row in rows.items())
        return sorted((key, self._face(row)) for key, row in rows.items())

    def _machine(self, machine: "Machine") -> tuple[Any, ...]:
        return (
            tuple((path, face(attrs.asdict(tree))) for path, tree in sorted(machine.worktrees.items())),
            tuple(sorted(machine.branches.items())),
            tuple(sorted((str(run), face(found)) for run, found in machine.probes.items())),
            tuple(sorted(map(str, machine.on_their_way))),
            tuple(sorted((str(run), name, text) for (run, name), text in machine.said.items())),
            tuple(sorted(map(str, machine.orphans))),
            tuple(sorted((str(run), face(said)) for run, said in machine.forged.items())),
        )

    def _face(self, record: Any) -> int:
        known = self._faces.get(id(record))
        if known is None:
            # The record is kept with it: its address may not become another's.
            known = self._faces[id(record)] = (record, hash(face(record)))
        return known[1]


def face(value: Any) -> Any:
    """A value without its times and counters, as something that can be hashed."""
    if isinstance(value, datetime):
        return "a time"
    if attrs.has(type(value)):
        fields = attrs.fields_dict(type(value)).keys() - COUNTERS
        return (type(value).__name__, *((name, face(getattr(value, name))) for name in sorted(fields)))
    if isinstance(value, Mapping):
        return tuple((key, face(each)) for key, each in sorted(value.items()))
    if isinstance(value, set | frozenset):
        return tuple(sorted(value))
    if isinstance(value, list | tuple):
        return tuple(face(each) for each in value)
    return value


class Scout(Invariants):
    """Checks, and writes down at which points of one process the world was in a state that is new."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.found: dict[int, int] = {}
        """State by number of the point, in order."""
        self._states = States(world)
        self._followed: Incarnation | None = None
        self._over = False

    def follow(self, process: "Incarnation") -> None:
        """Write down the states of this process, and of no later one."""
        self._followed = self._followed or process

    def stop(self) -> None:
        """Everything is at rest: nothing more is written down."""
        self._over = True

    def passes(self, process: "Incarnation", number: int) -> None:
        if process is self._followed and not self._over:
            state = self._states.now()
            if state not in self.found.values():
                self.found[number] = state
