"""A forge for Headway whose repositories are in memory."""

from forge_in_memory.forge import MemoryForge
from forge_in_memory.issues import MemoryIssueReader
from forge_in_memory.reader import MemoryForgeReader
from forge_in_memory.writer import MemoryForgeWriter

__all__ = ["MemoryForge", "MemoryForgeReader", "MemoryForgeWriter", "MemoryIssueReader"]
