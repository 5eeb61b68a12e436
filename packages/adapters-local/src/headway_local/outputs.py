"""What an attempt printed, from the files that its supervising program keeps of it (`supervised.Output`)."""

import codecs
import itertools
import os
import re
from pathlib import Path

import attrs

from headway_core.processes import OutputPart
from headway_local.supervised_files import open_regular

_NAME = re.compile(r"output(?:\.([0-9]{1,18}))?")
_MOST_ENTRIES = 10_000
"""Of a folder that is looked at: the agent may fill it."""
_MOST_FILES = 1_000
_TRIES = 10
"""How often a file may be replaced between a look at the folder and one at the file."""
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
    for _ in range(_TRIES):
        if not folder.is_dir():
            break
        try:
            return _read_part(_files(folder), offset, limit)
        except FileNotFoundError:
            continue  # newer output took a file's place
    return None


def tail(folder: Path, limit: int) -> str:
    """The last `limit` bytes that were printed, decoded."""
    content, size = b"", 0
    for _ in range(_TRIES):
        try:
            content, size = _last(folder, limit)
            break
        except FileNotFoundError:
            continue
    if size > limit:  # the first character may have lost its beginning
        content = content.lstrip(_CONTINUATION)
    return content.decode("utf-8", "replace")


def _last(folder: Path, limit: int) -> tuple[bytes, int]:
    """The last bytes, and where they end."""
    content, size = b"", 0
    for file in reversed(_files(folder)):
        size = max(size, file.start + file.path.lstat().st_size)
        content = _content(file, max(0, size - limit - file.start), limit) + content
        if len(content) >= limit or file.start == 0:
            break
    return content, size


def _files(folder: Path) -> list[_File]:
    """The regular files of the output: nothing else that the agent has put there, and no more than the
    supervising program ever keeps at once.
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in itertools.islice(entries, _MOST_ENTRIES):
                named = _NAME.fullmatch(entry.name)
                if named is not None and entry.is_file(follow_symlinks=False):
                    found.append(_File(int(named[1] or 0), folder / entry.name))
    except OSError:
        return []
    return sorted(found, key=lambda file: file.start)[:_MOST_FILES]


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
    """Bytes of a file; nothing of what is no regular file by now, or may not be read."""
    try:
        descriptor = open_regular(str(file.path))
    except FileNotFoundError:
        raise
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as opened:
        opened.seek(position)
        return opened.read(limit)
