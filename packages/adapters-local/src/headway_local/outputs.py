"""What an attempt printed, from the files that its supervising program keeps of it (`supervised.Output`)."""

import codecs
import errno
import os
import stat
from pathlib import Path

import attrs

from headway_core.processes import OutputPart

_CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that begin no character."""


@attrs.frozen
class _File:
    """A file of the output, and how many bytes were printed before its first."""

    start: int
    path: Path


def read_part(folder: Path, offset: int, limit: int) -> OutputPart | None:
    """What was printed from byte `offset` on, up to `limit` bytes and in whole characters, as far as it was
    kept; None when there is no such attempt.
    """
    while folder.is_dir():
        try:
            return _read_part(_files(folder), offset, limit)
        except FileNotFoundError:
            continue  # newer output took a file's place
    return None


def tail(folder: Path, limit: int) -> str:
    """The last `limit` bytes that were printed, decoded."""
    while True:
        try:
            content, size = b"", 0
            for file in reversed(_files(folder)):
                size = max(size, file.start + file.path.stat().st_size)
                content = _content(file, max(0, size - limit - file.start), limit) + content
                if len(content) >= limit or file.start == 0:
                    break
        except FileNotFoundError:
            continue
        if size > limit:  # the first character may have lost its beginning
            content = content.lstrip(_CONTINUATION)
        return content.decode("utf-8", "replace")


def _files(folder: Path) -> list[_File]:
    found = []
    if folder.is_dir():
        for path in folder.glob("output*"):
            number = path.name.removeprefix("output").removeprefix(".")
            if path.name == "output" or number.isdecimal():
                found.append(_File(int(number or 0), path))
    return sorted(found, key=lambda file: file.start)


def _read_part(files: list[_File], offset: int, limit: int) -> OutputPart:
    begin, content, goes_on = offset, b"", False
    for file in files:
        end = begin + len(content)
        if content and file.start > end:
            goes_on = True  # what was left out lies between
            break
        more = _content(file, max(0, end - file.start), limit - len(content))
        if not more:
            continue
        if content or file.start <= offset:
            content += more
        else:  # the first character after what was left out may have lost its beginning
            content = more.lstrip(_CONTINUATION)
            begin = file.start + len(more) - len(content)
            break
        if len(content) >= limit:
            break
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(content, goes_on)
    pending, _ = decoder.getstate()
    return OutputPart(
        text=text,
        offset=begin,
        next_offset=begin + len(content) - len(pending),
        left_out=begin - offset,
    )


def _content(file: _File, position: int, limit: int) -> bytes:
    """Bytes of a file; nothing of what is no regular file, which the agent has put there."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return b""
        raise
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        opened.seek(position)
        return opened.read(limit)
