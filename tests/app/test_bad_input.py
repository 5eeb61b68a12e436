"""Bad input through the command: a clear error, a code, a document for programs; nothing half done."""

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from stage import Said, Stage, canned

CREATE = ("workspace", "create")

WRONG = {
    "unknown option": ((*CREATE, "--nmae", "x"), "command line", "--name"),
    "unknown command": (("wrkspace",), "command line", "wrkspace"),
    "option without a value": ((*CREATE, "--name"), "command line", "--name"),
    "no source": (CREATE, "name", "--resume"),
    "two sources": ((*CREATE, "--resume", "a", "--issue", "3"), "issue", "--resume"),
    "an option of another source": ((*CREATE, "--issue", "3", "--prompt", "p"), "prompt", "--issue"),
    "empty name": ((*CREATE, "--name", " "), "name", "1 to 200"),
    "control character": ((*CREATE, "--name", "a\x1b[2Jb"), "name", "control"),
    "prompt without use": (
        (*CREATE, "--name", "x", "--prompt", "p", "--session", "idle"),
        "prompt",
        "no use",
    ),
    "start without a prompt": ((*CREATE, "--resume", "x", "--session", "start"), "prompt", "needs one"),
    "hostile base": ((*CREATE, "--name", "x", "--base=--exec=x"), "base", "branch name"),
    "no such branch": ((*CREATE, "--resume", "nowhere"), "resume", "here or on origin"),
    "hostile resume": ((*CREATE, "--resume", "../../etc"), "resume", "branch name"),
    "no issue": ((*CREATE, "--issue", "seven"), "issue", "neither a number"),
    "issue of another repository": (
        (*CREATE, "--issue", "https://github.com/acme/other/issues/7", "--session", "none"),
        "issue",
        "github.com/acme/greeter",
    ),
    "issue of another host": (
        (*CREATE, "--issue", "https://evil.example/acme/greeter/issues/7", "--session", "none"),
        "issue",
        "github.com/acme/greeter",
    ),
    "empty key": ((*CREATE, "--name", "x", "--key", ""), "key", "1 to 200"),
    "no repository": (("init", "/"), "path", "no git repository"),
    "no folder": (("init", "/nowhere/at/all"), "path", "nowhere"),
    "no owner/name": (("init", "--github", "greeter"), "github", "owner/name"),
    "no slug": (("init", "--github", "a/b", "--slug", "A B"), "slug", "a-z"),
    "no setting": (("settings", "set", "quiet", "3"), "quiet", "no such setting"),
    "no value of a setting": (("settings", "set", "quiet_time_s", "soon"), "quiet_time_s", "soon"),
    "no such agent": (("session", "start", "Known", "p", "--agent", "nobody"), "agent", "nobody"),
    "no such default agent": (
        ("settings", "set", "default_agent", "nope"),
        "default_agent",
        "configured: claude",
    ),
    "too little": (("settings", "set", "cadence_hot_s", "0"), "cadence_hot_s", "at least 1"),
}


def expect_sentence(said: Said) -> None:
    """People are told the sentence of the document, and below it at most one line: what to do."""
    sentence, *below = said.err.splitlines()
    assert sentence == f"headway: {said.document['message']}"
    assert len(below) <= 1
    assert all(line.startswith("headway: ") for line in below)


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_names_its_field(untouched: Stage, case: str) -> None:
    """Code 2, the field for programs, a sentence for people, and everything as it was."""
    arguments, field, words = WRONG[case]
    before = untouched.facts()
    said = untouched.here(*arguments, "--json").expect(2)
    assert said.document["error"] == "InvalidInput"
    assert said.document["field"] == field
    assert words in said.document["message"]
    expect_sentence(said)
    assert untouched.facts() == before


