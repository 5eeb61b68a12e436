"""`headway pr` on the sandbox: what is known and how old it is, what a failed look leaves alone, and what
people ask for.
"""

import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import anyio
import attrs
import pytest
from stage import LIMIT_S, Stage

from headway_core.forge_actions import MARK
from headway_sandbox import (
    Remark,
    ReviewState,
    SandboxControl,
    SandboxProcess,
    UserSpec,
    create,
    launch,
)
from headway_sandbox.commands import CommentView, PullView
from headway_sandbox.records import FaultKind

T = TypeVar("T")
PARTS = {"state", "checks", "conversation", "mergeability"}
DOCUMENT = {
    *("workspace", "attached", "tied", "taken", "taken_by", "parts", "problem", "failing_since", "unread"),
    *("next_look_at", "held_back_until"),
}


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

    def pull(self, number: int) -> PullView:
        """A pull request as it stands there."""
        (repository,) = self.do(SandboxControl.state).repositories
        return next(pull for pull in repository.pulls if pull.number == number)


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
        users=(UserSpec(login="ada"), UserSpec(login="bob")),
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


def test_a_part_that_cannot_be_read_is_named_and_keeps_its_age(watched: Stage, forge: Forge) -> None:
    """Checks that GitHub refuses by GraphQL and REST: the other parts are new, and people are told why."""
    before = watched.ask("pr", "show", "more")
    assert before["unread"] == []
    forge.do(partial(SandboxControl.add_fault, kind=FaultKind.PARTIAL, operation="Detail"))
    forge.do(partial(SandboxControl.add_fault, kind=FaultKind.HTTP_500, operation="rest"))
    after = watched.ask("pr", "refresh", "more")
    assert after["unread"] == ["checks: forbidden; unavailable: GitHub answered 500"]
    for name in PARTS:
        same = after["parts"][name]["at"] == before["parts"][name]["at"]
        assert same is (name == "checks"), name
    assert after["parts"]["checks"]["ci_status"] == before["parts"]["checks"]["ci_status"]
    people = watched.here("pr", "show", "more").expect().out.splitlines()
    assert people[-1].startswith("could not be read, and is as it was: checks: forbidden; ")
    assert watched.ask("pr", "refresh", "more")["unread"] == []


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


def until(there: Callable[[], bool]) -> None:
    """Another process works on the real clock: look again until it is so."""
    deadline = time.monotonic() + LIMIT_S
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.2)  # noqa: TID251  another process works on the real clock


def marked(comments: Sequence[CommentView]) -> list[str]:
    """What Headway wrote, without its marks."""
    return [MARK.sub("", each.body).strip() for each in comments if MARK.search(each.body)]


@pytest.fixture(scope="module")
def reviewed(watched: Stage, forge: Forge) -> Stage:
    """Bob asked something about the workspace's pull request, and that was read."""
    watched.ask("pr", "attach", "more", "1")
    remark = Remark(path="more.txt", line=1, body="Why?\nReally")
    forge.do(
        partial(
            SandboxControl.review,
            user="bob",
            number=1,
            state=ReviewState.CHANGES_REQUESTED,
            body="Please",
            threads=(remark,),
        )
    )
    watched.ask("pr", "refresh", "more")
    return watched


def test_threads_are_listed_with_what_is_said_in_them(reviewed: Stage) -> None:
    """Where, who and what, and the id by which one is answered; with the age of what was read."""
    document = reviewed.ask("pr", "threads", "more")
    assert document["complete"]
    assert 0 <= document["age_s"] < 60
    (thread,) = document["threads"]
    assert (thread["path"], thread["line"], thread["comments"][0]["body"]) == ("more.txt", 1, "Why?\nReally")
    people = reviewed.here("pr", "threads", "more").expect().out.splitlines()
    assert people[:2] == [f"{thread['id']}  more.txt:1", "  bob: Why? Really"]
    assert people[2].startswith("1 unresolved thread, as read ")


@attrs.frozen(kw_only=True)
class Asked:
    """An order of a person, the question of ours whose answer is late, and its one effect."""

    arguments: tuple[str, ...]
    slow: str
    there: Callable[[PullView], bool]


ORDERS = {
    "reply": Asked(
        arguments=("{thread}", "Because"),
        slow="rest",
        there=lambda pull: marked(pull.threads[0].comments) == ["Because"],
    ),
    "comment": Asked(
        arguments=("Please look",),
        slow="rest",
        there=lambda pull: marked(pull.comments) == ["Please look"],
    ),
    "request-review": Asked(
        arguments=("@bob",), slow="rest", there=lambda pull: pull.review_requests == ("bob",)
    ),
    "resolve": Asked(
        arguments=("{thread}",), slow="ResolveThread", there=lambda pull: pull.threads[0].resolved
    ),
}


