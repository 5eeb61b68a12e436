"""Time and identity come from ports: the same code runs on virtual time in tests."""

from abc import ABC, abstractmethod
from datetime import datetime


class Clock(ABC):
    """The wall clock."""

    @abstractmethod
    def now(self) -> datetime:
        """The present, aware, in UTC."""


class Ids(ABC):
    """A source of identities."""

    @abstractmethod
    def new(self) -> str:
        """An id that was never given before: 1 to 40 characters of `[0-9a-zA-Z-]`."""
