"""Commit statuses that a person must release: a status has no word for that, so its description tells.

The services say it in many ways: a hold of a pipeline ("Your job needs approval"), a deployment of a
stranger ("Authorization required to deploy."), a licence that nobody signed yet, a policy that wants an
approval. What such a text is about no commit can mend, and no time passes it by.
"""

import re

from headway_core.pull_requests.model import CheckOutcome

_RELEASE = (
    r"(?:approv(?:al|als|e|ed)\b|authori[sz](?:ation|ed?)\b|permission\b|sign-?off\b|signature\b|confirmation\b"
    r"|manual (?:\w+ ){0,2}?(?:action|step|trigger|review|start|intervention|approval|job|gate|release)s?\b"
    r"|(?:an? |the )?(?:admin|maintainer|reviewer|code ?owner|human|person)s?\b)"
)
_WAITS = (
    r"\b(?:await(?:s|ing)|wait(?:s|ing)? (?:for|on)|pending|needs?|requires?|missing|lacks"
    r"|blocked (?:by|on|for))"
)
_SAYS = (
    re.compile(rf"{_WAITS} (?:\w+ ){{0,4}}?{_RELEASE}", re.IGNORECASE),
    re.compile(
        r"\b(?:approval|authori[sz]ation|sign-?off|signature|manual \w+|review)s? "
        r"(?:is |are )?(?:still )?(?:required|needed|missing|pending|outstanding)\b",
        re.IGNORECASE,
    ),
)
_SAYS_WHILE_PENDING = (
    *_SAYS,
    re.compile(rf"{_WAITS} (?:\w+ ){{0,4}}?(?:reviews?\b|lgtm\b|/?ok-to-test\b)", re.IGNORECASE),
    re.compile(r"\bon hold\b", re.IGNORECASE),
    re.compile(r"\bblocked\b(?! (?:by|on)\b)|\bunblock(?:ed)?\b", re.IGNORECASE),
    re.compile(r"\badmins? (?:to )?verify\b", re.IGNORECASE),
    re.compile(r"\bnot (?:yet )?(?:been )?(?:signed|approved|authori[sz]ed|released)\b", re.IGNORECASE),
    re.compile(r"\b0 ?(?:/|of) ?\d+ (?:\w+ ){0,2}?approv", re.IGNORECASE),
    re.compile(r"\bmanual(?:ly)?\b.{0,20}\b(?:start|trigger|release|approve)", re.IGNORECASE),
)
_BROKE = re.compile(
    r"\b(?:fail(?:s|ed|ures?|ing)?|errors?|crash(?:ed)?|exception|exit(?:ed)?)\b", re.IGNORECASE
)
"""A failure that also speaks of an approval is a failure: a test may be named after one."""


def waits_for_person(outcome: CheckOutcome, description: str | None) -> bool:
    """Whether the description of a status that counts as `outcome` says that a person must release it."""
    if not description or outcome is CheckOutcome.PASSED:
        return False
    if outcome is CheckOutcome.FAILED:
        return not _BROKE.search(description) and any(says.search(description) for says in _SAYS)
    return any(says.search(description) for says in _SAYS_WHILE_PENDING)
