"""The output of a provisioning: chunks as they came, kept to their last 64 KiB, read as whole lines."""

from collections.abc import Sequence

import attrs

from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.workspaces.model import OUTPUT_OF, InitOutputLine, Workspace
from headway_core.workspaces.steps import WorkspaceSteps

OUTPUT_LIMIT = 65_536
"""Bytes of UTF-8 that are kept."""


@attrs.frozen(kw_only=True)
class InitOutput:
    """What the last run of provisioning printed."""

    text: str
    """Whole lines; at most `OUTPUT_LIMIT` bytes."""
    cut: bool
    """More was printed before it."""


class InitOutputSteps:
    """The single writer of the output of provisioning. It emits nothing: output is read where it is shown."""

    def __init__(self, output: OwnedTable[InitOutputLine], workspaces: WorkspaceSteps) -> None:
        self._output = output
        self._workspaces = workspaces

    def of(self, tx: ReadTransaction, workspace_id: str) -> InitOutput:
        """What the present or last run of provisioning printed. `NotFound` for an unknown workspace."""
        return joined(self._chunks(tx, self._workspaces.known(tx, workspace_id)))

    def append(self, tx: Transaction, workspace_id: str, text: str) -> None:
        """Add to the output of the present run; beyond the limit the oldest of it is dropped (L12).

        The row of the workspace stays as it is, so no change of it can clash.
        """
        tx.lock(workspace_id)
        workspace = self._workspaces.known(tx, workspace_id)
        chunks = self._chunks(tx, workspace)
        kept, cut = fitting(text)
        # A number left out at the front says that something was cut; see `joined`.
        number = int(chunks[-1].sequence) + 1 if chunks else int(cut)
        chunk = InitOutputLine(
            workspace_id=workspace_id,
            attempt=workspace.attempt,
            sequence=f"{number:08d}",
            text=kept,
            at=tx.now(),
        )
        self._output.add(tx, chunk)
        for old in surplus([*chunks, chunk]):
            self._output.remove(tx, old.workspace_id, old.attempt, old.sequence)

    def _chunks(self, tx: ReadTransaction, workspace: Workspace) -> Sequence[InitOutputLine]:
        return self._output.query(tx, OUTPUT_OF, workspace_id=workspace.id, attempt=workspace.attempt)


def size(text: str) -> int:
    """Bytes of a chunk."""
    return len(text.encode())


def fitting(text: str) -> tuple[str, bool]:
    """The end of a text that fits the limit, and whether something was cut. NUL becomes U+FFFD."""
    text = text.replace("\0", "\ufffd")
    data = text.encode("utf-8", "replace")
    if len(data) <= OUTPUT_LIMIT:
        return data.decode(), False
    return data[-OUTPUT_LIMIT:].decode("utf-8", "ignore"), True


def surplus(chunks: Sequence[InitOutputLine]) -> list[InitOutputLine]:
    """The oldest chunks without which the limit is still filled."""
    total = sum(size(chunk.text) for chunk in chunks)
    gone = []
    for chunk in chunks:
        total -= size(chunk.text)
        if total < OUTPUT_LIMIT:
            break
        gone.append(chunk)
    return gone


def joined(chunks: Sequence[InitOutputLine]) -> InitOutput:
    """The text of an attempt's chunks, which are in order."""
    text, cut = fitting("".join(chunk.text for chunk in chunks))
    cut = cut or (bool(chunks) and int(chunks[0].sequence) > 0)
    if cut and "\n" in text:
        text = text.partition("\n")[2]  # the first line may have lost its beginning
    return InitOutput(text=text, cut=cut)
