"""Rows of checks from GitHub's JSON: GraphQL nodes, and what `gh pr view --json statusCheckRollup` prints."""

from collections.abc import Iterable

from headway_core.pull_requests.check_rows import CheckRow, CheckRunRow, CheckSuiteRow, StatusRow
from headway_core.pull_requests.checks import newest_checks
from headway_core.pull_requests.model import Check
from headway_github.reading import MalformedError, Node, cut

ACTIONS = "github-actions"
NAME_BYTES = 300
_SUMMARY_BYTES = 2 * 1024
_URL_BYTES = 2 * 1024


def checks_from_rollup(items: Iterable[object] | None) -> tuple[Check, ...]:
    """The newest run of every check of a rollup; None, as GitHub says for none, gives none.

    `items`: those of `gh pr view --json statusCheckRollup`, or nodes of `StatusCheckRollup.contexts`.
    Never raises for what an item holds: one that can't be read counts as a check that is unknown.
    """
    return newest_checks(_lenient(item) for item in items or ())


def _lenient(item: object) -> CheckRow:
    try:
        return check_row(Node(item, lenient=True))
    except MalformedError:
        return CheckRunRow(name="", status=None, conclusion=None)


def check_row(node: Node, *, commit: str | None = None) -> CheckRow:
    """One row. `MalformedError` when a field has another type than the schema says."""
    kind = node.maybe_text("__typename")
    told = node.has("status") or node.has("conclusion")
    if kind == "StatusContext" or (kind is None and node.has("state") and not told):
        return _status(node, commit)
    return _run(node)


def _status(node: Node, commit: str | None) -> StatusRow:
    return StatusRow(
        context=cut(node.maybe_text("context") or node.maybe_text("name") or "", NAME_BYTES),
        state=node.maybe_text("state"),
        commit=commit,
        id=node.maybe_text("id"),
        created_at=node.maybe_time("createdAt") or node.maybe_time("startedAt"),
        url=_short(node.maybe_text("targetUrl"), _URL_BYTES),
        summary=_short(node.maybe_text("description"), _SUMMARY_BYTES),
        app=_poster(node, "__typename"),
    )


def _poster(status: Node, kind: str) -> str | None:
    """The app that posted a status: the login of its bot. A person's token is no app's.

    `kind`: the field that says what a poster is.
    """
    creator = status.maybe_node("creator")
    if creator is None or creator.maybe_text(kind) != "Bot":
        return None
    return (creator.maybe_text("login") or "").removesuffix("[bot]") or None


def _run(node: Node) -> CheckRunRow:
    suite = node.maybe_node("checkSuite")
    app = suite and suite.maybe_node("app")
    run = suite and suite.maybe_node("workflowRun")
    workflow = run and run.maybe_node("workflow")
    workflow_id = workflow and workflow.maybe_integer("databaseId")
    # gh prints an empty workflow name for what is no workflow's.
    workflow_name = workflow.maybe_text("name") if workflow else node.maybe_text("workflowName")
    return CheckRunRow(
        name=cut(node.maybe_text("name") or "", NAME_BYTES),
        status=node.maybe_text("status"),
        conclusion=node.maybe_text("conclusion"),
        number=node.maybe_integer("databaseId"),
        suite=suite.maybe_integer("databaseId") if suite else None,
        app=(app.maybe_text("slug") or app.maybe_text("name")) if app else None,
        app_id=app.maybe_integer("databaseId") if app else None,
        workflow=str(workflow_id) if workflow_id is not None else (workflow_name or None),
        event=(run.maybe_text("event") if run else node.maybe_text("event")) or None,
        started_at=node.maybe_time("startedAt"),
        completed_at=node.maybe_time("completedAt"),
        url=_short(node.maybe_text("detailsUrl"), _URL_BYTES),
        summary=_summary(node),
    )


def suite_row(node: Node) -> CheckSuiteRow | None:
    """The run of a workflow that a check suite is; None for the suite of another app.

    GitHub makes one for each app at each push, and one to which nothing is reported says nothing.
    """
    app, run = node.maybe_node("app"), node.maybe_node("workflowRun")
    slug = app.maybe_text("slug") if app else None
    if run is None and slug != ACTIONS:
        return None
    workflow = run.maybe_node("workflow") if run else None
    number = workflow.maybe_integer("databaseId") if workflow else None
    name = workflow.maybe_text("name") if workflow else None
    return CheckSuiteRow(
        number=node.integer("databaseId"),
        name=cut(name or slug or "", NAME_BYTES),
        status=node.maybe_text("status"),
        conclusion=node.maybe_text("conclusion"),
        app=slug,
        workflow=str(number) if number is not None else name,
        event=run.maybe_text("event") if run else None,
        created_at=node.maybe_time("createdAt"),
        url=_short((run and run.maybe_text("url")) or node.maybe_text("url"), _URL_BYTES),
    )


def rest_suite_row(run: Node) -> CheckSuiteRow:
    """The same from a workflow run as REST tells it."""
    return CheckSuiteRow(
        number=run.integer("check_suite_id"),
        name=cut(run.maybe_text("name") or ACTIONS, NAME_BYTES),
        status=run.maybe_text("status"),
        conclusion=run.maybe_text("conclusion"),
        app=ACTIONS,
        workflow=str(run.integer("workflow_id")),
        event=run.text("event"),
        created_at=run.maybe_time("created_at"),
        url=_short(run.maybe_text("html_url"), _URL_BYTES),
    )


def rest_run_row(node: Node) -> CheckRunRow:
    """One check run as REST tells it; its workflow is another list's."""
    suite, app, output = (node.maybe_node(key) for key in ("check_suite", "app", "output"))
    return CheckRunRow(
        name=cut(node.text("name"), NAME_BYTES),
        status=node.maybe_text("status"),
        conclusion=node.maybe_text("conclusion"),
        number=node.integer("id"),
        suite=suite.maybe_integer("id") if suite else None,
        app=(app.maybe_text("slug") or app.maybe_text("name")) if app else None,
        app_id=app.maybe_integer("id") if app else None,
        started_at=node.maybe_time("started_at"),
        completed_at=node.maybe_time("completed_at"),
        url=_short(node.maybe_text("details_url"), _URL_BYTES),
        summary=_summary(output) if output else None,
    )


def rest_status_row(node: Node) -> StatusRow:
    """One commit status as REST tells it."""
    return StatusRow(
        context=cut(node.text("context"), NAME_BYTES),
        state=node.maybe_text("state"),
        id=node.maybe_text("node_id"),
        created_at=node.maybe_time("created_at"),
        url=_short(node.maybe_text("target_url"), _URL_BYTES),
        summary=_short(node.maybe_text("description"), _SUMMARY_BYTES),
        app=_poster(node, "type"),
    )


def _summary(node: Node) -> str | None:
    told = [text for text in (node.maybe_text("title"), node.maybe_text("summary")) if text]
    return cut("\n".join(told), _SUMMARY_BYTES) if told else None


def _short(text: str | None, size: int) -> str | None:
    return cut(text, size) if text else None
