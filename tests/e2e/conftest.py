"""A folder for a chain of rehearsals; whatever a failed one leaves running is ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import kill
from rehearsal import Rehearsal


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    chain = Rehearsal(folder=tmp_path)
    yield chain
    for pid, _ in chain.processes():
        kill(pid)
