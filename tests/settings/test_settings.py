"""The one row of settings: defaults without a write, validated changes, one event a change."""

from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.memory import MemoryStore
from headway_core.settings import (
    SETTINGS,
    CIScope,
    ReviewTrigger,
    SettingsChanged,
    SettingsRecord,
    SettingsService,
    SettingsSteps,
)
from headway_core.settings.rules import CHANGEABLE, accepted
from headway_testing.harness import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> MemoryStore:
    return World().store


@pytest.fixture
def service(store: MemoryStore) -> SettingsService:
    return SettingsService(store.ledger, SettingsSteps(store.writer(SETTINGS)))


async def events(store: MemoryStore) -> list[SettingsChanged]:
    found = await store.ledger.read(lambda tx: store.events.after(tx, 0))
    payloads = [event.payload for event in found]
    assert all(isinstance(payload, SettingsChanged) for payload in payloads)
    return [payload for payload in payloads if isinstance(payload, SettingsChanged)]


async def test_reading_without_a_row_gives_the_defaults_and_writes_nothing(
    store: MemoryStore, service: SettingsService
) -> None:
    """A first read is no write, so it can't clash with another first read."""
    assert await service.get() == SettingsRecord()
    assert await store.ledger.read(lambda tx: store.reader(SETTINGS).get(tx, "settings")) is None


@pytest.mark.lesson("B7")
async def test_the_first_change_stores_the_same_fields_as_every_later_one(
    store: MemoryStore, service: SettingsService
) -> None:
    """The branch that creates the row sets what the branch that changes it sets."""
    await service.change(session_limit=7)
    assert (await service.get()).session_limit == 7
    await service.change(session_limit=8, ci_scope="required")
    assert attrs.evolve(await service.get(), version=0) == SettingsRecord(
        session_limit=8, ci_scope=CIScope.REQUIRED
    )


@pytest.mark.lesson("B8")
async def test_edits_of_one_field_build_on_each_other(service: SettingsService) -> None:
    """A change by a function sees the row that it replaces, so no addition is lost."""

    def trust(login: str, now: SettingsRecord) -> SettingsRecord:
        return attrs.evolve(now, trusted=(*now.trusted, login))

    for login in ("ada", "bob", "cyd"):
        await service.change(partial(trust, login))
    assert (await service.get()).trusted == ("ada", "bob", "cyd")


@pytest.mark.lesson("B4", "S7", "B5")
async def test_a_change_emits_one_event_with_the_row_that_was_stored(
    store: MemoryStore, service: SettingsService
) -> None:
    """The event names what is new and carries the row as the write returned it."""
    stored = await service.change(review_trigger="all", models={"claude": "opus"}, actor="ada")
    (event,) = await events(store)
    assert event.changed == ("models", "review_trigger")
    assert event.settings == stored
    assert stored.review_trigger is ReviewTrigger.ALL


async def test_a_change_that_changes_nothing_is_silent(store: MemoryStore, service: SettingsService) -> None:
    """Setting a value to what it is writes no row and no event."""
    await service.change(quiet_time_s=90)
    assert await events(store) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session_limit", -1),
        ("session_limit", "5"),
        ("session_limit", True),
        ("quiet_time_s", -1),
        ("ci_limit_s", 0),
        ("cadence_hot_s", 0),
        ("ratchet_default", 1),
        ("ci_scope", "some"),
        ("trusted", ["ada", ""]),
        ("trusted", "ada"),
        ("trusted", ["ada", "@bob"]),
        ("trusted", ["ada, bob"]),
        ("trusted", ["Ada Lovelace"]),
        ("trusted", ["ada@example.com"]),
        ("trusted", ["tidy[bot"]),
        ("trusted", ["[bot]"]),
        ("trusted", ["tidy[bot] "]),
        ("trusted", ["ad\u0430"]),
        ("trusted", ["ada\u200b"]),
        ("trusted", ["x" * 300]),
        ("default_agent", ""),
        ("default_agent", "-x"),
        ("default_agent", "a/b"),
        ("models", {"claude": " "}),
        ("models", {"": "opus"}),
        ("models", ["claude"]),
        ("branch_prefix", ""),
        ("branch_prefix", "-x"),
        ("branch_prefix", "a//b"),
        ("branch_prefix", "a/../b"),
        ("branch_prefix", "a.lock"),
        ("branch_prefix", ".a"),
        ("branch_prefix", "a b"),
        ("branch_prefix", "x" * 101),
        ("id", "other"),
        ("version", 3),
        ("no_such_setting", 1),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(
    store: MemoryStore, service: SettingsService, field: str, value: object
) -> None:
    """Nothing is changed, and the error names the field."""
    with pytest.raises(InvalidInput) as caught:
        await service.change(**{"act_on_first_failure": True, field: value})  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.field == field
    assert await service.get() == SettingsRecord()


async def test_an_edit_by_function_is_checked_like_one_by_name(service: SettingsService) -> None:
    """No path around the rules."""
    with pytest.raises(InvalidInput, match="budget_per_day"):
        await service.change(lambda now: attrs.evolve(now, budget_per_day=-1))


def test_every_default_is_accepted() -> None:
    """The settings that nobody changed obey the rules of those that somebody did."""
    assert all(
        accepted(name, getattr(SettingsRecord(), name)) == getattr(SettingsRecord(), name)
        for name in CHANGEABLE
    )


@given(st.text())
def test_a_prefix_is_refused_or_usable_in_front_of_a_slug(prefix: str) -> None:
    """An accepted prefix never makes a branch name that git refuses or that reads as an option."""
    try:
        accepted("branch_prefix", prefix)
    except InvalidInput:
        return
    branch = f"{prefix}/fix"
    assert not branch.startswith(("-", "/", "."))
    assert not any(bad in branch for bad in ("..", "//", "@{", " ", "~", "^", ":", "?", "*", "[", "\\"))
    assert not any(part.endswith((".", ".lock")) for part in branch.split("/"))
    assert branch.isascii()
    assert branch.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "a",
        "Ada-Lovelace",
        "ada_corp",
        "tidy[bot]",
        "Tidy[Bot]",
        "MDQ6VXNlcjE=",
        "U_kgDOBk-9_A",
        "BOT_k-_=",
    ],
)
async def test_logins_and_node_ids_can_be_trusted(service: SettingsService, name: str) -> None:
    """Of people, of managed users, of apps, and ids of either form."""
    assert (await service.change(trusted=(name,))).trusted == (name,)
