"""`headway pr` on the sandbox: what is known, how old it is, and what a failed look leaves alone."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import anyio
import pytest
from stage import Stage

from headway_sandbox import SandboxControl, SandboxProcess, UserSpec, create, launch
from headway_sandbox.records import FaultKind

T = TypeVar("T")
PARTS = {"state", "checks", "conversation", "mergeability"}
DOCUMENT = {"workspace", "attached", "tied", "parts", "problem", "failing_since", "next_look_at"}


class Forge:
    """The sandbox that a stage's environment points to."""

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process

    def do(self, act: Callable[[SandboxControl], Awaitable[T]]) -> T:
        """One act at its control API."""

        async def run() -> T:
            async with self._process.control() as control:
                return await act(control)

        return anyio.run(run)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(folder=tmp_path_factory.mktemp("pulls")).build()


@pytest.fixture(scope="module")
def forge(stage: Stage) -> Iterator[Forge]:
    """GitHub for the stage's origin, with two pull requests of ada and CI that passes; a workspace of one."""
    for branch in ("more", "other"):
        stage.git("checkout", "-q", "-b", branch, "main")
        stage.commit({f"{branch}.txt": "Hello\n"}, f"Say {branch}")
        stage.git("push", "-q", "origin", branch)
        stage.git("checkout", "-q", "main")
        stage.git("branch", "-q", "-D", branch)
    world = create(
        stage.folder / "sandbox.sqlite",
        owner="acme",
        name="greeter",
        origin=stage.origin,
        users=(UserSpec(login="ada"),),
        test_command=(sys.executable, "-c", "pass"),
    )
    stage.environment["GITHUB_TOKEN"] = world.tokens["ada"]
    stage.environment["HEADWAY_GITHUB_API_URL"] = world.url
    process = launch(stage.folder / "sandbox.sqlite")
    try:
        made = Forge(process)
        for branch in ("more", "other"):
            made.do(partial(SandboxControl.open_pull_request, user="ada", head=branch, title=f"Say {branch}"))
        stage.here("init", "--github", "acme/greeter").expect()
        stage.here("workspace", "create", "--resume", "more").expect()
        yield made
    finally:
        process.stop()


@pytest.fixture(scope="module")
def watched(stage: Stage, forge: Forge) -> Stage:
    """Its workspace is provisioned, and its pull request was found and is green."""
    document = stage.ask("pr", "show", "more")
    assert set(document) == DOCUMENT
    assert (document["attached"], document["parts"], document["problem"]) == (False, {}, None)
    assert stage.ask("pr", "checks", "more")["checks"] == []
    assert stage.here("pr", "show", "more").expect().out == "more: no pull request is attached\n"
    with stage.running():
        stage.until("READY_TO_MERGE", workspace="more")
    return stage


def test_every_part_has_its_age(watched: Stage) -> None:
    """`refresh` reads all four anew; `show` says what is stored, each part with its seconds."""
    before = watched.ask("pr", "show", "more")
    after = watched.ask("pr", "refresh", "more")
    assert set(after) == DOCUMENT
    assert set(after["parts"]) == PARTS
    for name in PARTS:
        assert after["parts"][name]["at"] > before["parts"][name]["at"]
        assert 0 <= after["parts"][name]["age_s"] < 60
    state = after["parts"]["state"]
    assert (state["number"], state["pr_state"], state["author"]) == (1, "OPEN", "ada")
    assert state["head"]["ref"] == "more"
    assert after["parts"]["checks"]["ci_status"] == "SUCCESS"
    assert after["parts"]["mergeability"]["mergeability"] == "clean"
    people = watched.here("pr", "show", "more").expect().out.splitlines()
    assert people[0].startswith("#1 Say more  http")
    assert [line.split()[0] for line in people[1:]] == ["state", "checks", "conversation", "mergeability"]
    assert all(line.rstrip().endswith(" ago") for line in people[1:])
    whole = watched.here("workspace", "show", "more").expect().out
    assert all(f"  {name} " in whole for name in PARTS)


