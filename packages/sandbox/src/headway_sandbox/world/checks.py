"""Check runs and commit statuses."""

from headway_sandbox import checks, commands, views
from headway_sandbox.records import CheckRun, CheckSuite
from headway_sandbox.world.desk import Desk


def set_status(desk: Desk, order: commands.SetStatus) -> commands.StatusView:
    """Add a commit status."""
    repository = desk.repository(order.repository)
    status = checks.set_status(
        desk.tx,
        repository,
        commit=order.commit,
        context=order.context,
        state=order.state,
        description=order.description,
        target_url=order.target_url,
        creator=desk.user(order.user, repository),
    )
    return views.status_view(status)


def report_check(desk: Desk, order: commands.ReportCheck) -> commands.RunView:
    """Report a check run of another app."""
    run = checks.report(
        desk.tx,
        desk.repository(order.repository),
        commit=order.commit,
        name=order.name,
        status=order.status,
        conclusion=order.conclusion,
        app=order.app,
        title=order.title,
        summary=order.summary,
        details_url=order.details_url,
        workflow=order.workflow,
        event=order.event,
        fresh=order.fresh,
    )
    return views.run_view(desk.tx.get(CheckSuite, run.suite), run)


def report_suite(desk: Desk, order: commands.ReportSuite) -> commands.SuiteView:
    """Report a run of a workflow without check runs."""
    suite = checks.report_suite(
        desk.tx,
        desk.repository(order.repository),
        commit=order.commit,
        workflow=order.workflow,
        event=order.event,
        status=order.status,
        conclusion=order.conclusion,
    )
    return commands.SuiteView(
        id=suite.id,
        commit=suite.commit_oid,
        workflow=suite.workflow,
        status=suite.status,
        conclusion=suite.conclusion,
    )


def rerun_check(desk: Desk, order: commands.RerunCheck) -> commands.RunView:
    """Run a job again."""
    run = checks.rerun(desk.tx, desk.tx.get(CheckRun, order.run), fresh=order.fresh)
    return views.run_view(desk.tx.get(CheckSuite, run.suite), run)
