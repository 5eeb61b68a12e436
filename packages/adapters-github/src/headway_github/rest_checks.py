"""The checks of a commit by REST: for tokens that GraphQL refuses them, as it does fine-grained ones.

They come as the same rows as by GraphQL, with the same identities, through the same normaliser (S22).
"""

from collections.abc import Mapping
from typing import TypeVar

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.checks import CheckRow, CheckRunRow, StatusRow
from headway_github.pages import IncompleteError
from headway_github.reading import Node
from headway_github.rest import Rest
from headway_github.rows import rest_run_row, rest_status_row

ACTIONS = "github-actions"
T = TypeVar("T")


class RestChecks:
    """Reads check runs, commit statuses and workflow runs: three lists a commit, 304 when unchanged."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def of_commit(self, project: Project, commit: str) -> list[CheckRow]:
        """Every row of a commit. `IncompleteError`: not all of it may, or can now, be read.

        Without the workflow of a run of Actions it is not known what supersedes what, so that such a
        list is not read at all.
        """
        base = f"/repos/{project.github_owner}/{project.github_repo}"
        at = f"{base}/commits/{commit}"
        runs = await self._rest.rows(f"{at}/check-runs", "check_runs")
        statuses = await self._rest.rows(f"{at}/status", "statuses")
        rows = [rest_run_row(run) for run in runs]
        if any(row.app == ACTIONS for row in rows):
            found = await self._rest.rows(f"{base}/actions/runs", "workflow_runs", head_sha=commit)
            workflows = {run.integer("check_suite_id"): run for run in found}
            rows = [_with_workflow(row, workflows) for row in rows]
        told: list[CheckRow] = [*rows]
        told += [_at(rest_status_row(status), commit) for status in statuses]
        return told


def _with_workflow(row: CheckRunRow, workflows: Mapping[int, Node]) -> CheckRunRow:
    run = workflows.get(row.suite) if row.suite is not None else None
    if run is not None:
        return attrs.evolve(row, workflow=str(run.integer("workflow_id")), event=run.text("event"))
    if row.app == ACTIONS:
        raise IncompleteError("a check run of Actions without its workflow")
    return row


def _at(row: StatusRow, commit: str) -> StatusRow:
    return attrs.evolve(row, commit=commit)
