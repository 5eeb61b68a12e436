"""Projects at the command: listed, changed, moved, removed; and found by asking git."""

import shutil
import subprocess
from pathlib import Path

import pytest
from stage import Stage

CREATE = ("workspace", "create", "--name", "x")


def test_projects_are_listed_shown_and_changed(registered: Stage) -> None:
    """Everything that `set` takes is what `show` and `list` tell then; what can't be names its field."""
    registered.git("branch", "trunk")
    script = ("--startup-script", "make setup", "--startup-timeout-s", "60", "--startup-required")
    changed = registered.ask("project", "set", "greeter", "--default-branch", "trunk", *script)
    assert registered.ask("project", "show") == registered.ask("project", "show", "greeter") == changed
    assert registered.ask("project", "list") == [changed]
    told = ("default_branch", "startup_script", "startup_timeout_s", "startup_required")
    assert [changed[name] for name in told] == ["trunk", "make setup", 60, True]
    none = registered.ask("project", "set", "--startup-script", "", "--no-startup-required")
    assert (none["startup_script"], none["startup_required"]) == (None, False)
    assert none["default_branch"] == "trunk"
    people = registered.here("project", "list").expect().out
    assert "acme/greeter on github.com" in people
    assert "startup_timeout_s: 60" in registered.here("project", "show").expect().out
    for option, value in (
        ("default_branch", "a..b"),
        ("default_branch", "nope"),
        ("startup_timeout_s", "0"),
        ("startup_script", " "),
    ):
        refused = registered.here("project", "set", f"--{option.replace('_', '-')}", value, "--json").expect(
            2
        )
        assert refused.document["field"] == option
    assert "nothing to change" in registered.here("project", "set").expect(2).err
    assert registered.ask("project", "show") == none


def test_a_default_branch_may_be_on_origin_alone(registered: Stage) -> None:
    """It needs a commit somewhere, not a local branch."""
    registered.git("push", "-q", "origin", "main:trunk")
    registered.git("update-ref", "-d", "refs/remotes/origin/trunk")
    assert registered.ask("project", "set", "--default-branch", "trunk")["default_branch"] == "trunk"
    assert registered.ask(*CREATE)["base_branch"] == "trunk"


def test_a_default_branch_that_is_gone_is_named_as_the_projects(registered: Stage) -> None:
    """Without `--base` the error says whose branch it is, and how to set another."""
    registered.git("branch", "trunk")
    registered.ask("project", "set", "--default-branch", "trunk")
    registered.git("branch", "-D", "trunk")
    before = registered.facts()
    refused = registered.here(*CREATE, "--json").expect(2)
    assert "the project's default branch 'trunk' has no commit, here or on origin" in refused.err
    assert "headway project set greeter --default-branch NAME" in refused.err
    assert registered.facts() == before


def test_a_project_is_removed_when_nothing_lives_in_it(registered: Stage) -> None:
    """It says which workspaces live; a removed one takes no new work, and `init` brings it back."""
    made = registered.ask(*CREATE)
    refused = registered.here("project", "remove", "greeter", "--json").expect(1)
    assert refused.document["error"] == "Conflict"
    assert f"headway/x ({made['id']})" in refused.document["message"]
    registered.ask("workspace", "cancel", "x")
    registered.here("workspace", "archive", "x").expect()
    assert registered.ask("project", "remove", "greeter")["archived"] is True
    assert registered.ask("project", "list") == []
    assert [each["slug"] for each in registered.ask("project", "list", "--archived")] == ["greeter"]
    refused = registered.here(*CREATE, "--json").expect(2)
    assert refused.document["field"] == "project"
    assert "headway init brings it back" in refused.err
    back = registered.here("init", "--json").expect()
    assert "it is back" in back.err
    assert back.document["archived"] is False
    registered.ask(*CREATE)


@pytest.mark.parametrize("how", ["init", "set"])
def test_a_moved_repository_is_known_again(registered: Stage, how: str) -> None:
    """Its project has the new path, its worktrees belong to it, and people are told where it was."""
    before = registered.ask("project", "show")
    registered.here(*CREATE).expect()
    with registered.running():
        card = registered.until("NO_SESSION_STARTED", workspace="x")
    moved = registered.folder / "elsewhere" / "greeter"
    moved.parent.mkdir()
    registered.repository.rename(moved)
    github = ("--github", "acme/greeter")
    if how == "init":
        said = registered.headway("init", *github, "--json", cwd=str(moved)).expect()
        assert f"was at {registered.repository}" in said.err
    else:
        options = ("project", "set", "greeter", "--path", str(moved), *github)
        said = registered.headway(*options, "--json", cwd=str(registered.folder)).expect()
    assert said.document == {**before, "repo_path": str(moved), "version": before["version"] + 1}
    inside = registered.here("project", "show", "--json", cwd=card["worktree_path"]).expect()
    assert inside.document == said.document
    listed = registered.here("project", "list", "--json", cwd=str(moved)).expect().document
    assert listed == [said.document]