def test_checks_are_listed_with_what_they_count_for(watched: Stage) -> None:
    """One line a check for people, every fact of it for programs."""
    document = watched.ask("pr", "checks", "more")
    assert (document["ci_status"], document["complete"]) == ("SUCCESS", True)
    (check,) = document["checks"]
    assert (check["outcome"], check["counts"], check["word"]) == ("passed", True, "SUCCESS")
    people = watched.here("pr", "checks", "more").expect().out.splitlines()
    assert people[0].startswith("passed")
    assert people[-1].startswith("success, as read ")


def test_another_pull_request_is_attached_by_number(watched: Stage) -> None:
    """Its facts in place of the former's; what is no number, or none there, changes nothing."""
    assert watched.ask("pr", "attach", "more", "#2")["parts"]["state"]["title"] == "Say other"
    kept = watched.ask("pr", "show", "more")["parts"]["state"]
    for wrong in ("99", "two", "-1", "https://github.com/acme/other/pull/1"):
        said = watched.here("pr", "attach", "more", "--json", "--", wrong).expect(2)
        assert said.document["field"] == "pull_request"
    again = watched.ask("pr", "show", "more")["parts"]["state"]
    assert {**again, "age_s": 0} == {**kept, "age_s": 0}
    url = "https://github.com/acme/greeter/pull/1"
    assert watched.ask("pr", "attach", "more", url)["parts"]["state"]["title"] == "Say more"


def test_a_detached_one_stays_away_until_a_person_says_so(watched: Stage) -> None:
    """No part is left of it, a look does not take it again, and there is nothing to detach twice."""
    assert watched.ask("pr", "detach", "more")["parts"] == {}
    assert watched.ask("pr", "refresh", "more")["attached"] is False
    again = watched.here("pr", "detach", "more", "--json").expect(1)
    assert again.document["error"] == "NotFound"
    assert watched.ask("pr", "attach", "more", "1")["attached"] is True


def test_a_workspace_adopts_the_branch_of_its_pull_request(watched: Stage) -> None:
    """By a person's word, whatever the worktree is on; without a pull request the field is named."""
    watched.ask("pr", "attach", "more", "2")
    assert watched.ask("pr", "adopt-branch", "more")["parts"]["state"]["head"]["ref"] == "other"
    assert watched.ask("workspace", "show", "other")["branch"] == "other"
    watched.ask("pr", "attach", "other", "1")
    assert watched.ask("pr", "adopt-branch", "other")["parts"]["state"]["head"]["ref"] == "more"
    watched.here("workspace", "create", "--name", "Bare").expect()
    said = watched.here("pr", "adopt-branch", "Bare", "--json").expect(2)
    assert said.document["field"] == "branch"


@pytest.mark.parametrize("fault", [FaultKind.HTML, FaultKind.NONSENSE])
def test_a_look_that_fails_keeps_every_part_and_its_age(
    watched: Stage, forge: Forge, fault: FaultKind
) -> None:
    """Code 1 and the cause; the facts stay, as old as they are, and the board says why they age."""
    before = watched.ask("pr", "show", "more")
    forge.do(partial(SandboxControl.add_fault, kind=fault, count=20))
    said = watched.here("pr", "refresh", "more", "--json").expect(1)
    assert said.document["error"] == "Unavailable"
    after = watched.ask("pr", "show", "more")
    assert {name: part["at"] for name, part in after["parts"].items()} == {
        name: part["at"] for name, part in before["parts"].items()
    }
    assert after["problem"]
    assert after["failing_since"]
    assert "GitHub was not read: " in watched.here("workspace", "list").expect().out
    assert "the last look failed" in watched.here("pr", "show", "more").expect().out
    forge.do(SandboxControl.clear_faults)
    assert watched.ask("pr", "refresh", "more")["problem"] is None
