"""Every port has a suite, and each suite is kept by a fake and by an adapter of ours."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dependency_injector import providers

from headway_core.container import CoreContainer
from headway_core.kernel.clock import Clock, Ids
from headway_testing.contracts.suites import SUITES

TESTS = Path(__file__).parents[1]
KEEPS = re.compile(r"^class Test\w+\((\w+Contract)\)", re.MULTILINE)


def ports() -> Iterator[type]:
    """What an application fills in of the container, and what a store is made with; a path is no port."""
    for provider in CoreContainer.providers.values():
        if isinstance(provider, providers.Dependency) and inspect.isabstract(provider.instance_of):
            yield provider.instance_of
    yield from (Clock, Ids)


def kept_in(*folders: str) -> set[str]:
    """The suites of which the tests in these folders have a subclass."""
    files = [file for folder in folders for file in (TESTS / folder).glob("test_*.py")]
    return {suite for file in files for suite in KEEPS.findall(file.read_text())}


@pytest.mark.parametrize("port", list(ports()), ids=lambda port: port.__name__)
def test_every_port_has_a_suite(port: type) -> None:
    """Whoever writes an adapter of a port finds what it must hold."""
    assert SUITES[port].port is port


def test_every_lesson_of_a_suite_names_a_test(request: pytest.FixtureRequest) -> None:
    """A test that was renamed would lose its rows without a word."""
    plugins = request.config.pluginmanager.get_plugins()
    (lessons,) = [found for each in plugins if (found := getattr(each, "CONTRACT_LESSONS", None))]
    suites = {part.__name__: part for suite in SUITES.values() for part in suite.__mro__}
    for name in lessons:
        suite, _, test = name.partition(".")
        assert test in vars(suites[suite])


def test_every_suite_is_of_a_port() -> None:
    """No suite is left of a port that is no more."""
    assert set(SUITES) == set(ports())


@pytest.mark.parametrize(
    "folders",
    [("testing", "kernel"), ("adapters_github", "adapters_local", "adapters_sql")],
    ids=["fakes", "adapters"],
)
def test_every_suite_is_kept_twice(folders: tuple[str, ...]) -> None:
    """A fake and an adapter of ours keep each suite: so it asks for nothing that only one can do."""
    assert {suite.__name__ for suite in SUITES.values()} <= kept_in(*folders)
