"""What archives keep, as people meet it at the command: told, listed, restored, dropped."""

import subprocess
import time
from pathlib import Path

import pytest
from stage import LIMIT_S, Stage

pytestmark = pytest.mark.lesson("L7")

SECRET = "SECRET of 42 words"
NESTED = 'mkdir n; cd n; git init -q; echo "$SECRET" >p; git add .; git commit -qm p; cd ..;'
KINDS = {
    "gone": ('rm .git; echo "$SECRET" >p', "folder"),
    "another": ('rm .git; git init -q; echo "$SECRET" >p; git add .; git commit -qm p', "folder"),
    "nested": (f"{NESTED} git add .; git commit -qm n", "folder"),
    "submodule": (
        (
            'git submodule add -q "$LIB" lib; cd lib; echo "$SECRET" >p; git add .; git commit -qm p; cd ..;'
            " git add .; git commit -qm bump"
        ),
        "folder",
    ),
    "assumed": (
        'git update-index --assume-unchanged greeting.txt; echo "$SECRET" >>greeting.txt',
        "branch",
    ),
    "detached": (
        'git checkout -q --detach; echo "$SECRET" >p; git add .; git commit -qm d; git checkout -q -',
        "git",
    ),
}


def agent(stage: Stage, worktree: Path, script: str) -> None:
    """What an agent does in a worktree."""
    identity = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    allowed = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    more = {"SECRET": SECRET, "LIB": str(stage.origin), **identity, **allowed}
    subprocess.run(
        ["bash", "-c", script],
        cwd=worktree,
        env={**stage.environment, **more},
        check=False,
        capture_output=True,
    )


def test_what_status_does_not_show_is_told_listed_and_restored(registered: Stage) -> None:
    """Each way of hiding work: it is said where it is, and a new workspace has it."""
    for kind in KINDS:
        registered.here("workspace", "create", "--name", kind).expect()
    with registered.running():
        ids = {}
        for kind, (script, _) in KINDS.items():
            card = registered.until("NO_SESSION_STARTED", workspace=kind)
            ids[kind] = card["id"]
            agent(registered, Path(card["worktree_path"]), script)
        said = {kind: registered.here("workspace", "archive", kind).expect().out for kind in KINDS}
        for kind, (_, place) in KINDS.items():
            expected = {
                "branch": f"refs/heads/headway/{kind}",
                "git": f"refs/headway/preserved/{ids[kind]}/git",
                "folder": str(
                    registered.data / f"worktrees/greeter/.headway-preserved/{ids[kind]}/1/worktree"
                ),
            }[place]
            assert said[kind].startswith(f"{ids[kind]} ARCHIVED, work kept at {expected}\n")
            assert (f"headway workspace restore {ids[kind]}" in said[kind]) is (place != "branch")
        listed = registered.here("workspace", "preserved").expect().out
        assert [kind for kind in KINDS if ids[kind] not in listed] == ["assumed"]
        registered.here("workspace", "restore", "gone").expect()
        back = registered.until("NO_SESSION_STARTED", workspace="gone")
    assert Path(back["worktree_path"], "p").read_text().strip() == SECRET
    assert "worktree are here" in registered.ask("workspace", "show", "gone")["init_output"]["text"]
    dropped = registered.here("workspace", "preserved", "drop", ids["nested"]).expect().out
    assert dropped == f"{ids['nested']}: nothing is preserved any more; its branch headway/nested stays\n"
    kept = {each["workspace_id"]: each for each in registered.ask("workspace", "preserved")}
    assert set(kept) == {ids[kind] for kind in ("gone", "another", "submodule", "detached")}
    assert all(each["size"] > 0 for each in kept.values())


@pytest.mark.lesson("L9")
def test_a_runner_removes_no_worktree_that_it_did_not_leave(registered: Stage) -> None:
    """A person's own beside ours, and one that another database on the same data directory has."""
    base = registered.data / "worktrees/greeter"
    registered.here("workspace", "create", "--name", "first").expect()
    with registered.running():
        first = Path(registered.until("NO_SESSION_STARTED", workspace="first")["worktree_path"])
    registered.git("worktree", "add", "-q", str(base / "mine"), "-b", "mine")
    other = {"HEADWAY_DATABASE": f"sqlite:///{registered.data / 'other.db'}"}
    registered.here("init", "--github", "acme/greeter", **other).expect()
    registered.here("workspace", "create", "--name", "second", **other).expect()
    with registered.running(**other) as up:
        deadline = time.monotonic() + LIMIT_S
        while "READY" not in registered.here("workspace", "show", "second", **other).expect().out:
            assert time.monotonic() < deadline
            time.sleep(0.2)  # noqa: TID251  another process works on the real clock
    assert up.returncode == 0
    assert first.joinpath("greeting.txt").exists()
    assert base.joinpath("mine/greeting.txt").exists()
    with registered.running():
        registered.here("workspace", "create", "--name", "third").expect()
        registered.until("NO_SESSION_STARTED", workspace="third")
    assert {path.name.partition("-")[0] for path in base.iterdir()} == {"first", "second", "third", "mine"}
