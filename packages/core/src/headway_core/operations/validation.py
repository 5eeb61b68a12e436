"""What a new workspace is asked to be: names and prompts, checked. Pure."""

import re
import unicodedata

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.outside_text import unstorable

NAME_LENGTH = 200
PROMPT_LENGTH = 100_000

_SPACE = re.compile(r"\s+")


def given_name(text: str) -> str:
    """A name as a person gave it, trimmed. `InvalidInput("name")` when it can't be one."""
    name = text.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidInput("name", f"must be 1 to {NAME_LENGTH} characters")
    if any(unicodedata.category(character).startswith("C") for character in name):
        raise InvalidInput("name", "must not contain control characters")
    return name


def name_from_outside(text: str, *, otherwise: str) -> str:
    """A name made of text that nobody vouches for: one printable line, cut; `otherwise` if none is left."""
    visible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
    return _SPACE.sub(" ", visible).strip()[:NAME_LENGTH].strip() or otherwise


def issue_words(number: int) -> str:
    """What is called by an issue, where its title is a stranger's and an agent reads the name."""
    return f"issue-{number}"


def issue_name(number: int, title: str | None) -> str:
    """What a workspace of an issue is called where no person says so."""
    return name_from_outside(title or "", otherwise=f"Issue #{number}")


def given_prompt(text: str | None) -> str | None:
    """A person's prompt, or None when it is blank. `InvalidInput("initial_prompt")` when it is too long."""
    if text is None or not text.strip():
        return None
    if len(text) > PROMPT_LENGTH:
        raise InvalidInput("initial_prompt", f"must be text of at most {PROMPT_LENGTH} characters")
    if (problem := unstorable(text)) is not None:
        raise InvalidInput("initial_prompt", problem)
    return text
