"""The forge in memory keeps the published contracts of its ports."""

import pytest

from forge_in_memory import MemoryForge, MemoryForgeReader, MemoryForgeWriter, MemoryIssueReader
from headway_testing import a_project
from headway_testing.contracts.forge import ForgeReaderCapability, ForgeReaderContract
from headway_testing.contracts.forge_writer import ForgeWriterContract
from headway_testing.contracts.issues import IssueReaderContract


@pytest.fixture
def stage() -> MemoryForge:
    return MemoryForge(a_project())


class TestReader(ForgeReaderContract):
    """Without mergeability, a merge queue and limits."""

    capabilities = frozenset({ForgeReaderCapability.CHECKS, ForgeReaderCapability.REVIEWS})

    @pytest.fixture
    def forge(self, stage: MemoryForge) -> MemoryForgeReader:
        return MemoryForgeReader(stage)


class TestWriter(ForgeWriterContract):
    """Whatever there is to write."""

    @pytest.fixture
    def writer(self, stage: MemoryForge) -> MemoryForgeWriter:
        return MemoryForgeWriter(stage)


class TestIssues(IssueReaderContract):
    """Its addresses are its own."""

    @pytest.fixture
    def issues(self, stage: MemoryForge) -> MemoryIssueReader:
        return MemoryIssueReader(stage)
