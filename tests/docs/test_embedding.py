"""docs/embedding.md: its applications run, again and again."""

import hmac
from pathlib import Path

import attrs
import pytest
from examples_of_guides import EXAMPLES, as_a_stranger, loaded
from stage import Stage

import headway


def _todo(stage: Stage, *titles: str) -> str:
    """Call the to-do list, as its first lines say; what it prints."""
    return stage.program(EXAMPLES / "todo.py", str(stage.repository), "acme/greeter", *titles)


def test_the_to_do_list_goes_on_where_it_was(stage: Stage) -> None:
    """A second call does what is new, and repeats nothing."""
    stage.install("claude", "cat > done.txt\n")
    assert _todo(stage, "Sweep") == "Sweep: COMPLETED\n"
    assert _todo(stage, "Sweep", "Dust") == "Dust: COMPLETED\nSweep: COMPLETED\n"
    made = stage.folder.glob("headway.db.d/worktrees/greeter/*/done.txt")
    assert sorted(path.read_text() for path in made) == ["Dust", "Sweep"]


@pytest.mark.anyio
async def test_a_web_application_has_headway_for_as_long_as_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its requests can call operations, and a second one on the same host is refused."""
    monkeypatch.chdir(tmp_path)
    lifespan = loaded("lifespan").lifespan
    async with lifespan(None) as state:
        assert await state["hw"].workspaces.list() == []
        with pytest.raises(headway.Conflict):
            async with lifespan(None):
                pass
    async with lifespan(None) as state:
        assert await state["hw"].projects.list() == []


@pytest.mark.anyio
async def test_an_outcome_is_matched(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follow-up prompt starts a session, and past the limit of the workspace it does not."""
    monkeypatch.chdir(stage.folder)
    follow_up = loaded("follow_up").follow_up
    async with headway.open("sqlite:///headway.db") as hw:
        await hw.settings.change(session_limit=1)
        project = await hw.projects.register(str(stage.repository), github="acme/greeter")
        workspace = await hw.workspaces.create(headway.Manual(project_id=project.id, name="Sweep"))
        assert "starts as soon as" in await follow_up(hw, workspace.id, "Mention it in the README too.")
        assert "has 1 live sessions" in await follow_up(hw, workspace.id, "And in the guide.")


@pytest.mark.anyio
async def test_a_delivery_is_answered_by_what_came_of_it(tmp_path: Path) -> None:
    """One that is signed is taken; a forged one, one that is none and one without a secret are refused."""
    deliver = loaded("webhooks").deliver
    body = b'{"zen": "Keep it logically awesome."}'
    signature = f"sha256={hmac.new(b'quiet', body, 'sha256').hexdigest()}"
    signed = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": signature}
    config = headway.Config(data_dir=tmp_path, database=f"sqlite:///{tmp_path}/headway.db")
    async with headway.open(config=config) as hw:
        assert await deliver(hw, signed, body) == 503
    async with headway.open(config=attrs.evolve(config, webhook_secrets=("quiet",))) as hw:
        assert await deliver(hw, signed, body) == 204
        assert await deliver(hw, signed, b"{}") == 401
        assert await deliver(hw, {"X-Hub-Signature-256": signature}, body) == 400


def test_the_tests_of_the_to_do_list_pass(tmp_path: Path) -> None:
    """On asyncio and on Trio, by a pytest that knows nothing of this repository."""
    assert "4 passed" in as_a_stranger("test_todo.py", tmp_path)