def test_two_clones_stay_two_projects(registered: Stage) -> None:
    """A second clone takes nothing from the first, which is where it was."""
    clone = registered.folder / "clone"
    shutil.copytree(registered.repository, clone)
    second = registered.here("init", "--github", "acme/greeter", "--json", cwd=str(clone)).expect().document
    assert second["slug"] == "greeter-2"
    assert len(registered.ask("project", "list")) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://gitlab.example/acme/greeter.git",
        "git@bitbucket.org:acme/greeter.git",
        "ssh://git@github.com.evil.example/acme/greeter",
    ],
)
def test_a_repository_of_another_host_is_refused(stage: Stage, url: str) -> None:
    """By its host, and nothing is stored; a person can say that it is another name of the same one."""
    stage.git("remote", "set-url", "origin", url)
    for options in ((), ("--github", "acme/greeter")):
        refused = stage.here("init", *options, "--json").expect(2)
        assert refused.document["field"] == "host"
        assert "GitHub is read at github.com" in refused.document["message"]
    assert stage.ask("project", "list") == []
    stage.here("init", "--host", "github.com").expect()


def test_a_path_of_another_repository_is_refused(registered: Stage) -> None:
    """By its field, and the project stays where it is."""
    before = registered.facts()
    other = registered.folder / "other"
    shutil.copytree(registered.repository, other)
    for options, field in (
        (("--path", str(other), "--github", "acme/other"), "path"),
        (("--path", str(registered.folder)), "path"),
        (("--path", str(other)), "github"),
    ):
        refused = registered.here("project", "set", "greeter", *options, "--json").expect(2)
        assert refused.document["field"] == field
    assert registered.facts() == before


def _git(stage: Stage, cwd: Path, *arguments: str) -> None:
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run([*git, *arguments], cwd=cwd, env=stage.environment, check=True, capture_output=True)


def test_the_project_of_a_folder_is_what_git_says(registered: Stage) -> None:
    """A linked worktree anywhere is of its repository, a submodule and a repository inside are not, also when
    HEAD is detached.
    """
    linked = registered.folder / "linked"
    _git(registered, registered.repository, "worktree", "add", "-q", "--detach", str(linked))
    _git(registered, registered.repository, "submodule", "add", "-q", str(registered.origin), "sub")
    _git(registered, registered.repository, "init", "-q", "nested")
    registered.git("checkout", "-q", "--detach")
    for inside in (linked, registered.repository):
        found = registered.here("project", "show", "--json", cwd=str(inside)).expect().document
        assert found["slug"] == "greeter"
    for other in ("sub", "nested"):
        folder = str(registered.repository / other)
        refused = registered.here(*CREATE, "--json", cwd=folder).expect(2)
        assert refused.document["field"] == "project"
    sub = registered.repository / "sub"
    own = registered.here("init", "--github", "acme/sub", "--json", cwd=str(sub)).expect().document
    assert own["slug"] == "sub"
    made = registered.here(*CREATE, "--json", cwd=str(sub)).expect().document
    assert made["project_id"] == own["id"]
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="x")


def test_a_bare_layout_is_one_project(stage: Stage) -> None:
    """`proj/.bare` with worktrees beside it: `init` in any of them, `create` in any other."""
    layout = stage.folder / "proj"
    layout.mkdir()
    _git(stage, layout, "clone", "-q", "--bare", str(stage.origin), ".bare")
    layout.joinpath(".git").write_text("gitdir: ./.bare\n")
    for name in ("one", "two"):
        _git(stage, layout, "worktree", "add", "-q", "-b", name, name, "main")
    made = stage.here("init", "--github", "acme/greeter", "--json", cwd=str(layout / "one")).expect().document
    assert (made["repo_path"], made["default_branch"]) == (str(layout / ".bare"), "main")
    for place in (layout, layout / "two"):
        created = stage.here(*CREATE, "--json", cwd=str(place)).expect().document
        assert created["project_id"] == made["id"]