@pytest.mark.parametrize(
    "branch",
    [
        "--upload-pack=x",
        "-d",
        "a..b",
        "../../x",
        "x.lock",
        "a b",
        "@{-1}",
        "a\nb",
        "a\x1b[31m",
        ".git",
        "/",
        "~",
    ],
)
def test_a_hostile_branch_name_is_refused(untouched: Stage, branch: str) -> None:
    """It reaches no git command as an option or a path, and no terminal as a control sequence."""
    before = untouched.facts()
    said = untouched.here(*CREATE, "--name", "x", f"--branch={branch}", "--json").expect(2)
    assert said.document["field"] == "branch"
    assert "\x1b" not in said.err
    assert untouched.facts() == before


UNDOABLE = {
    "unknown project": ((*CREATE, "--name", "x", "--project", "nope"), "NotFound", "no project 'nope'"),
    "unknown workspace": (("workspace", "show", "nope"), "NotFound", "no workspace 'nope'"),
    "branch that exists": ((*CREATE, "--name", "x", "--branch", "main"), "Conflict", "it exists"),
    "branch that is checked out": ((*CREATE, "--resume", "main"), "Conflict", "checked out"),
    "branch of another workspace": (
        (*CREATE, "--name", "x", "--branch", "headway/known"),
        "Conflict",
        "headway/known",
    ),
    "nothing to retry": (("workspace", "retry", "Known"), "IllegalTransition", "NEW"),
    "agent that is not installed": (
        (*CREATE, "--name", "x", "--prompt", "p"),
        "Unavailable",
        "'claude' is not installed",
    ),
    "agent of a session that is not installed": (
        ("session", "start", "Known", "p"),
        "Unavailable",
        "'claude' is not installed",
    ),
    "unknown session": (("session", "stop", "nope"), "NotFound", "no session 'nope'"),
    "no token for an issue": (
        (*CREATE, "--issue", "3", "--session", "none"),
        "PermissionDenied",
        "GITHUB_TOKEN",
    ),
    "another project of the repository": (("init", "--github", "acme/other"), "Conflict", "acme/greeter"),
}


@pytest.mark.parametrize("case", UNDOABLE)
def test_what_cannot_be_done_says_why(untouched: Stage, case: str) -> None:
    """Code 1, the kind of error for programs, its cause for people, and everything as it was."""
    arguments, kind, words = UNDOABLE[case]
    before = untouched.facts()
    said = untouched.here(*arguments, "--json").expect(1)
    assert said.document["error"] == kind
    assert words in said.document["message"]
    expect_sentence(said)
    assert untouched.facts() == before


def test_outside_of_every_project_one_is_asked_for(untouched: Stage) -> None:
    """A workspace needs a project; which, the folder tells or --project."""
    said = untouched.here(*CREATE, "--name", "x", "--json", cwd=str(untouched.folder)).expect(2)
    assert said.document["field"] == "project"
    assert "headway init" in said.document["message"]


# GitHub


