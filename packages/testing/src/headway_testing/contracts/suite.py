"""What the suites of all ports share: which port it is, and what an adapter may lack."""

import enum
from typing import ClassVar

import pytest

from headway_testing.plugin import LACKS


class Capability(enum.Enum):
    """What an adapter of a port may do, and need not: the suite of the port says what each means."""


class PortContract:
    """The suite of one port. An adapter's test is a subclass that gives the suite's fixtures.

    `capabilities` is what the adapter has, everything where it says nothing. A test that needs another is
    skipped with the capability's name; the plugin of `headway_testing` lists them at the end of the run.
    """

    port: ClassVar[type]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def needs(self, *wanted: Capability) -> None:
        """Skip this test unless the adapter has all of them."""
        lacking = sorted(each.name for each in wanted if each not in self.capabilities)
        if lacking:
            pytest.skip(f"{LACKS} {self.port.__name__}: {', '.join(lacking)}")
