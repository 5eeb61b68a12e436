"""What the face adds to the settings: a default agent that can be started."""

import attrs
import pytest

from headway_core.api import InvalidInput, SettingsRecord
from headway_testing.harness import Harness

pytestmark = pytest.mark.anyio


async def test_the_default_agent_is_a_configured_one() -> None:
    """By name or by a function, one that is not configured here is refused, with those that are."""
    settings = Harness().core.api().settings
    assert (await settings.change(default_agent="codex")).default_agent == "codex"

    def to_nobody(present: SettingsRecord) -> SettingsRecord:
        return attrs.evolve(present, default_agent="nobody")

    for change in (settings.change(default_agent="nobody"), settings.change(to_nobody)):
        with pytest.raises(InvalidInput, match=r"default_agent: 'nobody' .* \(configured: claude, codex\)"):
            await change
    assert (await settings.get()).default_agent == "codex"


async def test_a_setting_beside_an_agent_that_is_not_configured_here_can_be_changed() -> None:
    """The default may be another host's agent: what leaves it alone is not refused for it."""
    harness = Harness()
    await harness.core.settings.service().change(default_agent="elsewhere")
    changed = await harness.core.api().settings.change(lambda present: attrs.evolve(present, quiet_time_s=5))
    assert (changed.quiet_time_s, changed.default_agent) == (5, "elsewhere")