@pytest.mark.recovers("asked", "posting")
@pytest.mark.parametrize("order", ORDERS)
def test_what_a_person_asks_for_is_done_once_though_its_runner_is_killed(
    reviewed: Stage, forge: Forge, order: str
) -> None:
    """Asked for without a runner; one is killed when GitHub has done it and not answered yet; the next one
    finds by the evidence that it is done.
    """
    (thread,) = reviewed.ask("pr", "threads", "more")["threads"]
    it = ORDERS[order]
    arguments = [each.format(thread=thread["id"]) for each in it.arguments]
    asked = reviewed.here("pr", order, "more", *arguments, "--json").expect()
    assert (asked.document["status"], asked.document["attempts"]) == ("PENDING", 0)
    assert "headway up" in asked.err
    forge.do(partial(SandboxControl.add_fault, kind=FaultKind.SLOW, seconds=25.0, operation=it.slow))
    up = subprocess.Popen(
        reviewed.command("up"),
        cwd=reviewed.repository,
        env=reviewed.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: it.there(forge.pull(1)))
    finally:
        up.kill()
        up.wait()
    forge.do(SandboxControl.clear_faults)
    assert reviewed.ask("pr", "asked", "more")[-1]["status"] == "POSTING"
    with reviewed.running():
        until(lambda: reviewed.ask("pr", "asked", "more")[-1]["status"] == "DONE")
    done = reviewed.ask("pr", "asked", "more")[-1]
    assert (done["id"], done["attempts"], done["problem"]) == (asked.document["id"], 1, None)
    assert it.there(forge.pull(1))
    assert reviewed.here("pr", "asked", "more").expect().out.splitlines()[-1].startswith("done")


ASKED_WRONGLY = {
    "a thread that is none": (("reply", "more", "T_9", "Hello"), "thread_id"),
    "a thread that is none to resolve": (("resolve", "more", "T_9"), "thread_id"),
    "blank words": (("comment", "more", " "), "body"),
    "too many words": (("comment", "more", "x" * 60_001), "body"),
    "nobody": (("request-review", "more"), "reviewers"),
    "what is no login": (("request-review", "more", "a b"), "reviewers"),
    "no pull request": (("comment", "Without", "Hello"), "workspace"),
}


@pytest.mark.parametrize("case", ASKED_WRONGLY)
def test_what_cannot_be_asked_names_its_field(reviewed: Stage, case: str) -> None:
    """Code 2, and nothing is asked for."""
    if case == "no pull request":
        reviewed.here("workspace", "create", "--name", "Without").expect()
    arguments, field = ASKED_WRONGLY[case]
    before = reviewed.facts("forge_actions")
    said = reviewed.here("pr", *arguments, "--json").expect(2)
    assert (said.document["error"], said.document["field"]) == ("InvalidInput", field)
    assert reviewed.facts("forge_actions") == before


def test_an_unknown_workspace_asks_for_nothing(reviewed: Stage) -> None:
    """Code 1, for each of the commands."""
    for arguments in (("comment", "x"), ("reply", "T", "x"), ("resolve", "T"), ("request-review", "bob")):
        order, *rest = arguments
        said = reviewed.here("pr", order, "nope", *rest, "--json").expect(1)
        assert said.document["error"] == "NotFound"
    for told in ("threads", "asked"):
        assert reviewed.here("pr", told, "nope", "--json").expect(1).document["error"] == "NotFound"


def test_what_github_told_of_its_limits_is_shown(reviewed: Stage) -> None:
    """Each budget with what is left of it, and how long ago that was told."""
    (graphql,) = [each for each in reviewed.ask("pr", "limits") if each["resource"] == "graphql"]
    assert graphql["limit"] == 5000
    assert 0 < graphql["remaining"] < 5000
    assert (graphql["blocked_until"], graphql["strikes"]) == (None, 0)
    assert graphql["age_s"] >= 0
    heading, *rows = reviewed.here("pr", "limits").expect().out.splitlines()
    assert heading.split() == ["host", "budget", "left", "resets", "held", "back", "until", "told"]
    assert any(f"{graphql['remaining']} of 5000" in row for row in rows)


def test_a_limit_says_how_long_nobody_looks(reviewed: Stage, forge: Forge) -> None:
    """A person's look met it: told beside what is known, and among the limits; people may look again."""
    assert reviewed.ask("pr", "show", "more")["held_back_until"] is None
    fault = partial(SandboxControl.add_fault, kind=FaultKind.SECONDARY, seconds=90.0, operation="Detail")
    forge.do(fault)
    said = reviewed.here("pr", "refresh", "more", "--json").expect(1)
    assert (said.document["error"], said.document["retry_after"]) == ("Unavailable", 90.0)
    assert reviewed.ask("pr", "show", "more")["held_back_until"]
    people = reviewed.here("pr", "show", "more").expect().out.splitlines()
    assert people[-1].startswith("GitHub is not read by itself until ")
    board = reviewed.here("workspace", "list").expect().out
    assert "GitHub is not read by itself until " in board
    (graphql,) = [each for each in reviewed.ask("pr", "limits") if each["resource"] == "graphql"]
    assert (graphql["strikes"], graphql["blocked_until"] is None) == (1, False)
    assert reviewed.ask("pr", "refresh", "more")["problem"] is None


def test_a_trusted_name_that_nobody_has_is_told(watched: Stage) -> None:
    """By login and by node id, with what it means; who is known, or may be, is not spoken of."""
    said = watched.here("settings", "set", "trusted", '["ada", "BOB", "bobb", "tidy[bot]"]').expect()
    told = [line for line in said.err.splitlines() if "GitHub knows nobody" in line]
    assert [line.partition("called ")[2].partition(":")[0] for line in told] == ["bobb", "tidy[bot]"]
    assert "what that name says is not heard" in told[0]
    quiet = watched.here("settings", "set", "trusted", '["ada"]').expect()
    assert "nobody" not in quiet.err
    wrong = watched.here("settings", "set", "trusted", '["@ada"]')
    assert wrong.code == 2
    assert "'@ada' is neither a login" in wrong.err
    watched.here("settings", "reset", "trusted").expect()