NONSENSE = {
    "HTML": (b"<html><body>Unicorn!</body></html>", 200, "no JSON"),
    "an HTML error": (b"<html><body>Unicorn!</body></html>", 502, "502"),
    "truncated JSON": (b'{"data": {"viewer": {"lo', 200, "no JSON"),
    "no object": (b"[]", 200, "no JSON object"),
    "wrong types": (
        b'{"data": {"viewer": 3, "repository": {"issue": {"number": "seven"}}}}',
        200,
        "",
    ),
    "null": (b'{"data": null}', 200, "neither data nor errors"),
    "no such address": (b'{"message": "Not Found"}', 404, "404"),
    "a refused token": (b'{"message": "Bad credentials"}', 401, "401"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_a_look_that_failed_says_so_and_keeps_the_facts(provisioned: Stage, case: str) -> None:
    """`ratchet check` on a GitHub that answers nonsense: code 1, the cause, and every fact kept."""
    body, status, words = NONSENSE[case]
    kept = ("projects", "workspaces", "pull_requests", "sessions", "dispatches")
    before = provisioned.facts(*kept)
    with canned(body, status=status) as url:
        said = provisioned.here(
            *("ratchet", "check", "Known", "--json"), HEADWAY_GITHUB_API_URL=url, GITHUB_TOKEN="ghp_secret"
        ).expect(1)
    assert said.document["error"] in {"Unavailable", "PermissionDenied"}
    assert words in said.document["message"]
    assert "github: " in said.err
    assert "Unicorn" not in said.err
    assert "ghp_secret" not in said.err + said.out
    assert provisioned.facts(*kept) == before


def test_a_github_that_is_down_is_told(provisioned: Stage) -> None:
    """Nobody listens: code 1, and no traceback of a library."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        said = provisioned.here(
            *("ratchet", "check", "Known", "--json"), HEADWAY_GITHUB_API_URL=url, GITHUB_TOKEN="t"
        ).expect(1)
    assert said.document == {
        "error": "Unavailable",
        "message": "github: there is no connection to GitHub",
        "field": None,
        "retry_after": None,
    }


def test_an_issue_that_cannot_be_read_makes_a_whole_workspace(registered: Stage) -> None:
    """The work does not wait for GitHub; people are told, and the prompt says that the text is missing."""
    registered.install("claude", "")
    with canned(b"<html>", status=502) as url:
        said = registered.here(
            *(*CREATE, "--issue", "7", "--json"),
            HEADWAY_GITHUB_API_URL=url,
            GITHUB_TOKEN="t",
        ).expect()
    assert said.document["name"] == "Issue #7"
    assert "issue #7 is missing" in said.err
    with closing(sqlite3.connect(registered.data / "headway.db")) as connection:
        ((text,),) = connection.execute("SELECT text FROM prompts").fetchall()
    assert "Its text could not be read" in text


# Configuration and files


def test_a_broken_file_is_named_with_its_line(untouched: Stage) -> None:
    """`config.toml` by its whole path, the line by its number."""
    path = untouched.data / "config.toml"
    path.write_text('database = "x"\n\n[agents.codex\n')
    try:
        said = untouched.here("workspace", "list", "--json").expect(2)
    finally:
        path.unlink()
    assert said.document["field"] == str(path)
    assert "line 3" in said.document["message"]


@pytest.mark.parametrize("name", ["HEADWAY_LOG", "HEADWAY_DATABASE", "HEADWAY_GITHUB_API_URL"])
def test_a_broken_variable_is_named(untouched: Stage, name: str) -> None:
    """The variable, or the key of the file that it stands for."""
    said = untouched.here("workspace", "list", "--json", **{name: "ftp://nonsense"}).expect(2)
    assert said.document["field"] in {name, name.removeprefix("HEADWAY_").lower()}


def test_the_database_of_another_application_is_left_alone(stage: Stage, tmp_path: Path) -> None:
    """It is refused by its field, and not a byte of it changes."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE songs (title)")
        connection.commit()
    before = other.read_bytes()
    said = stage.headway("workspace", "list", "--json", HEADWAY_DATABASE=f"sqlite:///{other}").expect(2)
    assert said.document["field"] == "database"
    assert "another application" in said.document["message"]
    assert other.read_bytes() == before
    assert not list(tmp_path.glob("other.db-*"))


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_data_directory_that_is_none_is_named(stage: Stage, tmp_path: Path, place: str) -> None:
    """Neither `config.toml` nor a traceback is blamed."""
    file = tmp_path / "file"
    file.write_text("")
    folder = file if place == "a file" else file / "data"
    said = stage.headway("workspace", "list", "--json", HEADWAY_DATA=str(folder)).expect(1)
    assert said.document["error"] == "Unavailable"
    assert str(folder) in said.document["message"]


def test_a_second_runner_is_refused(registered: Stage) -> None:
    """One runner a host: the second ends with a message, also as a document."""
    import fcntl  # noqa: PLC0415  no other test needs it

    locks = registered.data / "locks"
    locks.mkdir(mode=0o700)
    with locks.joinpath("runner.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = registered.headway("up", "--json").expect(1)
    assert json.loads(said.out)["error"] == "Conflict"
    assert "another process runs this host" in said.err
