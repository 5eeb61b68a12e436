"""A folder for a chain of rehearsals; whatever a failed one leaves running is ended."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rehearsal import Rehearsal


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    chain = Rehearsal(folder=tmp_path)
    yield chain
    for pid, _ in chain.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
