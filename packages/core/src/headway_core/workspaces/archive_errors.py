"""What is said of an archive that failed, beside what was wrong with the workspace before."""

ERROR_LENGTH = 2_000
"""Characters of an error that are stored."""
ARCHIVE_FAILED = "archive failed: "
"""What the reason of a failed archive begins with, behind what was wrong before."""


def with_failed_archive(before: str | None, problem: str) -> str:
    """The error of a workspace whose archive failed for this reason."""
    kept = f"{before}; " if before else ""
    return f"{kept}{ARCHIVE_FAILED}{problem}"[:ERROR_LENGTH]


def without_failed_archive(error: str | None) -> str | None:
    """What was wrong before an archive failed: a new one has nothing to do with the last."""
    before = (error or "").partition(ARCHIVE_FAILED)[0].removesuffix("; ")
    return before or None
