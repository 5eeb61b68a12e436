"""docs/agents.md: its agents work as it says, and what it shows of prompts and answers is so."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import attrs
from documents import ROOT, blocks, commands, text
from stage import Stage

from headway_core.forge_actions import agent_output
from headway_core.pull_requests.model import CheckOutcome, Mergeability, PullRequestFacts
from headway_core.ratchet.causes import causes_of
from headway_core.ratchet.prompt import fixer_prompt
from headway_core.ratchet.trust import Trust
from headway_core.settings.model import SettingsRecord
from headway_testing.conversations import a_thread, some_facts
from headway_testing.observations import a_check

PAGE = "docs/agents.md"
TRUST = Trust(settings=SettingsRecord())
TARGET = agent_output.Target(
    head="work", base="main", has_pull_request=False, threads=frozenset({"<id>", "T_1"}), may_reply=True
)


def test_the_first_agent_of_the_page_works_as_the_page_installs_it(stage: Stage) -> None:
    """Installed, configured and called by the lines of the page, it pushes what its prompt says."""
    (script,) = blocks(PAGE, "sh")
    (configuration,) = blocks(PAGE, "toml")
    stage.install("notes", script.removeprefix("#!/bin/sh\n"))
    stage.data.joinpath("config.toml").write_text(configuration)
    *typed, up = commands(PAGE, mentioning="workspace create")
    for line in typed:
        stage.here(*shlex.split(line)[1:]).expect()
    assert up == "headway up"
    with stage.running():
        stage.until("READY_FOR_NEXT_PROMPT", workspace="Write a guide", sessions=["COMPLETED"])
    stage.git("fetch", "--quiet", "origin")
    assert stage.git("show", "origin/headway/write-a-guide:NOTES.md").strip() == "Explain how to install it."


def _small_agent(stage: Stage, prompt: str) -> subprocess.CompletedProcess[str]:
    """Run the small agent in the repository, with an empty folder for its answers."""
    out = stage.folder / "out"
    out.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "small_agent.py")],
        input=prompt,
        cwd=stage.repository,
        env={**stage.environment, "HEADWAY_OUT": str(out)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _fixer_prompt(facts: PullRequestFacts) -> str:
    return fixer_prompt(facts, causes_of(facts, TRUST), TRUST).text


def test_the_whole_agent_asks_for_a_pull_request(stage: Stage) -> None:
    """A person's words are committed and pushed, and what it leaves is taken."""
    assert _small_agent(stage, "Explain how to install it.").returncode == 0
    asked = stage.folder.joinpath("out", "pull-request.json").read_bytes()
    assert len(agent_output.pull_request(asked, TARGET)) == 1
    assert "Explain how to install it." in stage.git("show", "origin/main:NOTES.md")


def test_the_whole_agent_answers_reviewers(stage: Stage) -> None:
    """A real prompt of a fixer with a review thread leaves an answer that is taken."""
    assert _small_agent(stage, _fixer_prompt(some_facts(threads=(a_thread(),)))).returncode == 0
    answers = stage.folder.joinpath("out", "replies.json").read_bytes()
    assert len(agent_output.replies(answers, TARGET).orders) == 2


def test_the_whole_agent_says_what_it_can_not_do(stage: Stage) -> None:
    """It fails at failed checks, and leaves nothing."""
    failed = some_facts(checks=(a_check(outcome=CheckOutcome.FAILED),))
    assert _small_agent(stage, _fixer_prompt(failed)).returncode == 1
    assert list(stage.folder.joinpath("out").iterdir()) == []


def _shape(value: object) -> object:
    """The keys of a document, without its values."""
    match value:
        case dict():
            return {key: _shape(inner) for key, inner in value.items()}
        case list():
            return [_shape(inner) for inner in value]
        case _:
            return None


def test_the_data_of_a_fixer_s_prompt_have_the_shape_that_is_shown() -> None:
    """Failed checks, a conflict and a thread, with the keys of the page and no others."""
    (shown,) = blocks(PAGE, "json")
    facts = some_facts(
        checks=(attrs.evolve(a_check(outcome=CheckOutcome.FAILED), summary="1 failed"),),
        mergeability=Mergeability.CONFLICT,
        threads=(a_thread(),),
    )
    _, _, rest = _fixer_prompt(facts).partition("```json\n")
    assert _shape(json.loads(rest.partition("\n```")[0])) == _shape(json.loads(shown))


def test_the_answers_that_are_shown_are_taken() -> None:
    """Both files as they stand there."""
    shown = dict(re.findall(r"^- `([a-z-]+\.json)`: `(.+?)`", text(PAGE), re.MULTILINE))
    assert len(agent_output.pull_request(shown["pull-request.json"].encode(), TARGET)) == 1
    taken = agent_output.replies(shown["replies.json"].encode(), TARGET)
    assert (len(taken.orders), taken.refused) == (2, ())


def test_every_variable_that_is_told_of_is_set(stage: Stage) -> None:
    """An agent that prints its environment has each variable of the page that begins with HEADWAY_."""
    stage.install("notes", "env > environment.txt\n")
    stage.data.joinpath("config.toml").write_text('[agents.notes]\ncommand = ["notes"]\n')
    stage.here("settings", "set", "default_agent", "notes").expect()
    stage.here("workspace", "create", "--name", "Look around", "--prompt", "Look.").expect()
    with stage.running():
        card = stage.until("READY_FOR_NEXT_PROMPT", workspace="Look around", sessions=["COMPLETED"])
    seen = Path(card["worktree_path"], "environment.txt").read_text()
    told = set(re.findall(r"HEADWAY_[A-Z]+", text(PAGE)))
    assert told == set(re.findall(r"^(HEADWAY_[A-Z]+)=", seen, re.MULTILINE))
