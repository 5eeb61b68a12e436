"""What every `ForgeHosts` does. Nothing of it is optional."""

import pytest

from headway_core.projects.ports import ForgeHosts
from headway_testing.contracts.suite import PortContract

OTHERS = ("gitlab.example", "github.com.evil.example", "127.0.0.2", "", "ada@github.com", "github.com/acme")


class ForgeHostsContract(PortContract):
    """Subclasses define the fixtures `hosts`, a `ForgeHosts`, and `served`, a host of its forge as `str`."""

    port = ForgeHosts

    def test_its_own_host_is_served(self, hosts: ForgeHosts, served: str) -> None:
        """However it is written, and as often as it is asked."""
        for written in (served, served.upper(), served):
            assert hosts.refusal(written) is None

    @pytest.mark.parametrize("other", OTHERS)
    def test_another_host_is_refused_in_words(self, hosts: ForgeHosts, other: str) -> None:
        """The sentence is one line, and says which one it is about."""
        told = hosts.refusal(other)
        assert told is not None
        assert other in told
        assert told.strip().splitlines() == [told]
