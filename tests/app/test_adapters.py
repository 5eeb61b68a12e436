"""`headway.open(…, adapters=…)`: an application's own ports, checked before anything is opened."""

from pathlib import Path
from typing import Any, cast

import anyio
import attrs
import pytest

import headway
from headway import Adapters, Config, InvalidInput
from headway.container import wired
from headway_core.container import CoreContainer
from headway_core.kernel.store import Store
from headway_core.projects.ports import AnyHost
from headway_testing.fakes import (
    FakeAgents,
    FakeForgeHosts,
    FakeForgeReader,
    FakeForgeWriter,
    FakeGit,
    FakeIssueReader,
    FakeLocks,
    FakeProcesses,
    FakeScripts,
    FakeSupervisor,
    FakeWebhookDecoder,
    FakeWorktrees,
)
from headway_testing.harness import Harness, World

FAKES: dict[str, Any] = {
    "agents": FakeAgents(),
    "forge": FakeForgeReader(),
    "forge_hosts": FakeForgeHosts(),
    "forge_writer": FakeForgeWriter(),
    "issues": FakeIssueReader(),
    "locks": FakeLocks(),
    "scripts": FakeScripts(),
    "supervisor": FakeSupervisor(FakeProcesses()),
    "webhook_decoder": FakeWebhookDecoder(),
    "worktrees": FakeWorktrees(FakeGit()),
}
NOT_A_PORT = {"store", "worktrees_root"}
"""What core depends on beside: the database is opened by its address, and a folder is no object."""


def test_every_port_of_core_can_be_replaced() -> None:
    """`Adapters` has a field for each, under its name there."""
    needed = set(CoreContainer.dependencies) - NOT_A_PORT
    assert {field.name for field in attrs.fields(Adapters)} == needed == set(FAKES)


@pytest.mark.parametrize("name", FAKES)
def test_a_given_port_stands_in_place_of_headways_own(name: str, tmp_path: Path) -> None:
    """It is what core is made with; the others stay."""
    config = Config.beside(str(tmp_path / "x.db"))
    given = Adapters(**{name: FAKES[name]}).given()
    assert given == {name: FAKES[name]}
    store: Store = World().store
    theirs, ours = wired(config, store, {}).core, wired(config, store, given).core
    for port in FAKES:
        made = getattr(ours, port)()
        if port == name:
            assert made is FAKES[name]
        else:
            other_forge = name == "forge" and port == "forge_hosts"  # it may be of any host
            assert type(made) is (AnyHost if other_forge else type(getattr(theirs, port)()))


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("wrong", [Harness(), FakeAgents, "gitlab"], ids=["object", "class", "text"])
def test_what_implements_no_port_is_refused(name: str, wrong: object) -> None:
    """The error names the field and the port."""
    with pytest.raises(InvalidInput) as refused:
        Adapters(**{name: cast("Any", wrong)})
    assert refused.value.field == f"adapters.{name}"
    port = attrs.fields_dict(Adapters)[name].type
    assert str(refused.value).endswith(f" is no {cast('Any', port).__args__[0].__name__}")


@pytest.mark.anyio
async def test_what_are_no_adapters_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """A dict is none; there is no database and no folder then."""
    wrong = cast("Adapters", {"forge": FakeForgeReader()})
    with pytest.raises(InvalidInput, match=r"adapters: a dict is no headway\.Adapters"):
        async with headway.open(str(tmp_path / "x.db"), adapters=wrong):
            pass
    assert not [path async for path in anyio.Path(tmp_path).iterdir()]


@pytest.mark.anyio
async def test_it_is_never_too_late_because_nothing_can_be_replaced_later(tmp_path: Path) -> None:
    """Adapters are frozen, and what is open holds no container."""
    adapters = Adapters(issues=FakeIssueReader())
    async with headway.open(str(tmp_path / "x.db"), adapters=adapters) as hw:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            adapters.issues = None  # type: ignore[misc]  # that it is refused is the point
        assert not [part for part in vars(hw).values() if isinstance(part, type(CoreContainer()))]
