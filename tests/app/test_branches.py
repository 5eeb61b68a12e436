"""What a new workspace's branch starts from and is called: refused at once, or said."""

import pytest
from stage import Stage

CREATE = ("workspace", "create", "--name", "x")


@pytest.mark.parametrize("source", [("--name", "x"), ("--name", "x", "--branch", "mine")])
def test_a_base_that_is_nowhere_is_refused_at_once(untouched: Stage, source: tuple[str, ...]) -> None:
    """By its option, and nothing is stored."""
    before = untouched.facts()
    refused = untouched.here("workspace", "create", *source, "--base", "nope", "--json").expect(2)
    assert refused.document["field"] == "base"
    assert refused.document["message"] == "base: 'nope' has no commit, here or on origin"
    assert untouched.facts() == before


@pytest.mark.parametrize("source", [("--name", "x"), ("--issue", "3", "--session", "none")])
def test_an_empty_repository_is_refused_at_once(stage: Stage, source: tuple[str, ...]) -> None:
    """There is no commit to start from; the first one mends it."""
    stage.git("update-ref", "-d", "HEAD")
    stage.git("update-ref", "-d", "refs/remotes/origin/main")
    stage.git("-C", str(stage.origin), "update-ref", "-d", "refs/heads/main")
    stage.here("init", "--github", "acme/greeter").expect()
    before = stage.facts()
    refused = stage.here("workspace", "create", *source, "--json").expect(2)
    assert refused.document["field"] == "base"
    assert stage.facts() == before
    stage.commit({"greeting.txt": "Hello\n"}, "Greet")
    stage.here(*CREATE).expect()


def test_a_base_that_is_gone_at_origin_is_said(registered: Stage) -> None:
    """Creation goes on from the local one; nothing is said when it is there, or when nobody can know."""
    assert "origin has no branch" not in registered.here(*CREATE).expect().err
    registered.git("push", "-q", "origin", "main:old")
    registered.git("branch", "old", "origin/old")
    registered.git("push", "-q", "origin", "--delete", "old")
    said = registered.here(*CREATE, "--base", "old", "--json").expect()
    assert "origin has no branch 'old', or not any more: headway/x-2 starts from" in said.err
    assert said.document["base_branch"] == "old"
    registered.origin.rename(registered.folder / "away.git")
    assert "origin has no branch" not in registered.here(*CREATE, "--base", "old").expect().err
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="headway/x-2")


def test_nothing_is_said_of_a_base_that_was_never_at_origin(registered: Stage) -> None:
    """Also when the local branch follows another one of origin."""
    registered.git("branch", "--no-track", "localonly")
    registered.git("branch", "--track", "follower", "origin/main")
    for base in ("localonly", "follower"):
        assert "origin has no branch" not in registered.here(*CREATE, "--base", base).expect().err


def test_a_base_whose_remote_tracking_ref_is_left_is_said_to_be_gone(registered: Stage) -> None:
    """Somebody else deleted it at origin, and nothing was fetched since."""
    registered.git("push", "-q", "origin", "main:old")
    registered.git("-C", str(registered.origin), "update-ref", "-d", "refs/heads/old")
    assert "origin has no branch 'old'" in registered.here(*CREATE, "--base", "old").expect().err


def test_a_generated_name_is_one_that_the_repository_has_not(registered: Stage) -> None:
    """What creation tells is what is provisioned, also beside branches that people made."""
    registered.git("branch", "headway/x")
    registered.git("branch", "headway/x-2")
    assert registered.ask(*CREATE)["branch"] == "headway/x-3"
    with registered.running():
        card = registered.until("NO_SESSION_STARTED", workspace="x")
    assert card["branch"] == "headway/x-3"


@pytest.mark.parametrize("where", ["here", "origin"])
def test_a_prefix_that_is_a_branch_is_refused(registered: Stage, where: str) -> None:
    """By the setting's name, when a workspace is created and when the prefix is set; another one works."""
    registered.git("branch", "headway")
    if where == "origin":
        registered.git("push", "-q", "origin", "headway")
        registered.git("branch", "-D", "headway")
    before = registered.facts()
    refused = registered.here(*CREATE, "--json").expect(2)
    assert refused.document["field"] == "branch_prefix"
    assert "in greeter the branch 'headway' leaves no room for branches headway/…" in refused.err
    for prefix in ("headway", "headway/deeper", "headway.lock", "a..b"):
        refused = registered.here("settings", "set", "branch_prefix", prefix, "--json").expect(2)
        assert refused.document["field"] == "branch_prefix"
    refused = registered.here(*CREATE, "--branch", "headway/mine", "--json").expect(2)
    assert refused.document["field"] == "branch"
    assert registered.facts() == before
    registered.here("settings", "set", "branch_prefix", "bots").expect()
    assert registered.ask(*CREATE)["branch"] == "bots/x"


def test_a_prefix_that_was_a_branch_of_origin_is_free_again(registered: Stage) -> None:
    """What was last fetched is asked for anew."""
    registered.git("push", "-q", "origin", "main:headway")
    registered.git("-C", str(registered.origin), "update-ref", "-d", "refs/heads/headway")
    assert registered.ask(*CREATE)["branch"] == "headway/x"
