"""What an Enterprise Server lacks of GitHub's schema: learnt from its refusals, and tried again in time."""

import logging
from collections.abc import Collection, Iterable

import anyio

logger = logging.getLogger(__name__)

KEPT_S = 86_400.0
"""How long it is believed: a server may be upgraded."""


class Lacking:
    """What a server is known to lack."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def now(self) -> frozenset[str]:
        """What it lacks now, as far as is known."""
        if not self._until:
            return frozenset()
        moment = anyio.current_time()
        return frozenset(name for name, until in self._until.items() if moment < until)

    def learns(self, lacks: Iterable[str], optional: Collection[str]) -> bool:
        """Note what a server has said that it lacks; whether any of it is new, and can be done without."""
        fresh = sorted({*lacks} & {*optional} - self.now())
        if fresh:
            logger.warning("this GitHub has no %s: it is asked without", ", ".join(fresh))
            self._until |= dict.fromkeys(fresh, anyio.current_time() + KEPT_S)
        return bool(fresh)
