"""What `--json` prints: stable names, derived words beside the facts, no prompt and no secret."""

from datetime import datetime

from headway_core.board import Card
from headway_core.forge_actions import ForgeAction
from headway_core.hosts import Host, KnownHost
from headway_core.kernel.conversion import CONVERTER
from headway_core.operations import ArchiveResult
from headway_core.projects import Project
from headway_core.pull_requests import ForgeBudget
from headway_core.ratchet import Decision, Explanation
from headway_core.sessions import Session
from headway_core.settings import Settings
from headway_core.settings.rules import CHANGEABLE
from headway_core.workspaces import InitOutput, Workspace

Json = dict[str, object]


def project(value: Project) -> Json:
    """A project as it is stored."""
    plain: Json = CONVERTER.unstructure(value)
    return plain


def host_row(value: Host) -> Json:
    """A host as it is stored."""
    plain: Json = CONVERTER.unstructure(value)
    return plain


def host(value: KnownHost) -> Json:
    """A host and when it was last seen."""
    seen: object = CONVERTER.unstructure(value.seen_at)
    return {**host_row(value.host), "seen_at": seen}


def workspace(value: Workspace) -> Json:
    """A workspace as it is stored; its source as a word, with what the source knows beside it."""
    plain: Json = CONVERTER.unstructure(value)
    source = CONVERTER.unstructure(value.source)
    return {**plain, "source": value.source.kind, "source_data": source}


def card(value: Card) -> Json:
    """A card of the board."""
    view = value.view
    facts = view.facts
    return {
        "id": view.workspace.id,
        "name": view.workspace.name,
        "project": view.project.slug,
        "source": view.workspace.source.kind,
        "branch": view.workspace.branch,
        "status": view.workspace.status,
        "status_reason": value.status_reason,
        "column": value.column,
        "ratchet": view.ratchet.enabled,
        "ratchet_state": value.ratchet_state,
        "pr_state": value.pr_state,
        "ci_status": value.ci,
        "pull_request": facts.url if facts else None,
        "worktree_path": view.workspace.worktree_path,
        "warning": view.workspace.warning,
        "error": view.workspace.error,
        "problem": value.problems[0].text if value.problems else None,
        "problems": CONVERTER.unstructure(value.problems),
        "note": value.note,
    }


def session(value: Session) -> Json:
    """A session without its prompts."""
    return {
        "id": value.id,
        "purpose": value.purpose,
        "label": value.label,
        "agent": value.agent,
        "model": value.model,
        "status": value.status,
        "end_reason": value.end_reason,
        "end_detail": value.end_detail,
        "exit_code": value.exit_code,
    }


def details(value: Card, output: InitOutput) -> Json:
    """A card with what its sessions did and what its provisioning printed."""
    sessions = [session(each) for each in value.view.sessions]
    return {**card(value), "sessions": sessions, "init_output": CONVERTER.unstructure(output)}


def explanation(value: Explanation) -> Json:
    """Why a workspace moves, or does not."""
    plain: Json = CONVERTER.unstructure(value)
    return {**plain, "decision": decision(value.decision)}


def decision(value: Decision | None) -> Json | None:
    """A decision with its kind."""
    if value is None:
        return None
    plain: Json = CONVERTER.unstructure(value)
    return {"kind": type(value).__name__, **plain}


def settings(value: Settings) -> Json:
    """What people change."""
    plain: Json = CONVERTER.unstructure(value)
    return {name: plain[name] for name in CHANGEABLE}


def action(value: ForgeAction) -> Json:
    """What was asked for at GitHub, as it is stored."""
    plain: Json = CONVERTER.unstructure(value)
    return {name: plain[name] for name in plain if name != "version"}


def budget(value: ForgeBudget, now: datetime) -> Json:
    """What a forge last told of one of its limits, and how long ago."""
    plain: Json = CONVERTER.unstructure(value)
    told_s = None if value.told_at is None else round((now - value.told_at).total_seconds(), 1)
    return {**plain, "age_s": told_s}


def archive(value: ArchiveResult) -> Json:
    """How an archive ended."""
    plain: Json = CONVERTER.unstructure(value)
    return {"result": type(value).__name__, **plain}
