"""A forge on one host."""

from headway_core.projects.ports import ForgeHosts


class FakeForgeHosts(ForgeHosts):
    """Serves the host that it is made with."""

    def __init__(self, host: str = "github.com") -> None:
        self.host = host

    def refusal(self, host: str) -> str | None:
        """Every other one."""
        return None if host.lower() == self.host else f"the forge is {self.host}, and this is {host!r}"
