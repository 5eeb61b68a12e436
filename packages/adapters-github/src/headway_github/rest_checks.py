"""The checks of a commit by REST: for tokens that GraphQL refuses them, as it does fine-grained ones.

They come as the same rows as by GraphQL, with the same identities, through the same normaliser (S22).
"""

from collections.abc import Mapping
from typing import TypeVar

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.check_rows import CheckRow, CheckRunRow, StatusRow
from headway_github.pages import IncompleteError
from headway_github.reading import Node
from headway_github.rest import Rest
from headway_github.rows import ACTIONS, rest_run_row, rest_status_row, rest_suite_row

T = TypeVar("T")


class RestChecks:
    """Reads check runs, commit statuses and workflow runs: three lists a commit, 304 when unchanged."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def of_commit(self, project: Project, commit: str) -> list[CheckRow]:
        """Every row of a commit. `IncompleteError`: not all of it may, or can now, be read.

        Without the workflow of a run of Actions it is not known what supersedes what, and without the
        runs of workflows not which of them has no check runs: then the list is not read at all.
        """
        base = f"/repos/{project.github_owner}/{project.github_repo}"
        at = f"{base}/commits/{commit}"
        runs = await self._rest.rows(f"{at}/check-runs", "check_runs")
        statuses = await self._rest.rows(f"{at}/status", "statuses")
        found = await self._rest.rows(f"{base}/actions/runs", "workflow_runs", head_sha=commit)
        workflows = {run.integer("check_suite_id"): run for run in found}
        told: list[CheckRow] = [_with_workflow(rest_run_row(run), workflows) for run in runs]
        told += [_at(rest_status_row(status), commit) for status in statuses]
        told += [rest_suite_row(run) for run in found]
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
