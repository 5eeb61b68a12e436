"""A supervisor of one's own: agents run at low priority, so that people notice them less.

    python examples/low_priority.py

Everything else is Headway's own supervisor. The same few lines would run each agent in a container.
"""

import shutil
from pathlib import Path

import anyio
import attrs

import headway
from headway_local import LocalSupervisor


class LowPrioritySupervisor(LocalSupervisor):
    """Starts each agent under `nice`."""

    async def start(self, launch: headway.Launch) -> headway.Probe:
        """Start it as any other, by way of another program."""
        nice = shutil.which("nice")
        if nice is None:
            raise headway.Unavailable("nice", "its program is not installed")
        argv = (nice, "-n", "10", *launch.argv)
        return await super().start(attrs.evolve(launch, argv=argv))


async def main() -> None:
    """Be this host's runner, with this supervisor in place of Headway's own."""
    config = headway.Config.beside("headway.db")
    adapters = headway.Adapters(supervisor=LowPrioritySupervisor(Path(config.data_dir)))
    async with headway.open(config=config, adapters=adapters) as hw, hw.running():
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main)
