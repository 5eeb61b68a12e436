"""The output of a provisioning: chunks as they came, kept to their last 64 KiB, read as whole lines."""

from collections.abc import Sequence

import attrs

from headway_core.workspaces.model import InitOutputLine

OUTPUT_LIMIT = 65_536
"""Bytes of UTF-8 that are kept."""


@attrs.frozen(kw_only=True)
class InitOutput:
    """What the last run of provisioning printed."""

    text: str
    """Whole lines; at most `OUTPUT_LIMIT` bytes."""
    cut: bool
    """More was printed before it."""


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
