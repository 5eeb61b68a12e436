"""Every command and its document: stable names, the facts that a program needs, one document."""

import json
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stage import Stage

PROJECT = {
    "id", "version", "name", "slug", "repo_path", "worktree_base_path", "default_branch", "github_host",
    "github_owner", "github_repo", "startup_script", "startup_timeout_s", "startup_required", "archived",
    "created_at",
}  # fmt: skip
CARD = {
    "id", "name", "project", "source", "branch", "status", "status_reason", "column", "ratchet",
    "ratchet_state", "pr_state", "ci_status", "pull_request", "worktree_path", "warning", "error",
    "problem", "problems", "note",
}  # fmt: skip
WORKSPACE = {
    "id",
    "project_id",
    "name",
    "status",
    "branch",
    "base_branch",
    "source",
    "source_data",
    "created_at",
}
EXPLANATION = {
    "workspace_id", "decision", "decided_at", "why", "changes_when", "next_step", "failure", "url", "state",
    "head", "ci", "mergeability", "causes", "handled", "dispatches", "state_at", "checks_at",
    "conversation_at", "mergeability_at", "problem",
}  # fmt: skip


def test_init_registers_once(stage: Stage) -> None:
    """The project's facts; the same project again, also from a folder inside."""
    made = stage.ask("init", "--github", "acme/greeter")
    assert set(made) == PROJECT
    assert (made["slug"], made["github_owner"], made["repo_path"]) == (
        "greeter",
        "acme",
        str(stage.repository),
    )
    inside = stage.repository / "deep" / "inside"
    inside.mkdir(parents=True)
    again = stage.headway("init", "--name", "Other", "--json", cwd=str(inside)).expect()
    assert again.document == made
    assert "its name stays 'greeter'" in again.err


def test_init_says_how_a_registered_project_gets_another_script(stage: Stage) -> None:
    """The script that was given is not taken: the command that takes it is named, and works as printed."""
    stage.here("init", "--github", "acme/greeter").expect()
    told = stage.here("init", "--startup-script", "make setup").expect().err
    assert "greeter was registered before: it stays without a start-up script" in told
    assert "None" not in told
    command = shlex.split(told.split("to change it: headway ")[1])
    assert command == ["project", "set", "greeter", "--startup-script", "make setup"]
    stage.here(*command).expect()
    assert stage.here("init", "--startup-script", "make setup").expect().err == ""
    again = stage.here("init", "--startup-script", "make all").expect().err
    assert "its start-up script stays; to change it: headway project set greeter" in again


@pytest.mark.parametrize(
    ("options", "source", "branch"),
    [
        (("--name", "Fix login"), "MANUAL", "headway/fix-login"),
        (("--resume", "more"), "RESUME_BRANCH", "more"),
    ],
    ids=["name", "branch"],
)
def test_create_gives_the_new_workspace(
    registered: Stage, options: tuple[str, ...], source: str, branch: str
) -> None:
    """In NEW, at once, and the same again for the same key."""
    registered.git("branch", "more")
    made = registered.ask("workspace", "create", *options, "--key", "k", "--ratchet")
    assert set(made) >= WORKSPACE
    assert (made["status"], made["source"], made["branch"]) == ("NEW", source, branch)
    assert registered.ask("workspace", "create", *options, "--key", "k") == made
    (card,) = registered.ask("workspace", "list")
    assert set(card) == CARD
    assert (card["id"], card["status_reason"], card["ratchet"]) == (made["id"], "SETTING_UP", True)


def test_a_workspace_is_found_by_what_people_see(registered: Stage) -> None:
    """By branch, name, id or its beginning; two of one name are told apart."""
    made = registered.ask("workspace", "create", "--name", "Fix login")
    for word in (made["id"], made["id"][:8], "headway/fix-login", "Fix login"):
        assert registered.ask("workspace", "show", word)["id"] == made["id"]
    registered.ask("workspace", "create", "--name", "Fix login")
    said = registered.here("workspace", "show", "Fix login", "--json").expect(2)
    assert said.document["field"] == "workspace"
    assert made["id"] in said.document["message"]


def test_a_life_from_failure_to_archive(registered: Stage) -> None:
    """A start-up script fails and is told, `retry` runs it again, `archive` keeps what git ignores."""
    registered.here("workspace", "create", "--name", "First").expect()
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="First")
    shown = registered.ask("workspace", "show", "First")
    assert set(shown) == CARD | {"sessions", "init_output"}
    assert (shown["sessions"], set(shown["init_output"])) == ([], {"text", "cut"})
    worktree = Path(shown["worktree_path"])
    registered.commit({".gitignore": ".env\n"}, "Ignore")
    worktree.joinpath(".gitignore").write_text(".env\n")
    worktree.joinpath(".env").write_text("SECRET=1\n")
    held = registered.here("workspace", "archive", "First", "--json").expect(1)
    assert held.document["result"] == "HoldsIgnored"
    assert held.document["files"] == [".env"]
    assert worktree.joinpath(".env").exists()
    archived = registered.ask("workspace", "archive", "First", "--lose-ignored")
    assert archived["result"] == "Settled"
    assert archived["workspace"]["status"] == "ARCHIVED"
    assert archived["workspace"]["preserved"]  # the .gitignore that nobody committed
    assert not worktree.exists()
    assert registered.ask("workspace", "list") == []


