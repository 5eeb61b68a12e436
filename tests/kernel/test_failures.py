"""What is logged of a failure after which the work goes on."""

import errno
import logging

import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.kernel.failures import log_failure

logger = logging.getLogger("headway_core.test")
FULL = OSError(errno.ENOSPC, "No space left on device", "/data/prompt")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Unavailable("github", "is down"), "a duty: github: is down"),
        (FULL, "a duty: No space left on device (/data/prompt)"),
        (OSError(errno.EIO, "Input/output error"), "a duty: Input/output error"),
        (OSError("odd"), "a duty: odd"),
        (TimeoutError(), "a duty: TimeoutError"),
        (
            ExceptionGroup("several", [FULL, ExceptionGroup("inner", [Unavailable("git", "is gone"), FULL])]),
            "a duty: No space left on device (/data/prompt); git: is gone",
        ),
    ],
    ids=["of ours", "a full disk", "without a file", "without a number", "without words", "a group"],
)
def test_what_the_world_does_is_a_line(error: Exception, line: str, caplog: pytest.LogCaptureFixture) -> None:
    """One error, each cause once; the traceback comes only to who asks for DEBUG."""
    with caplog.at_level(logging.INFO):
        log_failure(logger, "a duty", error)
    [record] = caplog.records
    assert (record.levelno, record.getMessage(), record.exc_info) == (logging.ERROR, line, None)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        log_failure(logger, "a duty", error)
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError(), ExceptionGroup("several", [FULL, ZeroDivisionError()])],
    ids=["one", "among"],
)
def test_a_defect_keeps_its_traceback(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody raises on purpose is logged as one, also beside those of the world."""
    log_failure(logger, "a duty", error)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
