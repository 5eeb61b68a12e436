"""Asking the forge for a group of workspaces of one project: which pull request, and what it says."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.circuit_breaker import CircuitBreaker
from headway_core.pull_requests.derive import in_repository
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
)
from headway_core.workspaces.model import GitFacts, ResumeBranchSource, Workspace

_CLOCK_SKEW = timedelta(minutes=10)
"""Our clock may be ahead of GitHub's by so much: an open pull request of a fresh branch is hardly older."""
_PASSING = (FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE)
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
    @property
    def declined(self) -> tuple[str, ...]: ...
    @property
    def hinted(self) -> tuple[int, ...]: ...
    @property
    def git(self) -> GitFacts | None: ...


@attrs.frozen(kw_only=True)
class LookResult:
    """What a fetch found for one workspace."""

    observation: Observation | FetchFailed | None = None
    """Of the pull request that is attached, or is to be; None when there is none."""
    attach: str | None = None
    """Node id of the pull request that is to be attached; None: it stays as it is."""
    tied: tuple[int, ...] = ()
    """Numbers of several of the branch, of which none goes first."""


async def look(forge: ForgeReader, group: Sequence[Asking]) -> dict[str, LookResult]:
    """Ask for a group of one project: one query for the branches, then one for all that is observed."""
    project, forge = group[0].project, CircuitBreaker(forge)
    looking = [each for each in group if each.looks]
    found = await _of_branches(forge, project, [each.workspace.branch for each in looking])
    results: dict[str, LookResult] = {}
    wanted: dict[str, str] = {}
    for each in group:
        workspace_id = each.workspace.id
        answer = found[each.workspace.branch] if each.looks else ()
        if isinstance(answer, FetchFailed) and each.node_id is None:
            results[workspace_id] = LookResult(observation=answer)
            continue
        chosen = () if isinstance(answer, FetchFailed) else choose(answer, each, project)
        if not chosen and each.looks and each.hinted:
            named = await _named(forge, each)
            if isinstance(named, FetchFailed) and each.node_id is None:
                results[workspace_id] = LookResult(observation=named)
                continue
            chosen = () if isinstance(named, FetchFailed) else named
        if len(chosen) == 1:
            wanted[workspace_id] = chosen[0].node_id
            results[workspace_id] = LookResult(attach=chosen[0].node_id)
        else:
            results[workspace_id] = LookResult(tied=tuple(sorted(candidate.number for candidate in chosen)))
            if each.node_id is not None:
                wanted[workspace_id] = each.node_id
    answers = await _observe(forge, project, sorted(set(wanted.values())))
    for workspace_id, node_id in wanted.items():
        results[workspace_id] = attrs.evolve(results[workspace_id], observation=answers[node_id])
    return results


async def _observe(
    forge: ForgeReader, project: Project, node_ids: Sequence[str]
) -> dict[str, Observation | FetchFailed]:
    """What a list does not have is looked up by itself before that is believed."""
    answers = await forge.observe(project, node_ids) if node_ids else {}
    missing = [node_id for node_id in node_ids if _is_missing(answers.get(node_id, _UNREPORTED))]
    if 0 < len(missing) < len(node_ids):
        answers |= await forge.observe(project, missing)
    return {node_id: answers.get(node_id, _UNREPORTED) for node_id in node_ids}


def _is_missing(answer: Observation | FetchFailed) -> bool:
    return answer is _UNREPORTED or (isinstance(answer, FetchFailed) and answer.kind is FailureKind.NOT_FOUND)


async def _named(forge: ForgeReader, each: Asking) -> tuple[Candidate, ...] | FetchFailed:
    """The pull request that an agent named, when its head is the worktree's own commit, or was made there.

    An agent may have pushed its work to another branch than the workspace's, and opened the pull request
    from there (S16). What it says is hostile: the commit vouches for it, and all other rules hold. A
    failure is one that will pass: what was named is looked up then.
    """
    for number in each.hinted:
        told = await _numbered(forge, each.project, number)
        if isinstance(told, FetchFailed):
            if told.kind in _PASSING:
                return told
            continue
        if not _is_worktrees(told.state.head.commit, each.git):
            continue
        if told.state.head.ref == each.workspace.base_branch:
            continue
        branch = told.state.head.ref
        found = (await _of_branches(forge, each.project, [branch]))[branch]
        if isinstance(found, FetchFailed):
            return found
        chosen = choose(found, each, each.project)
        if [candidate.node_id for candidate in chosen] == [told.state.node_id]:
            return chosen
    return ()


async def _numbered(forge: ForgeReader, project: Project, number: int) -> Observation | FetchFailed:
    node_id = await forge.resolve(project, number)
    if isinstance(node_id, FetchFailed):
        return node_id
    return (await _observe(forge, project, [node_id]))[node_id]


async def _of_branches(
    forge: ForgeReader, project: Project, branches: Sequence[str]
) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
    asked = sorted(set(branches))
    answers = await forge.of_branches(project, asked) if asked else {}
    return {branch: answers.get(branch, _UNREPORTED) for branch in asked}


def choose(candidates: Sequence[Candidate], each: Asking, project: Project) -> tuple[Candidate, ...]:
    """The workspace's own pull request of the open ones of its branch: one, none, or those that tie.

    None that a person detached, and none that is older than the workspace, unless it resumed a branch.
    One from a fork only when its head was made in the worktree: anybody can name a fork's branch, and push
    there what is public. Those of the repository itself go first, then those into the default branch, then
    the newest.
    """
    oldest = each.workspace.created_at - _CLOCK_SKEW
    resumed = isinstance(each.workspace.source, ResumeBranchSource)
    fitting = [
        candidate
        for candidate in candidates
        if candidate.node_id not in each.declined
        and (resumed or candidate.created_at >= oldest)
        and (_is_own(candidate, project) or _is_made_here(candidate, each.git))
    ]

    def rank(candidate: Candidate) -> tuple[bool, bool, float]:
        own, default = _is_own(candidate, project), candidate.base_ref == project.default_branch
        return (own, default, candidate.created_at.timestamp())

    best = max((rank(candidate) for candidate in fitting), default=None)
    return tuple(candidate for candidate in fitting if rank(candidate) == best)


def _is_own(candidate: Candidate, project: Project) -> bool:
    """Whether its head lies in the repository itself: by node id, so that a rename changes nothing."""
    if candidate.in_repository is not None:
        return candidate.in_repository
    return in_repository(candidate.head_repository, project.repository)


def _is_worktrees(commit: str, git: GitFacts | None) -> bool:
    return git is not None and (commit == git.head or git.has_made(commit))


def _is_made_here(candidate: Candidate, git: GitFacts | None) -> bool:
    return git is not None and candidate.head_commit is not None and git.has_made(candidate.head_commit)