def test_a_failed_script_is_shown_and_retried(stage: Stage) -> None:
    """The script's words are printed without what a terminal would obey; `retry` runs it again."""
    script = "printf 'no \\033[31mtools\\n'; exit 3"
    stage.here("init", "--github", "acme/greeter", "--startup-script", script).expect()
    stage.here("workspace", "create", "--name", "First").expect()
    with stage.running():
        stage.until("NO_SESSION_STARTED", workspace="First")
        people = stage.here("workspace", "show", "First").expect().out
        assert "no  [31mtools" in people
        assert "\x1b" not in people
        board = stage.here("workspace", "list").expect().out
        assert board.splitlines()[-1].startswith("First: ")
        assert "3" in board.splitlines()[-1]
        again = stage.ask("workspace", "retry", "First")
        assert again["status"] == "PROVISIONING"
        stage.until("NO_SESSION_STARTED", workspace="First")


def test_a_required_script_that_fails_is_a_failed_set_up(stage: Stage) -> None:
    """`init --startup-required`: no agent starts in the broken place, and its prompt waits for the retry."""
    stage.install("claude", "cat > prompt.txt\n")
    script = "test -e ../mended || exit 3"
    stage.here("init", "--github", "acme/greeter", "--startup-script", script, "--startup-required").expect()
    stage.here("workspace", "create", "--name", "First", "--prompt", "Go").expect()
    with stage.running():
        failed = stage.until("SETUP_FAILED", workspace="First")
        assert "exited with 3" in failed["error"]
        Path(failed["worktree_path"]).parent.joinpath("mended").touch()
        stage.ask("workspace", "retry", "First")
        stage.until("READY_FOR_NEXT_PROMPT", workspace="First", sessions=["COMPLETED"])
    assert Path(failed["worktree_path"]).joinpath("prompt.txt").read_text() == "Go"


def test_a_provisioning_is_cancelled(registered: Stage) -> None:
    """It has failed then, says why, and can be retried."""
    registered.headway("workspace", "create", "--name", "First").expect()
    ended = registered.ask("workspace", "cancel", "First")
    assert (ended["status"], ended["error"]) == ("FAILED", "cancelled")
    assert registered.ask("workspace", "show", "First")["status_reason"] == "SETUP_FAILED"
    assert registered.ask("workspace", "retry", "First")["status"] in {"NEW", "PROVISIONING"}


SESSION = {"id", "purpose", "label", "agent", "model", "status", "end_reason", "end_detail", "exit_code"}


def test_the_log_of_a_session_is_printed_also_after_it_failed(registered: Stage) -> None:
    """Followed to its end, and whole after the archive too, by a prefix of its id; no terminal obeys it."""
    registered.install("claude", "echo one; sleep 1; printf '\\033[31mtwo' >&2; exit 3\n")
    registered.here("workspace", "create", "--name", "First", "--prompt", "Fail").expect()
    idle = registered.ask("workspace", "show", "First")["sessions"][0]["id"]
    assert registered.here("session", "log", idle).expect().out == ""
    with registered.running():
        followed = registered.here("session", "log", idle[:8], "--follow").expect().out
        registered.until("SESSION_ERROR", workspace="First", sessions=["FAILED"])
        printed = registered.here("session", "log", idle[:8]).expect().out
        registered.here("workspace", "archive", "First").expect()
    assert followed == printed == "one\n [31mtwo\n"
    assert registered.here("session", "log", idle[:8]).expect().out == printed
    parts = [
        json.loads(line)
        for line in registered.here("session", "log", idle, "--json").expect().out.splitlines()
    ]
    assert "".join(part["text"] for part in parts) == "one\n\x1b[31mtwo"
    assert set(parts[0]) == {"text", "offset", "next_offset", "left_out"}
    missing = registered.here("session", "log", "nobody", "--json").expect(1)
    assert missing.document["error"] == "NotFound"


