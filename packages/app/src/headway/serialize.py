"""What `--json` prints: stable names, statuses beside the facts, no prompt and no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway_core.api import record_data

if TYPE_CHECKING:
    from datetime import datetime

    from headway_core.api import (
        ArchiveResult,
        Card,
        Decision,
        Explanation,
        ForgeAction,
        ForgeBudget,
        Host,
        InitOutput,
        KnownHost,
        PreservedOf,
        Project,
        Session,
        SettingsRecord,
        Workspace,
    )

Json = dict[str, object]


def project(value: Project) -> Json:
    """A project as it is stored."""
    return record_data(value)


def host_row(value: Host) -> Json:
    """A host as it is stored."""
    return record_data(value)


def host(value: KnownHost) -> Json:
    """A host and when it was last seen."""
    return {**host_row(value.host), "seen_at": record_data(value)["seen_at"], "runs": value.runs}


def workspace(value: Workspace) -> Json:
    """A workspace as it is stored; its source by its kind, with what the source knows beside it."""
    source = record_data(value.source)
    return {**record_data(value), "source": value.source.kind, "source_data": source}


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
        "problems": [record_data(each) for each in value.problems],
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
    return {**card(value), "sessions": sessions, "init_output": record_data(output)}


def explanation(value: Explanation) -> Json:
    """Why a workspace moves, or does not."""
    return {**record_data(value), "decision": decision(value.decision)}


def decision(value: Decision | None) -> Json | None:
    """A decision with its kind."""
    if value is None:
        return None
    return {"kind": type(value).__name__, **record_data(value)}


def settings(value: SettingsRecord) -> Json:
    """What people change."""
    return {name: told for name, told in record_data(value).items() if name not in {"id", "version"}}


def action(value: ForgeAction) -> Json:
    """What was asked for at GitHub, as it is stored."""
    return {name: told for name, told in record_data(value).items() if name != "version"}


def budget(value: ForgeBudget, now: datetime) -> Json:
    """What a forge last told of one of its limits, and how long ago."""
    told_s = None if value.told_at is None else round((now - value.told_at).total_seconds(), 1)
    return {**record_data(value), "age_s": told_s}


def preserved(value: PreservedOf) -> Json:
    """What is kept of a workspace."""
    its = value.workspace
    known = {"name": its.name, "branch": its.branch, "status": its.status}
    return {**known, **record_data(value.preserved)}


def archive(value: ArchiveResult) -> Json:
    """How an archive ended."""
    return {"result": type(value).__name__, **record_data(value)}
