"""What a look at a pull request came to, for people."""

from headway_core.kernel.errors import HeadwayError, NotFound, PermissionDenied, Unavailable
from headway_core.pull_requests import Failed, RefreshOutcome, Shared
from headway_core.pull_requests import NotFound as NotFoundThere
from headway_core.pull_requests.ports import FailureKind


def expect_read(outcome: RefreshOutcome) -> None:
    """A look that failed is an error to whoever asked for it; what is stored stays, and ages."""
    match outcome.outcome if isinstance(outcome, Shared) else outcome:
        case Failed() as failed:
            raise _error(failed)
        case NotFoundThere():
            raise NotFound("pull request", "that is attached: GitHub does not have it any more")
        case _:
            return


def _error(failed: Failed) -> HeadwayError:
    if failed.kind is FailureKind.FORBIDDEN:
        return PermissionDenied("github", failed.problem)
    return Unavailable("github", failed.problem, retry_after=failed.retry_after)