def test_an_agent_is_given_more_words_and_stopped(registered: Stage) -> None:
    """Also after a first session that failed; what waits for the runner is seen to start."""
    registered.install("claude", "cat > prompt.txt\n[ -e failed ] && exec sleep 600\ntouch failed\nexit 3\n")
    registered.here("workspace", "create", "--name", "First", "--prompt", "Fail").expect()
    with registered.running():
        registered.until("SESSION_ERROR", workspace="First", sessions=["FAILED"])
    begun = registered.ask("session", "start", "First", "Go on", "--model", "big")
    assert set(begun) == SESSION
    assert (begun["status"], begun["model"]) == ("IDLE", "big")
    card = registered.ask("workspace", "show", "First")
    assert card["status_reason"] == "STARTING_SESSION"
    with registered.running():
        card = registered.until("AGENT_WORKING", workspace="First", sessions=["FAILED", "RUNNING"])
        assert Path(card["worktree_path"], "prompt.txt").read_text() == "Go on"
        assert registered.ask("session", "stop", begun["id"])["status"] == "STOPPING"
        card = registered.until("READY_FOR_NEXT_PROMPT", workspace="First", sessions=["FAILED", "COMPLETED"])
    assert card["sessions"][1]["end_reason"] == "stopped_by_person"
    assert (
        registered.here("session", "stop", begun["id"])
        .expect()
        .out.endswith("chat claude COMPLETED (stopped_by_person)\n")
    )


def test_a_session_that_cannot_be_is_refused(registered: Stage) -> None:
    """Without words, or beyond the limit: it says why, and there is none."""
    registered.install("claude", "")
    registered.here("workspace", "create", "--name", "First").expect()
    refused = registered.here("session", "start", "First", " ", "--json").expect(2)
    assert refused.document["field"] == "prompt"
    registered.here("settings", "set", "session_limit", "0").expect()
    refused = registered.here("session", "start", "First", "Go", "--json").expect(1)
    assert refused.document["error"] == "Conflict"
    assert "0 live sessions" in refused.document["message"]
    assert registered.ask("workspace", "show", "First")["sessions"] == []


def test_the_ratchet_is_switched_held_and_explained(registered: Stage) -> None:
    """Each answers with the card, or with why."""
    made = registered.ask("workspace", "create", "--name", "First", "--no-ratchet")
    never = registered.here("explain", "First").expect().out
    assert never.startswith("decided: nothing was decided yet\nbecause: The ratchet is off.\n")
    assert f"headway ratchet on {made['id']}" in never
    assert registered.ask("explain", "First")["decision"] is None
    on = registered.ask("ratchet", "on", "First")
    assert set(on) == CARD
    assert on["ratchet"] is True
    assert set(registered.ask("ratchet", "hold", "First")) == CARD
    why = registered.ask("ratchet", "check", "First")
    assert set(why) >= EXPLANATION
    assert why["decision"]["kind"] in {"Held", "Wait"}
    assert set(registered.ask("ratchet", "release", "First")) == CARD
    assert registered.ask("ratchet", "off", "First")["ratchet"] is False
    why = registered.ask("explain", "First")
    assert set(why) >= EXPLANATION
    people = registered.here("explain", "First").expect().out
    assert people.startswith("decided: ")
    assert "because: " in people


def test_settings_are_shown_as_they_are_set(registered: Stage) -> None:
    """What `show` prints after `=` is what `set` takes."""
    shown = registered.here("settings", "show").expect().out
    assert "act_on_first_failure = false\n" in shown
    for line in shown.splitlines()[:6]:
        name, _, value = line.partition(" = ")
        assert registered.here("settings", "set", name, value).expect().out == f"{line}\n"
    changed = registered.ask("settings", "set", "trusted", '["grace"]')
    assert changed["trusted"] == ["grace"]
    assert registered.ask("settings", "show") == changed


def test_up_writes_a_document_a_change(registered: Stage) -> None:
    """One line each, whole, until it is interrupted: then it ends with 0 and leaves the facts."""
    registered.headway("workspace", "create", "--name", "First").expect()
    up = subprocess.Popen(
        registered.command("up", "--json"),
        cwd=registered.repository,
        env=registered.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen: list[dict[str, Any]] = []
    assert up.stdout is not None
    for line in up.stdout:
        seen.append(json.loads(line))
        if seen[-1]["status"] == "READY":
            up.send_signal(signal.SIGTERM)
            break
    _, errors = up.communicate(timeout=30)
    assert up.returncode == 0, errors
    assert errors == ""
    assert all(set(card) == CARD for card in seen)
    assert registered.ask("workspace", "show", "First")["status"] == "READY"


def test_who_stops_reading_hears_no_more(registered: Stage) -> None:
    """`headway up | head -1`: it ends by itself, without a traceback."""
    registered.headway("workspace", "create", "--name", "First").expect()
    up = subprocess.Popen(
        registered.command("up", "--json"),
        cwd=registered.repository,
        env=registered.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert up.stdout is not None
    up.stdout.readline()
    up.stdout.close()
    registered.headway("workspace", "create", "--name", "Second").expect()
    assert up.wait(30) == 1
    assert up.stderr is not None
    assert up.stderr.read() == ""
    up.stderr.close()
