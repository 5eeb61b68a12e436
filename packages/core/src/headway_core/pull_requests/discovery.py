"""Asking the forge for a group of workspaces of one project: which pull request, and what it says."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.ports import (
    Candidate,
    FailureKind,
    FetchFailed,
    Observation,
    PullRequests,
)
from headway_core.workspaces.model import ResumeBranchSource, Workspace

_CLOCK_SKEW = timedelta(minutes=1)
"""GitHub's clock and ours may differ by so much."""
_UNREPORTED = FetchFailed(kind=FailureKind.NONSENSE, problem="the forge did not answer for it")


class Asking(Protocol):
    """A fetch that was begun."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def project(self) -> Project: ...
    @property
    def node_id(self) -> str | None: ...
    @property
    def looks(self) -> bool: ...


@attrs.frozen(kw_only=True)
class Seen:
    """What a fetch found for one workspace."""

    observation: Observation | FetchFailed | None = None
    """Of the pull request that is attached, or is to be; None when there is none."""
    attach: str | None = None
    """Node id of the pull request that is to be attached; None: it stays as it is."""
    tied: tuple[int, ...] = ()
    """Numbers of several of the branch, of which none goes first."""


async def look(forge: PullRequests, group: Sequence[Asking]) -> dict[str, Seen]:
    """Ask for a group of one project: one query for the branches, then one for all that is observed."""
    project = group[0].project
    found = await _of_branches(forge, project, [each for each in group if each.looks])
    seen: dict[str, Seen] = {}
    wanted: dict[str, str] = {}
    for each in group:
        workspace_id = each.workspace.id
        answer = found.get(workspace_id, ())
        if isinstance(answer, FetchFailed) and each.node_id is None:
            seen[workspace_id] = Seen(observation=answer)
            continue
        chosen = () if isinstance(answer, FetchFailed) else choose(answer, each.workspace, project)
        if len(chosen) == 1:
            wanted[workspace_id] = chosen[0].node_id
            seen[workspace_id] = Seen(attach=chosen[0].node_id)
        else:
            seen[workspace_id] = Seen(tied=tuple(sorted(candidate.number for candidate in chosen)))
            if each.node_id is not None:
                wanted[workspace_id] = each.node_id
    answers = await forge.observe(project, sorted(set(wanted.values()))) if wanted else {}
    for workspace_id, node_id in wanted.items():
        observation = answers.get(node_id, _UNREPORTED)
        seen[workspace_id] = attrs.evolve(seen[workspace_id], observation=observation)
    return seen


async def _of_branches(
    forge: PullRequests, project: Project, looking: Sequence[Asking]
) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
    if not looking:
        return {}
    branches = sorted({each.workspace.branch for each in looking})
    answers = await forge.of_branches(project, branches)
    return {each.workspace.id: answers.get(each.workspace.branch, _UNREPORTED) for each in looking}


def choose(candidates: Sequence[Candidate], workspace: Workspace, project: Project) -> tuple[Candidate, ...]:
    """The workspace's own pull request of the open ones of its branch: one, none, or those that tie.

    None that is older than the workspace, unless it resumed a branch. Those of the repository itself
    before those of its forks: anybody can name a fork's branch. Then those into the default branch,
    then the newest.
    """
    oldest = workspace.created_at - _CLOCK_SKEW
    resumed = isinstance(workspace.source, ResumeBranchSource)
    fitting = [each for each in candidates if resumed or each.created_at >= oldest]

    def rank(each: Candidate) -> tuple[bool, bool, float]:
        own = (each.head_repository or "").casefold() == project.repository.casefold()
        return (own, each.base_ref == project.default_branch, each.created_at.timestamp())

    best = max((rank(each) for each in fitting), default=None)
    return tuple(each for each in fitting if rank(each) == best)
