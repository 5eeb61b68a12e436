"""The small examples are executed; `nox -s example` runs the large one."""

import re

from documents import ROOT
from stage import Stage


def test_an_application_embeds_headway_with_its_own_agent(stage: Stage) -> None:
    """Its agent's commit is on a branch of its own, the events were told in order, and it ended."""
    program, repository = ROOT / "examples" / "embed.py", str(stage.repository)
    said = stage.program(program, repository, "acme/greeter", "Greet in Welsh")
    *told, last = said.splitlines()
    events = [line.split()[1] for line in told]
    assert events[0] == "workspace.created"
    assert events[-1] == "session.ended"
    assert last.startswith("READY_FOR_NEXT_PROMPT: headway/greet-in-welsh in ")
    assert stage.git("show", "headway/greet-in-welsh:NOTES.md") == "- Greet in Welsh\n"


def test_an_application_brings_a_forge_of_its_own(stage: Stage) -> None:
    """At most 60 lines, of two modules of ours; a fixer mends the one pull request of a forge in memory."""
    program = ROOT / "examples" / "embed_in_memory.py"
    text = program.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    ours = re.findall(r"^(?:from|import) (headway\w*)", text, re.MULTILINE)
    assert set(ours) == {"headway", "headway_testing"}
    said = stage.program(program)
    assert said.splitlines()[-2:] == ["READY_TO_MERGE READY", "COMPLETED: CI"]
