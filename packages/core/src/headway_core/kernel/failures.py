"""How a failure is logged after which the work goes on."""

import logging

from headway_core.kernel.errors import HeadwayError


def log_failure(logger: logging.Logger, what: str, error: Exception, *, level: int = logging.ERROR) -> None:
    """Log what failed, and why.

    What the world does is told in a line: an outage, a full disk, a repository that was moved. Its traceback
    is there for who asks for DEBUG. What is a defect of ours keeps its traceback.
    """
    causes = _leaves(error)
    if not all(isinstance(cause, HeadwayError | OSError) for cause in causes):
        logger.log(level, "%s", what, exc_info=error)
        return
    logger.log(level, "%s: %s", what, "; ".join(dict.fromkeys(_sentence(cause) for cause in causes)))
    logger.debug("%s", what, exc_info=error)


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for each in error.exceptions for leaf in _leaves(each)]


def _sentence(error: BaseException) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error) or type(error).__name__
    return error.strerror if error.filename is None else f"{error.strerror} ({error.filename})"
