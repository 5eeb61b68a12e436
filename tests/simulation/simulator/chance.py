"""Chance, by name and by seed: the same seed is the same run, on every machine and hash seed."""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_WHOLE = float(1 << 64)


class Chance:
    """What is left to chance in one run.

    A draw has a name, and does not depend on which others were made before it: a run that is made
    smaller keeps the rest of its luck.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def number(self, name: str) -> float:
        """From 0 up to 1, always the same for a name."""
        drawn = hashlib.blake2b(f"{self._seed}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big") / _WHOLE

    def hit(self, name: str, probability: float) -> bool:
        """Whether it happens."""
        return self.number(name) < probability

    def between(self, name: str, low: float, high: float) -> float:
        return low + (high - low) * self.number(name)

    def pick(self, name: str, options: Sequence[T]) -> T:
        return options[int(self.number(name) * len(options))]

    def stream(self, name: str) -> random.Random:
        """Draws that follow each other: for the schedule, which is one sequence anyhow."""
        return random.Random(f"{self._seed}/{name}")
