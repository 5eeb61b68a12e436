"""The pages of reference say what the code says, and links within docs/ lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest
from documents import ROOT, commands, text
from stage import Stage

import generate
from headway_core.settings.model import SettingsRecord
from headway_core.settings.rules import CHANGEABLE
from headway_testing.contracts.suite import PortContract
from headway_testing.contracts.suites import SUITES
from pages.docstrings import members, sentence
from pages.glossary import enums
from pages.suites import fixtures

PAGES = [Path("README.md"), *(path.relative_to(ROOT) for path in sorted(ROOT.glob("docs/**/*.md")))]


@pytest.mark.parametrize("name", generate.pages())
def test_a_page_is_what_the_code_says(name: str) -> None:
    """What it takes from enums, records, docstrings and examples is what these say now."""
    assert text(f"docs/{name}") == generate.renewed(name), f"docs/{name} differs: run `{generate.RENEW}`"


def test_every_member_of_every_public_enum_has_a_sentence() -> None:
    """Each status and reason says what it means, as a sentence."""
    found = enums()
    assert len(found) >= 30
    for each in found:
        told = members(each)
        assert sentence(each).endswith("."), each
        assert {member.name for member in each} == set(told), each
        assert all(meaning.endswith(".") for meaning in told.values()), each


def test_every_setting_has_a_sentence() -> None:
    """Each says what it is for."""
    told = members(SettingsRecord)
    assert set(CHANGEABLE) <= set(told)


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.__name__)
def test_a_suite_names_the_fixtures_that_it_wants(suite: type[PortContract]) -> None:
    """Its docstring names each fixture that a subclass must define, and the type of what that gives."""
    wanted = fixtures(suite)
    assert wanted
    for name, of in wanted.items():
        assert f"`{name}`" in sentence(suite)
        assert f"`{of.__name__}`" in sentence(suite)


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_into_a_page_find_their_heading(page: Path) -> None:
    """Each `page.md#heading` and `#heading` names a heading that is there."""
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text(str(page))):
        there = ROOT.joinpath(page.parent, target) if target else ROOT / page
        headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
        assert anchor in {_anchor(heading) for heading in headings}, (page, target, anchor)


def test_the_commands_of_the_settings_page_run(stage: Stage) -> None:
    """Each line of its example, typed as it stands there, changes what it says."""
    (first, *changes) = commands("docs/settings.md", mentioning="quiet_time_s")
    assert first == "headway settings show"
    for line in changes:
        stage.here(*shlex.split(line)[1:]).expect()
    settings = stage.ask("settings", "show")
    assert settings["quiet_time_s"] == 120
    assert settings["trusted"] == ["ada", "renovate[bot]"]
    assert settings["models"] == {"claude": "opus"}
